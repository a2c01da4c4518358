//! Clients that send as fast as they get replies.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};

/// Different keys.
const KEYS: usize = 10_000;

const VALUE: [u8; 64] = [b'x'; 64];

/// Where a server is.
pub(crate) enum Place<'a> {
    Unix(&'a Path),
    Tcp(u16),
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) command: &'a str,
    /// Requests at a time.
    pub(crate) pipeline: usize,
    pub(crate) connections: usize,
    pub(crate) length: Duration,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) commands: usize,
    /// How long each batch took.
    pub(crate) nanos: Vec<u64>,
    pub(crate) took: Duration,
}

impl Load<'_> {
    /// Loads a server that has been [filled](fill), from one thread.
    pub(crate) fn run(&self, place: &Place<'_>) -> io::Result<Done> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            match place {
                Place::Unix(path) => self.drive(async || UnixStream::connect(path).await).await,
                Place::Tcp(port) => {
                    let connect = async || {
                        let stream = TcpStream::connect(("127.0.0.1", *port)).await?;
                        stream.set_nodelay(true)?;
                        Ok(stream)
                    };
                    self.drive(connect).await
                }
            }
        })
    }

    async fn drive<S>(&self, connect: impl AsyncFn() -> io::Result<S>) -> io::Result<Done>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let requests: Arc<Vec<_>> =
            Arc::new((0..KEYS).map(|number| request(self.command, number * 31 % KEYS)).collect());
        let mut clients = JoinSet::new();
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            streams.push(connect().await?);
        }
        let begin = Instant::now();
        for (number, stream) in streams.into_iter().enumerate() {
            clients.spawn(client(
                stream,
                Arc::clone(&requests),
                number * 7919 % KEYS / self.pipeline,
                self.pipeline,
                self.length,
            ));
        }
        let mut nanos = Vec::new();
        while let Some(found) = clients.join_next().await {
            nanos.extend(found??);
        }
        Ok(Done { commands: nanos.len() * self.pipeline, nanos, took: begin.elapsed() })
    }
}

/// Gives the server every key.
pub(crate) fn fill(path: &Path) -> io::Result<()> {
    let mut stream = std::os::unix::net::UnixStream::connect(path)?;
    for number in 0..KEYS {
        stream.write_all(&request("SET", number))?;
        stream.read_exact(&mut [0; 5])?;
    }
    Ok(())
}

async fn client<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    pipeline: usize,
    length: Duration,
) -> io::Result<Vec<u64>> {
    // Replies of one length, so that the client has little to do.
    let is_get = requests[0].starts_with(b"*2");
    let reply = if is_get { VALUE.len() + "$64\r\n\r\n".len() } else { "+OK\r\n".len() };
    let mut replies = vec![0; reply * pipeline];
    let (mut batch, mut nanos) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    let mut sent = begin;
    for chunk in requests.chunks_exact(pipeline).cycle().skip(first) {
        batch.clear();
        chunk.iter().for_each(|request| batch.extend_from_slice(request));
        stream.write_all(&batch).await?;
        stream.read_exact(&mut replies).await?;
        let now = Instant::now();
        nanos.push(u64::try_from((now - sent).as_nanos()).unwrap_or(u64::MAX));
        sent = now;
        if now - begin > length {
            break;
        }
    }
    Ok(nanos)
}

fn request(command: &str, number: usize) -> Vec<u8> {
    let key = format!("key:{number:012}");
    let count = if command == "GET" { 2 } else { 3 };
    let mut request =
        format!("*{count}\r\n$3\r\n{command}\r\n${}\r\n{key}\r\n", key.len()).into_bytes();
    if command == "SET" {
        request.extend_from_slice(b"$64\r\n");
        request.extend_from_slice(&VALUE);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// The time that so many of a thousand did not exceed.
pub(crate) fn percentile(nanos: &mut [u64], per_mille: usize) -> f64 {
    nanos.sort_unstable();
    let at = (nanos.len() * per_mille).div_ceil(1000).saturating_sub(1);
    nanos.get(at).map_or(0.0, |nanos| *nanos as f64)
}
