//! A server: what listens, what is admitted, and how it ends.

use crate::{
    bind::{bind_optional, bind_tcp, bind_unix, prepare},
    connection::Connection,
    metrics,
    options::ServerOptions,
    quiet_unix::QuietUnix,
    session::Session,
    shared::Shared,
    tls::Tls,
    upkeep,
};
use memory_cache_pool::MemoryCachePool;
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::level_filters::LevelFilter;

/// How long connections have to end once the server does.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long to wait when a connection could not be accepted, which is for want of descriptors.
const RESPITE: Duration = Duration::from_millis(10);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    pub(crate) shared: Arc<Shared>,
    tcp: Vec<TcpListener>,
    encrypted: Vec<TcpListener>,
    tls: Option<Tls>,
    unix: Option<UnixListener>,
    metrics: Vec<TcpListener>,
}

/// A connection that has come in.
enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Encrypted(TcpStream, SocketAddr),
    Unix(UnixStream),
    Metrics(TcpStream),
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
    /// When an address cannot be listened on, or what `tls-port` needs cannot be read.
    #[expect(clippy::unused_async, reason = "listeners register with the caller's runtime")]
    pub async fn bind(pool: MemoryCachePool, options: ServerOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(pool, &options));
        let is_local = shared.settings.number("port") == 0
            && options.given.iter().all(|(row, _)| row.name != "bind")
            && !shared.settings.get("unixsocket").is_empty();
        let settings = &shared.settings;
        let tls = Tls::new(settings)?;
        let tcp = if is_local { Vec::new() } else { bind_tcp(settings, "port")? };
        let encrypted = bind_optional(settings, "tls-port")?;
        let metrics = bind_optional(settings, "metrics-port")?;
        let unix = bind_unix(settings)?;
        if let Some(Ok(address)) = tcp.first().map(TcpListener::local_addr) {
            shared.port.set(u64::from(address.port()));
        }
        Ok(Self { shared, tcp, encrypted, tls, unix, metrics })
    }

    /// How much is to be logged at the moment: `loglevel`, which CONFIG SET changes.
    pub fn log_level(&self) -> impl Fn() -> LevelFilter + Send + Sync + use<> {
        let shared = Arc::clone(&self.shared);
        move || match shared.settings.get("loglevel").as_str() {
            "debug" => LevelFilter::TRACE,
            "verbose" => LevelFilter::DEBUG,
            "warning" => LevelFilter::WARN,
            _ => LevelFilter::INFO,
        }
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

    /// Serves until `end` is ready or somebody sends SHUTDOWN. Then every connection carries out the
    /// whole requests that it has read, sends all replies and ends. Requests that still lie in the
    /// socket may stay there, and those behind a command that waits (for a list, or for the end of
    /// CLIENT PAUSE) are dropped with it. Connections that have not ended after ten seconds are
    /// dropped, whatever they are at.
    ///
    /// A client that another kills (CLIENT KILL) is not heard to the end: the command that it is at
    /// is the last, its reply is sent whole, and requests behind it are dropped.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut scrapers = JoinSet::new();
        tokio::pin!(end);
        let looking = self.shared.waiting.keep_looking(&self.shared.databases);
        let upkeep = upkeep::keep(&self.shared);
        tokio::pin!(looking, upkeep);
        loop {
            tokio::select! {
                () = &mut end => break,
                () = self.shared.end.notified() => break,
                accepted = self.accept() => match accepted {
                    Ok(Accepted::Metrics(stream)) => {
                        metrics::serve(&mut scrapers, stream, &self.shared);
                    }
                    Ok(accepted) => self.welcome(&mut connections, accepted),
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        sleep(RESPITE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                Some(_) = scrapers.join_next() => {}
                () = &mut looking => {}
                () = &mut upkeep => {}
            }
        }
        tracing::info!(clients = self.shared.clients.count(), "ending");
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
                accepted.map(|(stream, peer)| Accepted::Tcp(stream, peer))
            }
            accepted = accept_any(&self.encrypted) => {
                accepted.map(|(stream, peer)| Accepted::Encrypted(stream, peer))
            }
            accepted = accept_any(&self.metrics) => {
                accepted.map(|(stream, _)| Accepted::Metrics(stream))
            }
            accepted = accept_unix(self.unix.as_ref()) => accepted.map(Accepted::Unix),
        }
    }

    fn welcome(&self, connections: &mut JoinSet<()>, accepted: Accepted) {
        match accepted {
            Accepted::Tcp(stream, peer) => match self.admit_peer(&stream, peer) {
                Ok(session) => {
                    connections.spawn(Connection::new(stream, session).run());
                }
                Err(reason) => turn_away(connections, stream, reason),
            },
            Accepted::Encrypted(stream, peer) => {
                // Who is turned away cannot be told before it is greeted.
                if let (Some(tls), Ok(session)) = (&self.tls, self.admit_peer(&stream, peer)) {
                    tls.serve(connections, stream, session);
                }
            }
            Accepted::Unix(stream) => {
                let address = format!("{}:0", self.unix_path());
                match self.admit(address.clone(), address) {
                    Ok(mut session) => match QuietUnix::new(stream) {
                        Ok(stream) => {
                            connections.spawn(Connection::new(stream, session).run());
                        }
                        Err(_) => session.end(),
                    },
                    Err(reason) => turn_away(connections, stream, reason),
                }
            }
            Accepted::Metrics(_) => {}
        }
    }

    /// Admits a client of another machine or of this one; or says why not.
    fn admit_peer(&self, stream: &TcpStream, peer: SocketAddr) -> Result<Session, &'static str> {
        let settings = &self.shared.settings;
        let is_far = !peer.ip().to_canonical().is_loopback();
        if is_far && !self.shared.acl.is_guarded() && settings.get("protected-mode") == "yes" {
            self.shared.tallies.rejected_connections.add(1);
            tracing::warn!(client = %peer, "turned away: protected mode");
            return Err("-DENIED protected mode: clients of other machines need a password \
                        (requirepass), or protected-mode no\r\n");
        }
        // The other side has gone already when this fails, as the first read will find.
        let _prepared: io::Result<()> = prepare(stream, settings);
        let local = stream.local_addr().map(|address| address.to_string());
        self.admit(peer.to_string(), local.unwrap_or_default())
    }

    /// Admits a client, unless there are so many already.
    fn admit(&self, address: String, local_address: String) -> Result<Session, &'static str> {
        let most = self.shared.settings.most_clients.get();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let Some(client) = self.shared.clients.admit(address, local_address, most) else {
            self.shared.tallies.rejected_connections.add(1);
            tracing::warn!(most, "turned away: as many clients as maxclients allows");
            return Err("-ERR max number of clients reached\r\n");
        };
        tracing::debug!(client = client.address, "accepted");
        self.shared.tallies.connections.add(1);
        Ok(Session::new(Arc::clone(&self.shared), client))
    }
}

/// Tells a client why it is not served.
fn turn_away<S: AsyncWrite + Unpin + Send + 'static>(
    connections: &mut JoinSet<()>,
    mut stream: S,
    reason: &'static str,
) {
    connections.spawn(async move {
        // A client that does not take the reason does not get it.
        let _told = timeout(RESPITE, stream.write_all(reason.as_bytes())).await;
    });
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
