//! Redis behind a unix socket.

use crate::space::{Session, Space};
use memory_cache_pool_benches::expiring::{Connection, Expiring, Redis};

/// Commands that are sent together while it is filled.
const PIPELINED: usize = 256;

pub(crate) struct Server(pub(crate) Redis);

impl Space for Server {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        match self.0.session() {
            Ok(connection) => Box::new(Client { connection, fills: false, sent: 0 }),
            Err(error) => unreachable!("the server has answered before: {error}"),
        }
    }
}

struct Client {
    connection: Connection,
    fills: bool,
    sent: usize,
}

impl Client {
    /// Carries out a command; whether it was answered, and not by nil.
    fn call(&mut self, parts: &[&[u8]]) -> bool {
        if !self.fills {
            return self.connection.call(parts).unwrap_or(false);
        }
        self.connection.push(parts);
        self.sent += 1;
        if self.sent.is_multiple_of(PIPELINED) {
            let _ = self.connection.exchange();
        }
        true
    }
}

impl Session for Client {
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) {
        self.call(&[b"HSET", key, field, value]);
    }

    fn hget(&mut self, key: &[u8], field: &[u8]) -> usize {
        let found = self.call(&[b"HGET", key, field]);
        if found { self.connection.reply().len() } else { 0 }
    }

    fn hgetall(&mut self, _key: &[u8]) -> usize {
        0
    }

    fn lpush(&mut self, key: &[u8], element: &[u8]) {
        self.call(&[b"LPUSH", key, element]);
    }

    fn rpop(&mut self, key: &[u8]) -> bool {
        self.call(&[b"RPOP", key])
    }

    fn linsert(&mut self, key: &[u8], pivot: &[u8], element: &[u8]) {
        self.call(&[b"LINSERT", key, b"BEFORE", pivot, element]);
    }

    fn lset(&mut self, key: &[u8], index: usize, element: &[u8]) {
        self.call(&[b"LSET", key, index.to_string().as_bytes(), element]);
    }

    fn sadd(&mut self, key: &[u8], member: &[u8]) {
        self.call(&[b"SADD", key, member]);
    }

    fn srem(&mut self, key: &[u8], member: &[u8]) {
        self.call(&[b"SREM", key, member]);
    }

    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool {
        self.call(&[b"SISMEMBER", key, member]) && self.connection.reply() == b"1"
    }

    fn delete(&mut self, key: &[u8]) {
        self.call(&[b"DEL", key]);
    }

    fn fills(&mut self, is_filling: bool) {
        self.fills = is_filling;
        let _ = self.connection.exchange();
    }
}
