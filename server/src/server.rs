//! A server: what listens, what is admitted, and how it ends.

use crate::{
    bind::{bind_tcp, bind_unix, prepare},
    connection::Connection,
    options::ServerOptions,
    session::Session,
    shared::Shared,
    upkeep,
};
use memory_cache_pool::MemoryCachePool;
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long connections have to end once the server does.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long to wait when a connection could not be accepted, which is for want of descriptors.
const RESPITE: Duration = Duration::from_millis(10);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    pub(crate) shared: Arc<Shared>,
    tcp: Vec<TcpListener>,
    unix: Option<UnixListener>,
}

/// A connection that has come in.
enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// Serves `pool` as database 0 until somebody sends SHUTDOWN.
///
/// # Errors
///
/// As [`Server::bind`].
pub async fn serve(pool: MemoryCachePool, options: ServerOptions) -> io::Result<()> {
    Server::bind(pool, options).await?.run(std::future::pending()).await;
    Ok(())
}

impl Server {
    /// Begins to listen, with `pool` as database 0. Connections wait until the server
    /// [runs](Self::run).
    ///
    /// # Errors
    ///
    /// When an address cannot be listened on.
    #[expect(clippy::unused_async, reason = "listeners register with the caller's runtime")]
    pub async fn bind(pool: MemoryCachePool, options: ServerOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(pool, &options));
        let is_local = shared.settings.number("port") == 0
            && options.given.iter().all(|(row, _)| row.name != "bind")
            && !shared.settings.get("unixsocket").is_empty();
        let tcp = if is_local { Vec::new() } else { bind_tcp(&shared.settings)? };
        let unix = bind_unix(&shared.settings)?;
        if let Some(Ok(address)) = tcp.first().map(TcpListener::local_addr) {
            shared.port.set(u64::from(address.port()));
        }
        Ok(Self { shared, tcp, unix })
    }

    /// The TCP addresses that it listens on.
    #[must_use]
    pub fn tcp_addresses(&self) -> Vec<SocketAddr> {
        self.tcp.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The path of its unix socket; empty when it has none.
    #[must_use]
    pub fn unix_path(&self) -> String {
        self.shared.settings.get("unixsocket")
    }

    /// Serves until `end` is ready or somebody sends SHUTDOWN. Then every connection carries out
    /// what it has read, sends its replies and ends; those that have not after ten seconds are
    /// dropped.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        tokio::pin!(end);
        let looking = self.shared.waiting.keep_looking(&self.shared.databases);
        let upkeep = upkeep::keep(&self.shared);
        tokio::pin!(looking, upkeep);
        loop {
            tokio::select! {
                () = &mut end => break,
                () = self.shared.end.notified() => break,
                accepted = self.accept() => match accepted {
                    Ok(accepted) => self.welcome(&mut connections, accepted),
                    Err(_) => sleep(RESPITE).await,
                },
                Some(_) = connections.join_next() => {}
                () = &mut looking => {}
                () = &mut upkeep => {}
            }
        }
        self.shared.clients.close_all();
        // Those that are still there after the time are dropped with the set.
        let all_ended = async { while connections.join_next().await.is_some() {} };
        let _ended: Result<(), _> = timeout(FAREWELL, all_ended).await;
        if self.unix.is_some() {
            // A socket that somebody else has removed is gone, as it should be.
            let _removed: io::Result<()> = std::fs::remove_file(self.unix_path());
        }
    }

    /// Waits for the next connection.
    async fn accept(&self) -> io::Result<Accepted> {
        tokio::select! {
            accepted = accept_any(&self.tcp) => {
                let (stream, peer) = accepted?;
                Ok(Accepted::Tcp(stream, peer))
            }
            accepted = accept_unix(self.unix.as_ref()) => accepted.map(Accepted::Unix),
        }
    }

    fn welcome(&self, connections: &mut JoinSet<()>, accepted: Accepted) {
        match accepted {
            Accepted::Tcp(stream, peer) => {
                // The other side has gone already when this fails.
                if prepare(&stream, &self.shared.settings).is_ok() {
                    let local = stream.local_addr().map(|address| address.to_string());
                    let is_far = !peer.ip().to_canonical().is_loopback();
                    let local = local.unwrap_or_default();
                    self.admit(connections, stream, peer.to_string(), local, is_far);
                }
            }
            Accepted::Unix(stream) => {
                let address = format!("{}:0", self.unix_path());
                self.admit(connections, stream, address.clone(), address, false);
            }
        }
    }

    fn admit<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        connections: &mut JoinSet<()>,
        stream: S,
        address: String,
        local_address: String,
        is_far: bool,
    ) {
        let settings = &self.shared.settings;
        if is_far && !self.shared.acl.is_guarded() && settings.get("protected-mode") == "yes" {
            let text = "-DENIED protected mode: clients of other machines need a password \
                        (requirepass), or protected-mode no\r\n";
            self.turn_away(connections, stream, text);
            return;
        }
        let most = usize::try_from(settings.most_clients.get()).unwrap_or(usize::MAX);
        let Some(client) = self.shared.clients.admit(address, local_address, most) else {
            let text = "-ERR max number of clients reached\r\n";
            self.turn_away(connections, stream, text);
            return;
        };
        self.shared.tallies.connections.add(1);
        let session = Session::new(Arc::clone(&self.shared), client);
        connections.spawn(Connection::new(stream, session).run());
    }

    fn turn_away<S: AsyncWrite + Unpin + Send + 'static>(
        &self,
        connections: &mut JoinSet<()>,
        mut stream: S,
        text: &'static str,
    ) {
        self.shared.tallies.rejected_connections.add(1);
        connections.spawn(async move {
            // A client that does not take the reason does not get it.
            let _told = timeout(RESPITE, stream.write_all(text.as_bytes())).await;
        });
    }
}

/// The next connection of any listener.
async fn accept_any(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    std::future::poll_fn(|context| {
        let mut ready = listeners.iter().map(|listener| listener.poll_accept(context));
        ready.find(std::task::Poll::is_ready).unwrap_or(std::task::Poll::Pending)
    })
    .await
}

/// The next connection of the unix socket; never, when there is none.
async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<UnixStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
