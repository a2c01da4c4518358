//! A unix socket that the system wakes nobody about but for input.
//!
//! A unix socket is writable again, and says so, each time the other side has read something. Whoever
//! waits for both, as tokio's own type does, is woken once more for every reply that a client takes:
//! with 50 clients and one request at a time that was two of three times. Here the system is asked
//! about room for output only once there is none.

use socket2::SockRef;
use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, unix::AsyncFd};

/// A unix socket.
#[derive(Debug)]
pub(crate) struct QuietUnix {
    input: AsyncFd<UnixStream>,
    /// Since there was no room once.
    output: Option<AsyncFd<UnixStream>>,
}

impl QuietUnix {
    pub(crate) fn new(stream: tokio::net::UnixStream) -> io::Result<Self> {
        let input = register(stream.into_std()?, Interest::READABLE)?;
        Ok(Self { input, output: None })
    }
}

fn register(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: a `UnixStream` owns its descriptor, gives the same one each time, and keeps it open
    // until it is dropped, which is after it has been taken off the reactor: nobody moves it out.
    let registered = unsafe { AsyncFd::register_with_interest(stream, interest) };
    Ok(registered?)
}

impl AsyncRead for QuietUnix {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.input.poll_read_ready(context))?;
            // SAFETY: nothing that is initialized becomes uninitialized: `recv` writes bytes, and
            // what it does not write stays as it is.
            let room = unsafe { buffer.unfilled_mut() };
            let len = room.len();
            match ready.try_io(|socket| SockRef::from(socket.get_ref()).recv(room)) {
                Ok(Ok(read)) => {
                    // There was no more, so that a second look is not needed to know it.
                    if 0 < read && read < len {
                        ready.clear_ready();
                    }
                    // SAFETY: `recv` has written so many bytes to the beginning of the unfilled part.
                    unsafe { buffer.assume_init(read) };
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for QuietUnix {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            match this.input.get_ref().write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => {
                    // Whoever takes so much at once is not waited for.
                    if done.as_ref().is_ok_and(|written| *written == bytes.len()) {
                        this.output = None;
                    }
                    return Poll::Ready(done);
                }
            }
            let output = match &mut this.output {
                Some(output) => output,
                none => {
                    let stream = this.input.get_ref().try_clone()?;
                    none.insert(register(stream, Interest::WRITABLE)?)
                }
            };
            // Room that came since is found by the next attempt.
            ready!(output.poll_write_ready(context))?.clear_ready();
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.input.get_ref().shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream as Plain,
    };

    #[tokio::test]
    async fn more_than_there_is_room_for_arrives_in_both_directions() {
        let (one, mut other) = Plain::pair().unwrap();
        let mut quiet = QuietUnix::new(one).unwrap();
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
        let expected = sent.clone();
        let peer = tokio::spawn(async move {
            let mut found = vec![0; expected.len()];
            other.read_exact(&mut found).await.unwrap();
            assert!(found == expected);
            other.write_all(&found).await.unwrap();
            other
        });
        quiet.write_all(&sent).await.unwrap();
        let mut found = vec![0; sent.len()];
        quiet.read_exact(&mut found).await.unwrap();
        assert!(found == sent);
        drop(peer.await.unwrap());
        assert_eq!(quiet.read(&mut found).await.unwrap(), 0);
    }
}
