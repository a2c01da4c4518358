//! What a supervisor is told: systemd's `sd_notify`, two datagrams to the socket that it names.

use std::{
    io,
    os::unix::{ffi::OsStrExt, net::UnixDatagram},
};

/// Tells the supervisor, if there is one, and it is to be told (`supervised`).
pub(crate) fn tell(supervised: &str, state: &str) -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    if !matches!(supervised, "systemd" | "auto") {
        return Ok(());
    }
    let from = UnixDatagram::unbound()?;
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => tell_unnamed(&from, name, state),
        None => from.send_to(state.as_bytes(), socket).map(drop),
    }
}

/// Sends to a socket that has no file.
#[cfg(target_os = "linux")]
fn tell_unnamed(from: &UnixDatagram, name: &[u8], state: &str) -> io::Result<()> {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
    let address = SocketAddr::from_abstract_name(name)?;
    from.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// There are none here.
#[cfg(not(target_os = "linux"))]
fn tell_unnamed(_: &UnixDatagram, _: &[u8], _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
