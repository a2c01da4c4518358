//! Commands that took long, the last of them.

use crate::{protocol::Arguments, sync::lock};
use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// The most arguments of a command that are kept, and the most bytes of each: Redis's own.
const ARGUMENTS: usize = 32;
const ARGUMENT_BYTES: usize = 128;

/// A command that took long.
#[derive(Clone, Debug)]
pub(crate) struct SlowCommand {
    pub(crate) id: i64,
    pub(crate) unix_seconds: i64,
    pub(crate) micros: i64,
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) address: String,
    pub(crate) client_name: Vec<u8>,
}

/// The last commands that took long, the newest first.
#[derive(Debug, Default)]
pub(crate) struct SlowLog(Mutex<(i64, VecDeque<SlowCommand>)>);

impl SlowLog {
    /// Keeps a command, and at most so many of them.
    pub(crate) fn keep(&self, mut command: SlowCommand, most: usize) {
        let mut log = lock(&self.0);
        command.id = log.0;
        log.0 += 1;
        log.1.push_front(command);
        log.1.truncate(most);
    }

    /// The newest, at most so many.
    pub(crate) fn newest(&self, most: usize) -> Vec<SlowCommand> {
        lock(&self.0).1.iter().take(most).cloned().collect()
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).1.len()
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        lock(&self.0).1.clear();
    }
}

/// The arguments of a command as the log shows them: not too many, none too long, no secrets.
pub(crate) fn abridged(
    arguments: Arguments<'_>,
    is_secret: impl Fn(usize) -> bool,
) -> Vec<Vec<u8>> {
    let all = arguments.len();
    let shown = if all > ARGUMENTS { ARGUMENTS - 1 } else { all };
    let show =
        |(at, bytes)| if is_secret(at) { b"(redacted)".to_vec() } else { abridged_bytes(bytes) };
    let mut kept: Vec<Vec<u8>> = arguments.iter().take(shown).enumerate().map(show).collect();
    if shown < all {
        kept.push(format!("... ({} more arguments)", all - shown).into_bytes());
    }
    kept
}

fn abridged_bytes(bytes: &[u8]) -> Vec<u8> {
    match bytes.get(..ARGUMENT_BYTES) {
        Some(head) if bytes.len() > ARGUMENT_BYTES => {
            let more = bytes.len() - ARGUMENT_BYTES;
            [head, format!("... ({more} more bytes)").as_bytes()].concat()
        }
        _ => bytes.to_vec(),
    }
}

/// Now, since 1970 UTC.
pub(crate) fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
