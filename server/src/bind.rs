//! Where a server listens: TCP addresses and a unix socket.

use crate::settings::Settings;
use socket2::{SockRef, TcpKeepalive};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Listens on every address of `bind`, on the port that this setting names.
///
/// An address with a `-` before it may be one that this machine does not have. With port 0 the
/// first address gets a free port, and the others the same.
pub(crate) fn bind_tcp(settings: &Settings, port: &'static str) -> io::Result<Vec<TcpListener>> {
    let mut port = u16::try_from(settings.number(port)).unwrap_or(0);
    let backlog = u32::try_from(settings.number("tcp-backlog")).unwrap_or(511);
    let mut listeners = Vec::new();
    for word in settings.get("bind").split_ascii_whitespace() {
        let (word, is_optional) = match word.strip_prefix('-') {
            Some(word) => (word, true),
            None => (word, false),
        };
        let ip = match word {
            "*" => "0.0.0.0",
            "::*" => "::",
            other => other,
        };
        let ip =
            ip.parse::<IpAddr>().map_err(|error| io::Error::other(format!("{word}: {error}")))?;
        match listen(SocketAddr::new(ip, port), backlog) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(_) if is_optional => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    socket.bind(address)?;
    socket.listen(backlog)
}

/// Listens on the port that this setting names, unless it is 0.
pub(crate) fn bind_optional(
    settings: &Settings,
    port: &'static str,
) -> io::Result<Vec<TcpListener>> {
    if settings.number(port) == 0 { Ok(Vec::new()) } else { bind_tcp(settings, port) }
}

/// Listens on the unix socket, if one is named, with the permissions that are asked for.
#[cfg(unix)]
pub(crate) fn bind_unix(settings: &Settings) -> io::Result<Option<UnixListener>> {
    use std::{fs, os::unix::fs::PermissionsExt};
    let path = settings.get("unixsocket");
    if path.is_empty() {
        return Ok(None);
    }
    // What a server left behind that ended without notice; anything but a socket stays.
    if fs::symlink_metadata(&path).is_ok_and(|found| is_socket(&found)) {
        fs::remove_file(&path)?;
    }
    let listener = UnixListener::bind(&path)?;
    let mode = u32::from_str_radix(&settings.get("unixsocketperm"), 8)
        .map_err(|error| io::Error::other(format!("unixsocketperm: {error}")))?;
    if mode != 0 {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Ok(Some(listener))
}

#[cfg(unix)]
fn is_socket(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    found.file_type().is_socket()
}

/// Sets what a connection should have: no delay, and probes where the other side is silent.
pub(crate) fn prepare(stream: &TcpStream, settings: &Settings) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let interval = settings.number("tcp-keepalive");
    if interval > 0 {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(interval))
            .with_interval(Duration::from_secs((interval / 3).max(1)));
        SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    }
    Ok(())
}
