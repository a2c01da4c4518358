//! MONITOR: clients that are shown every command.
//!
//! A line for each command that was carried out is put into the outbox of each such client, whose
//! connection sends it when it can. Nobody waits for it: a client that takes nothing for too long is
//! cut off. While there is no such client, a command costs a load.

use crate::{
    clients::Client,
    commands::Command,
    protocol::Arguments,
    session::Session,
    slow_log::since_1970,
    sync::{Number, lock},
};
use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

/// Bytes that may wait for a client that takes none.
const MOST_UNSENT: usize = 32 << 20;

/// The clients that are shown every command.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    clients: Mutex<Vec<Arc<Client>>>,
    count: Number,
}

impl Monitors {
    /// Shows a client every command from now on.
    pub(crate) fn add(&self, client: &Arc<Client>) {
        let mut clients = lock(&self.clients);
        clients.push(Arc::clone(client));
        self.count.set(clients.len() as u64);
        client.is_monitor.set(true);
    }

    /// Shows it none any more.
    pub(crate) fn remove(&self, client: &Client) {
        if client.is_monitor.is_raised() {
            let mut clients = lock(&self.clients);
            clients.retain(|one| one.id != client.id);
            self.count.set(clients.len() as u64);
            client.is_monitor.set(false);
        }
    }

    /// Whether there is anybody to show something to.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.count.get() != 0
    }

    /// Shows a command that was carried out.
    #[cold]
    pub(crate) fn show(&self, session: &Session, command: &Command, args: Arguments<'_>) {
        let line = line_of(session, command, args);
        let mut clients = lock(&self.clients);
        clients.retain(|client| {
            let has_room = client.post(line.as_bytes(), MOST_UNSENT);
            if !has_room {
                session.shared.tallies.cut_off.add(1);
                client.take_posted();
                client.kill();
            }
            has_room
        });
        self.count.set(clients.len() as u64);
    }
}

fn line_of(session: &Session, command: &Command, args: Arguments<'_>) -> String {
    let now = since_1970();
    let address = session.client.address.as_str();
    let path = address.strip_suffix(":0").filter(|path| path.starts_with('/'));
    let address = path.map_or_else(|| address.to_owned(), |path| format!("unix:{path}"));
    let mut line =
        format!("+{}.{:06} [{} {address}]", now.as_secs(), now.subsec_micros(), session.database);
    for (at, argument) in args.iter().enumerate() {
        line.push(' ');
        if is_secret(command, args, at) {
            line.push_str("\"(redacted)\"");
        } else {
            quote(&mut line, argument);
        }
    }
    line.push_str("\r\n");
    line
}

/// Whether an argument is a password, or may be one, and is shown to nobody.
pub(crate) fn is_secret(command: &Command, args: Arguments<'_>, at: usize) -> bool {
    let is_word_before = |back: usize, word: &str| {
        at > back && args.at(at - back).eq_ignore_ascii_case(word.as_bytes())
    };
    match command.name.as_str() {
        "auth" => at >= 1,
        "hello" => at >= 3 && (is_word_before(1, "auth") || at >= 4 && is_word_before(2, "auth")),
        "config|set" => is_word_before(1, "requirepass"),
        "acl|setuser" => at >= 2,
        _ => false,
    }
}

/// Writes bytes as Redis quotes them.
fn quote(line: &mut String, bytes: &[u8]) {
    line.push('"');
    for &byte in bytes {
        match byte {
            b'"' => line.push_str("\\\""),
            b'\\' => line.push_str("\\\\"),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            7 => line.push_str("\\a"),
            8 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(line, "\\x{byte:02x}")),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_quoted_as_redis_quotes_them() {
        let mut line = String::new();
        super::quote(&mut line, b"a\x01\n\"b\\\xff\x07 ~");
        assert_eq!(line, r#""a\x01\n\"b\\\xff\a ~""#);
    }
}
