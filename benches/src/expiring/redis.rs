//! A Redis server of our own, behind a unix socket.

use super::{Expiring, Session, millis};
use std::{
    env, fs,
    io::{self, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long the server may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Commands that are sent together when a server is filled.
const PIPELINED: usize = 256;

/// A server process, which ends with this value.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    directory: PathBuf,
}

impl Redis {
    fn socket(&self) -> PathBuf {
        self.directory.join("redis.sock")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Expiring for Redis {
    const NAME: &'static str = "redis";

    type Session<'e> = Connection;

    /// Starts `redis-server`, which has to be installed: the error is of kind `NotFound` otherwise.
    fn start(_keys: usize) -> io::Result<Self> {
        let stamp = Instant::now();
        let directory = env::temp_dir().join(format!("pool-bench-{}", process::id()));
        fs::create_dir_all(&directory)?;
        let spawned = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(directory.join("redis.sock"))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = match spawned {
            Ok(server) => server,
            Err(error) => {
                let _ = fs::remove_dir_all(&directory);
                return Err(error);
            }
        };
        let redis = Self { server, directory };
        while redis.session().is_err() {
            if stamp.elapsed() > PATIENCE {
                return Err(io::Error::new(ErrorKind::TimedOut, "redis-server does not answer"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    fn session(&self) -> io::Result<Connection> {
        let stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let reader = BufReader::with_capacity(1 << 14, stream.try_clone()?);
        let mut connection = Connection {
            stream,
            reader,
            command: Vec::with_capacity(1 << 16),
            reply: Vec::with_capacity(1 << 12),
            owed: 0,
        };
        connection.call(&[b"PING"])?;
        Ok(connection)
    }
}

/// A connection to the server; one command at a time, but for filling.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    command: Vec<u8>,
    reply: Vec<u8>,
    /// Replies that have not been read.
    owed: usize,
}

impl Connection {
    /// Adds a command to those that are to be sent.
    pub fn push(&mut self, parts: &[&[u8]]) {
        // Writing to memory does not fail.
        let _ = write!(self.command, "*{}\r\n", parts.len());
        for part in parts {
            let _ = write!(self.command, "${}\r\n", part.len());
            self.command.extend_from_slice(part);
            self.command.extend_from_slice(b"\r\n");
        }
        self.owed += 1;
    }

    /// Sends what was pushed and reads all replies; true when the last was not nil.
    ///
    /// # Errors
    ///
    /// When the connection is lost, or a reply is an error.
    pub fn exchange(&mut self) -> io::Result<bool> {
        self.stream.write_all(&self.command)?;
        self.command.clear();
        let mut is_there = false;
        while self.owed > 0 {
            is_there = self.read_reply()?;
            self.owed -= 1;
        }
        Ok(is_there)
    }

    /// Sends one command and reads its reply.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    pub fn call(&mut self, parts: &[&[u8]]) -> io::Result<bool> {
        self.push(parts);
        self.exchange()
    }

    /// The last reply, without what tells its kind.
    #[must_use]
    pub fn reply(&self) -> &[u8] {
        &self.reply
    }

    /// Reads one reply that is no array: its text or bytes are in `reply` then.
    fn read_reply(&mut self) -> io::Result<bool> {
        self.read_line()?;
        match self.reply.first() {
            Some(b'+' | b':') => {
                self.reply.remove(0);
                Ok(true)
            }
            Some(b'$') => {
                let Some(len) = number(&self.reply[1..]) else { return Err(unreadable()) };
                let Ok(len) = usize::try_from(len) else { return Ok(false) };
                self.reply.resize(len + 2, 0);
                self.reader.read_exact(&mut self.reply)?;
                self.reply.truncate(len);
                Ok(true)
            }
            Some(b'-') => Err(io::Error::other(String::from_utf8_lossy(&self.reply).into_owned())),
            _ => Err(unreadable()),
        }
    }

    /// Reads up to the end of a line, which is left out.
    fn read_line(&mut self) -> io::Result<()> {
        use io::BufRead;
        self.reply.clear();
        self.reader.read_until(b'\n', &mut self.reply)?;
        if !self.reply.ends_with(b"\r\n") {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.reply.truncate(self.reply.len() - 2);
        Ok(())
    }
}

/// A decimal number.
fn number(text: &[u8]) -> Option<i64> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn unreadable() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "no reply of Redis's")
}

impl Session for Connection {
    // A lost connection shows as misses, and as a count of entries that is 0.
    fn get(&mut self, key: &[u8]) -> bool {
        self.call(&[b"GET", key]).unwrap_or(false)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        let _ = self.call(&[b"SET", key, value]);
    }

    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        match ttl {
            None => self.push(&[b"SET", key, value]),
            Some(ttl) => {
                let ttl = millis(ttl).to_string();
                self.push(&[b"SET", key, value, b"PX", ttl.as_bytes()]);
            }
        }
        if self.owed == PIPELINED {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let _ = self.exchange();
    }

    fn entries(&mut self) -> u64 {
        let asked = self.call(&[b"DBSIZE"]);
        let count = asked.ok().and_then(|_| number(&self.reply));
        count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }

    fn bytes(&mut self) -> i64 {
        if self.call(&[b"INFO", b"memory"]).is_err() {
            return 0;
        }
        let used = self
            .reply
            .split(|&byte| byte == b'\n')
            .find_map(|line| line.strip_prefix(b"used_memory:"));
        used.and_then(|text| number(text.trim_ascii())).unwrap_or(0)
    }
}
