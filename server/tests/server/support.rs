//! A server in a process of its own, and a client that sees every byte.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that ends with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
        let _removed = std::fs::remove_file(&self.socket);
    }
}

impl Running {
    /// Starts this server on a unix socket.
    pub(crate) fn ours(name: &str, options: &[&str]) -> Self {
        Self::start(env!("CARGO_BIN_EXE_memory-cache-server"), name, options)
    }

    /// Starts a Redis on a unix socket, where one is installed.
    pub(crate) fn redis(name: &str) -> Option<Self> {
        let is_there = Command::new("redis-server").arg("--version").output().is_ok();
        is_there.then(|| Self::start("redis-server", name, &["--save", ""]))
    }

    fn start(program: &str, name: &str, options: &[&str]) -> Self {
        let socket = std::env::temp_dir().join(format!("{name}-{}.sock", std::process::id()));
        let child = Command::new(program)
            .args(["--port", "0", "--unixsocket"])
            .arg(&socket)
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let running = Self { child, socket };
        let begin = Instant::now();
        while UnixStream::connect(&running.socket).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server is not ready");
            std::thread::yield_now();
        }
        running
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = UnixStream::connect(&self.socket).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        Client { stream: BufReader::new(stream) }
    }
}

/// A connection.
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
}

/// A reply; aggregates of all kinds with their mark.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Line(String),
    Bulk(char, Vec<u8>),
    Many(char, Vec<Self>),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(text) => write!(f, "{text}"),
            Self::Bulk(mark, bytes) => write!(f, "{mark}\"{}\"", bytes.escape_ascii()),
            Self::Many(mark, items) => write!(f, "{mark}{items:?}"),
        }
    }
}

impl Value {
    /// A byte string as text, and nothing else.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bulk(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }
}

impl Client {
    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a command and waits for the reply.
    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, words: &[A]) -> Value {
        self.send(&request(words)).expect("sends");
        self.reply().expect("replies")
    }

    /// Sends a line of words.
    pub(crate) fn line(&mut self, line: &str) -> Value {
        self.call(&line.split(' ').collect::<Vec<_>>())
    }

    /// Reads one reply.
    pub(crate) fn reply(&mut self) -> io::Result<Value> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned();
        let Some(mark) = text.chars().next() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let len = text.get(1..).and_then(|digits| digits.parse::<usize>().ok());
        match (mark, len) {
            ('$' | '=', Some(len)) => {
                let mut bytes = vec![0; len + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(len);
                Ok(Value::Bulk(mark, bytes))
            }
            ('*' | '~' | '%' | '>', Some(len)) => {
                let len = if mark == '%' { len * 2 } else { len };
                let items = (0..len).map(|_| self.reply()).collect::<io::Result<_>>()?;
                Ok(Value::Many(mark, items))
            }
            _ => Ok(Value::Line(text)),
        }
    }

    /// Everything until the server ends the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the connection ends");
        rest
    }
}

/// A command as clients send it.
pub(crate) fn request<A: AsRef<[u8]>>(words: &[A]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        request.extend(format!("${}\r\n", word.len()).bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// A reply of one line.
pub(crate) fn line(text: &str) -> Value {
    Value::Line(text.to_owned())
}
