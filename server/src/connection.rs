//! A connection: what comes in is carried out where it lies, and all replies go out at once.

use crate::{
    clients::Client,
    commands::{Container, catalog, flag, write_end},
    dispatch::execute,
    linger::Linger,
    protocol::{Arguments, Limits, Progress, Reply, RequestParser},
    session::{Blocked, Next, Session},
    waiting::End,
};
use std::{
    future::{Future, poll_fn},
    io,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::yield_now,
    time::{sleep, timeout},
};

/// Replies that are collected before they are sent, in bytes.
const BATCH: usize = 64 << 10;

/// Room for input that a connection begins with, and that it grows to while it is kept full.
const LEAST_INPUT: usize = 4 << 10;
const MOST_INPUT: usize = 64 << 10;

/// Room that a connection keeps from one batch to the next.
const KEPT: usize = 256 << 10;

/// How long a client may take no byte of its replies.
const STALL: Duration = Duration::from_secs(60);

/// How long a client has to take the end.
const RESPITE: Duration = Duration::from_millis(100);

/// How soon a command finds that a pause has ended before its time.
const GLANCE: Duration = Duration::from_millis(20);

/// As long as a timer may run.
const FOREVER: Duration = Duration::from_secs(1 << 25);

/// Reads requests from a stream, and writes replies to it, until either side ends it.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    session: Session,
    parser: RequestParser,
    input: Vec<u8>,
    /// How much of the input is done.
    done: usize,
    out: Vec<u8>,
    /// Room for input to ask for next.
    room: usize,
    linger: Linger,
}

/// What the input asks for.
enum Step {
    /// More input.
    Read,
    /// A request was carried out.
    Done,
    /// A request has to wait, CLIENT PAUSE says.
    Wait(Duration),
    /// The input makes no sense; the reply says so.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S, session: Session) -> Self {
        Self {
            stream,
            session,
            parser: RequestParser::default(),
            input: Vec::new(),
            done: 0,
            out: Vec::new(),
            room: LEAST_INPUT,
            linger: Linger::default(),
        }
    }

    /// Serves the client until it goes or is sent away.
    pub(crate) async fn run(mut self) {
        // What failed is the connection, of which nobody is left to be told.
        let _: io::Result<()> = self.serve().await;
        // Those who speak TLS are told that nothing more comes.
        let _told = timeout(RESPITE, self.stream.shutdown()).await;
        self.session.end();
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            self.session.mark = self.session.shared.clock.raw();
            let goes_on = self.batch().await?;
            self.session.settle();
            self.flush().await?;
            if !goes_on || self.session.client.is_closing.is_raised() || !self.read().await? {
                return Ok(());
            }
        }
    }

    /// Carries out every whole request that is there; false when the connection is to end before
    /// more are read.
    async fn batch(&mut self) -> io::Result<bool> {
        loop {
            match self.step() {
                Step::Read => return Ok(self.may_read_on()),
                Step::Broken => return Ok(false),
                Step::Wait(_) if self.session.client.is_closing.is_raised() => return Ok(false),
                Step::Wait(time) => {
                    self.flush().await?;
                    self.wait(time).await;
                }
                Step::Done => {}
            }
            if self.exceeds_output_limit() {
                self.session.shared.tallies.cut_off.add(1);
                let client = &self.session.client.address;
                tracing::warn!(client, "cut off: replies exceed client-output-buffer-limit");
                self.out.clear();
                return Ok(false);
            }
            match std::mem::replace(&mut self.session.next, Next::Continue) {
                Next::Continue => {}
                Next::Close => return Ok(false),
                Next::Sleep(time) => self.wait(time).await,
                Next::Block(_) if self.session.client.is_closing.is_raised() => return Ok(false),
                Next::Block(blocked) => {
                    if !self.block(*blocked).await? {
                        return Ok(false);
                    }
                }
            }
            if self.out.len() >= BATCH {
                self.flush().await?;
                self.session.mark = self.session.shared.clock.raw();
            }
            if self.session.client.is_closing.is_raised() {
                if self.session.client.is_killed() {
                    return Ok(false);
                }
                // The thread may be the one that counts the time for this, which ends here if it is up.
                yield_now().await;
            }
        }
    }

    /// Reads the next request and carries it out.
    fn step(&mut self) -> Step {
        let limits = Limits {
            bulk: usize::try_from(self.session.shared.settings.longest_bulk.get())
                .unwrap_or(usize::MAX),
            is_guest: !self.session.is_authenticated,
            ..Limits::REDIS
        };
        let input = self.input.get(self.done..).unwrap_or_default();
        match self.parser.parse(input, limits) {
            Ok(Progress::Incomplete) => Step::Read,
            Ok(Progress::Request { bytes }) => {
                let args = self.parser.arguments(input);
                if !args.is_empty() {
                    if self.session.shared.pause.may_be_on()
                        && let Some(time) = pause_of(&self.session, args)
                    {
                        return Step::Wait(time.min(GLANCE));
                    }
                    execute(&mut self.session, args, &mut self.out);
                }
                self.done += bytes;
                Step::Done
            }
            Err(error) => {
                let text = format!("ERR {error}");
                self.session.shared.tallies.error(&text);
                Reply::new(&mut self.out, self.session.protocol).error(text);
                Step::Broken
            }
        }
    }

    /// Whether the client may send more: not after a MULTI that was refused, unless it is in the middle
    /// of a request, and so has not waited for what becomes of it.
    fn may_read_on(&self) -> bool {
        !self.session.is_in_refused_transaction || self.done < self.input.len()
    }

    fn exceeds_output_limit(&self) -> bool {
        let limit = self.session.shared.settings.output_limit.get();
        limit != 0 && self.out.len() as u64 > limit
    }

    /// Lets time pass, unless the connection is to end.
    async fn wait(&mut self, time: Duration) {
        self.session.settle();
        let time = sleep(time);
        tokio::pin!(time);
        while !self.session.client.is_closing.is_raised() {
            tokio::select! {
                () = &mut time => break,
                () = self.session.client.wake.notified() => {}
            }
        }
        self.session.mark = self.session.shared.clock.raw();
    }

    /// Waits for a list; false when the client has gone or is to go. What it sends meanwhile is
    /// carried out afterwards.
    async fn block(&mut self, mut blocked: Blocked) -> io::Result<bool> {
        self.session.settle();
        self.flush().await?;
        self.make_room();
        let client = Arc::clone(&self.session.client);
        client.is_blocked.set(true);
        let end = self.until_end(&mut blocked, &client).await;
        client.is_blocked.set(false);
        if let Some(end) = &end
            && !blocked.is_silent
        {
            write_end(&mut self.out, self.session.protocol, end);
            if let End::Refused(_) | End::Freed = end {
                let text = String::from_utf8_lossy(self.out.get(1..).unwrap_or_default());
                self.session.shared.tallies.error(&text);
            }
        }
        self.session.mark = self.session.shared.clock.raw();
        Ok(end.is_some())
    }

    /// How the waiting for a list ends; none when the client has gone or is to go.
    async fn until_end(&mut self, blocked: &mut Blocked, client: &Client) -> Option<End> {
        let begin = Instant::now();
        let mut is_heard = true;
        loop {
            let rest = blocked.limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            tokio::select! {
                biased;
                end = blocked.wait.end() => return Some(end),
                () = sleep(rest.unwrap_or(FOREVER)) => {
                    if rest.is_some() {
                        return Some(blocked.wait.give_up());
                    }
                }
                () = client.wake.notified() => {
                    if client.is_closing.is_raised() {
                        return None;
                    }
                }
                read = self.stream.read_buf(&mut self.input), if is_heard => {
                    let read = read.unwrap_or(0);
                    if read == 0 {
                        return None;
                    }
                    self.session.shared.tallies.bytes_in.add(read as u64);
                    // Who sends so much is heard again when its turn comes.
                    is_heard = self.input.len() < MOST_INPUT;
                }
            }
        }
    }

    /// Sends all replies. A client that takes none of them for a while is cut off.
    async fn flush(&mut self) -> io::Result<()> {
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            let sent = in_time(self.stream.write(rest)).await;
            let sent = self.session.note_stall(sent)?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.session.shared.tallies.bytes_out.add(sent as u64);
            rest = rest.get(sent..).unwrap_or_default();
        }
        // What is encrypted may lie in between.
        let flushed = in_time(self.stream.flush()).await;
        self.session.note_stall(flushed)?;
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Sends what others want to be sent.
    #[cold]
    async fn send_posted(&mut self) -> io::Result<()> {
        self.out = self.session.client.take_posted();
        self.flush().await
    }

    /// Reads what has come in; false when the client has gone, was idle too long, or is to go.
    async fn read(&mut self) -> io::Result<bool> {
        self.make_room();
        let idle = self.session.shared.settings.idle_limit.get();
        let client = Arc::clone(&self.session.client);
        let before = self.input.capacity() - self.input.len();
        self.linger.begin(&self.session.shared);
        let read = loop {
            let read = async {
                tokio::select! {
                    biased;
                    read = self.stream.read_buf(&mut self.input) => Some(read),
                    () = client.wake.notified() => None,
                    never = self.linger.stay_awake(&self.session.shared) => match never {},
                }
            };
            let read = if idle == 0 || client.is_monitor.is_raised() {
                read.await
            } else {
                timeout(Duration::from_secs(idle), read).await.unwrap_or(Some(Ok(0)))
            };
            match read {
                Some(read) => break read?,
                None if client.is_closing.is_raised() => break 0,
                None => self.send_posted().await?,
            }
        };
        self.linger.end(&self.session.shared);
        if read == before {
            self.room = MOST_INPUT.min(self.room * 2);
        }
        self.session.shared.tallies.bytes_in.add(read as u64);
        client.is_active();
        Ok(read > 0)
    }

    /// Drops the input that is done, and makes room for more: a large argument gets it bit by bit,
    /// as it comes in, so that saying that one comes costs nothing.
    fn make_room(&mut self) {
        if self.done == self.input.len() {
            self.input.clear();
            if self.input.capacity() > KEPT {
                self.input = Vec::new();
            }
        } else if self.done > 0 {
            self.input.drain(..self.done);
        }
        self.done = 0;
        let wanted = self.parser.wanted().saturating_sub(self.input.len());
        let room = wanted.clamp(self.room, self.input.len().max(self.room));
        if self.input.capacity() - self.input.len() < room.min(self.room) {
            self.input.reserve(room);
        }
    }
}

/// What `output` brings, unless the client takes nothing for too long.
async fn in_time<T>(output: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::pin!(output);
    // Mostly there is room for it, and no need of a timer.
    if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(output.as_mut().poll(context))).await {
        return done;
    }
    timeout(STALL, output).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// How long a command has to wait for the end of a pause.
#[cold]
fn pause_of(session: &Session, args: Arguments<'_>) -> Option<Duration> {
    let command = catalog().find(args.at(0))?;
    let command = match command.contained(args.at(1)) {
        Container::Has(subcommand) => subcommand,
        Container::Plain | Container::HasNot => command,
    };
    let uptime = Instant::now().duration_since(session.shared.began);
    let left = session.shared.pause.left(uptime, command.spec.has(flag::WRITE));
    (!left.is_zero()).then_some(left)
}
