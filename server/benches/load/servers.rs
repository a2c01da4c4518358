//! Servers in processes of their own.

use memory_cache_pool::MemoryCachePool;
use memory_cache_server::{ServerOptions, serve as serve_pool};
use std::{
    error::Error,
    fs, io,
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Whose server it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Redis,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "memory-cache-server",
            Self::Redis => "redis-server",
        }
    }
}

/// A server, which ends with this value.
pub(crate) struct Running {
    pub(crate) kind: Kind,
    child: Child,
    pub(crate) socket: PathBuf,
    pub(crate) port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
        let _removed = fs::remove_file(&self.socket);
    }
}

impl Running {
    pub(crate) fn start(kind: Kind) -> io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let socket =
            std::env::temp_dir().join(format!("load-{}-{}", kind.name(), std::process::id()));
        let mut command = match kind {
            Kind::Ours => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("--serve").arg(&socket).arg(port.to_string());
                command
            }
            Kind::Redis => {
                let mut command = Command::new("redis-server");
                command.args(["--save", "", "--appendonly", "no", "--port", &port.to_string()]);
                command.arg("--unixsocket").arg(&socket);
                command
            }
        };
        let child = command.stdout(Stdio::null()).spawn()?;
        let running = Self { kind, child, socket, port };
        let begin = Instant::now();
        while UnixStream::connect(&running.socket).is_err() {
            if begin.elapsed() > Duration::from_secs(10) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::yield_now();
        }
        Ok(running)
    }

    /// Seconds that it has had a processor, all threads together.
    pub(crate) fn processor_seconds(&self) -> Result<f64, Box<dyn Error>> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(nanos as f64 / 1e9)
    }
}

/// Is a server until it is killed.
pub(crate) fn serve(socket: &str, port: &str) -> Result<(), Box<dyn Error>> {
    let options = ServerOptions::new().set("unixsocket", socket)?.set("port", port)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(serve_pool(MemoryCachePool::default(), options))?)
}
