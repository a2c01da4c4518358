//! Replies against those of Redis: recorded ones, and those of a server that the test starts.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and says what it has skipped"
)]

mod support;

use memory_cache_pool::MemoryCachePool;
use std::{
    fs,
    io::{BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};
use support::{resp::Resp, text_commands::run};

/// Recorded cases, when they lie beside the repository, or where `REDIS_CASES` says.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/redis-compat/cases.json");

/// Random commands that are compared, unless `REDIS_COMMANDS` says how many.
const COMMANDS: usize = 60_000;

/// A server that ends with the test.
struct Server {
    process: Child,
    folder: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Server {
    /// Starts a server, if there is one to start.
    fn start(name: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn();
        let Ok(mut process) = process else {
            println!("skipped: there is no redis-server");
            return None;
        };
        let Some(stream) = connect(&socket, &mut process) else {
            println!("skipped: redis-server does not start");
            return None;
        };
        Some(Self { process, folder, stream: BufReader::new(stream) })
    }

    /// Sends a command and reads its reply.
    fn ask(&mut self, words: &[Vec<u8>]) -> Resp {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&bytes).unwrap();
        Resp::read(&mut self.stream).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits until the server listens, or has ended.
fn connect(socket: &Path, process: &mut Child) -> Option<UnixStream> {
    loop {
        if let Ok(stream) = UnixStream::connect(socket) {
            return Some(stream);
        }
        if !matches!(process.try_wait(), Ok(None)) {
            return None;
        }
        thread::yield_now();
    }
}

/// A command's words.
fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.trim_matches('"').as_bytes().to_vec()).collect()
}

/// A reply without the order that Redis does not promise.
fn settled(name: &str, reply: Resp) -> Resp {
    match name {
        "smembers" | "sinter" | "sunion" | "sdiff" | "spop" | "srandmember" | "hkeys" | "hvals"
        | "hrandfield" => reply.sorted(),
        "hgetall" => reply.sorted_pairs(),
        "hscan" | "sscan" => match reply {
            Resp::Array(mut page) if page.len() == 2 => {
                let items = page.pop().unwrap();
                let items = if name == "hscan" { items.sorted_pairs() } else { items.sorted() };
                Resp::Array(vec![page.pop().unwrap(), items])
            }
            other => other,
        },
        _ => reply,
    }
}

/// What a recorded reply is; a text may be a status or a bulk.
fn is_as_recorded(recorded: &serde_json::Value, reply: &Resp) -> bool {
    use serde_json::Value;
    match (recorded, reply) {
        (Value::Null, Resp::Nil | Resp::NilArray) => true,
        (Value::Bool(is), Resp::Number(number)) => i64::from(*is) == *number,
        (Value::Number(one), Resp::Number(other)) => one.as_i64() == Some(*other),
        (Value::String(one), Resp::Simple(other)) => one == other,
        (Value::String(one), Resp::Bulk(other)) => one.as_bytes() == other,
        (Value::Array(one), Resp::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_as_recorded(a, b))
        }
        _ => false,
    }
}

/// The same recorded reply with the items of an array in order.
fn sorted(recorded: &serde_json::Value) -> serde_json::Value {
    let mut sorted = recorded.clone();
    if let Some(items) = sorted.as_array_mut() {
        items.sort_by_key(serde_json::Value::to_string);
    }
    sorted
}

#[test]
fn recorded_cases_are_answered_as_recorded() {
    let path = std::env::var("REDIS_CASES").unwrap_or_else(|_| CASES.to_owned());
    let Ok(text) = fs::read_to_string(path) else {
        println!("skipped: there are no recorded cases");
        return;
    };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut replayed = 0;
    for case in &cases {
        let commands = case["command"].as_array().unwrap();
        let pool = MemoryCachePool::default();
        let replies: Option<Vec<_>> =
            commands.iter().map(|line| run(&pool, &words(line.as_str()?))).collect();
        let Some(replies) = replies else { continue };
        replayed += 1;
        for ((line, reply), recorded) in
            commands.iter().zip(&replies).zip(case["result"].as_array().unwrap())
        {
            assert!(
                is_as_recorded(recorded, reply)
                    || is_as_recorded(&sorted(recorded), &reply.clone().sorted()),
                "{}: {line}: {reply:?}, recorded {recorded}",
                case["name"]
            );
        }
    }
    println!("{replayed} of {} cases replayed", cases.len());
    assert!(replayed >= 60, "only {replayed} cases were replayed");
}

/// Draws random commands.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((u128::from(self.0) * bound as u128) >> 64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn key(&mut self) -> String {
        self.of(&["a", "b", "c", "d", "e"]).to_owned()
    }

    /// An element: mostly one of a few, so that commands meet.
    fn element(&mut self) -> String {
        match self.below(20) {
            0 => "x".repeat(self.below(700)),
            1 => {
                self.of(&["", "007", "-1", "9223372036854775807", "1.5", "+3", "3.0e3"]).to_owned()
            }
            2..8 => self.below(12).to_string(),
            _ => format!("element:{}", self.below(150)),
        }
    }

    fn index(&mut self) -> String {
        match self.below(12) {
            0 => {
                self.of(&["x", "", "9223372036854775807", "-9223372036854775807", "01"]).to_owned()
            }
            1 => self.below(200).to_string(),
            2 => format!("-{}", 1 + self.below(200)),
            3..7 => format!("-{}", 1 + self.below(4)),
            _ => self.below(4).to_string(),
        }
    }

    fn many(&mut self, draw: fn(&mut Self) -> String) -> Vec<String> {
        let many = if self.below(15) == 0 { 1 + self.below(120) } else { 1 + self.below(4) };
        (0..many).map(|_| draw(self)).collect()
    }

    /// A command's words.
    fn command(&mut self) -> Vec<Vec<u8>> {
        let mut words = match self.below(9) {
            0..3 => self.hash_command(),
            3..6 => self.list_command(),
            6..8 => self.set_command(),
            _ => self.key_command(),
        };
        if self.below(4_000) == 0 {
            words = vec!["flushall".to_owned()];
        }
        words.into_iter().map(String::into_bytes).collect()
    }

    fn hash_command(&mut self) -> Vec<String> {
        let name = self.of(&[
            "hset",
            "hset",
            "hset",
            "hset",
            "hsetnx",
            "hget",
            "hmget",
            "hgetall",
            "hdel",
            "hdel",
            "hexists",
            "hlen",
            "hkeys",
            "hvals",
            "hstrlen",
            "hincrby",
            "hincrbyfloat",
        ]);
        let mut words = vec![name.to_owned(), self.key()];
        match name {
            "hset" => {
                let pairs = self.many(Self::element);
                words.extend(pairs.into_iter().flat_map(|field| [field, self.element()]));
            }
            "hsetnx" => words.extend([self.element(), self.element()]),
            "hmget" | "hdel" => words.extend(self.many(Self::element)),
            "hget" | "hexists" | "hstrlen" => words.push(self.element()),
            "hincrby" => words.extend([self.element(), self.index()]),
            "hincrbyfloat" => {
                let by = self.of(&["0.1", "-2.5", "1e3", "3", "abc", "1e400", " 1"]);
                words.extend([self.element(), by.to_owned()]);
            }
            _ => {}
        }
        words
    }

    fn list_command(&mut self) -> Vec<String> {
        let name = self.of(&[
            "lpush",
            "rpush",
            "lpush",
            "rpush",
            "rpush",
            "lpushx",
            "rpushx",
            "lpop",
            "rpop",
            "lpop",
            "rpop",
            "llen",
            "lrange",
            "lindex",
            "lset",
            "linsert",
            "lrem",
            "ltrim",
            "lpos",
            "lmove",
            "rpoplpush",
            "lmpop",
        ]);
        let mut words = vec![name.to_owned()];
        if name != "lmpop" {
            words.push(self.key());
        }
        match name {
            "lpush" | "rpush" | "lpushx" | "rpushx" => words.extend(self.many(Self::element)),
            "lpop" | "rpop" if self.below(3) == 0 => words.push(self.index()),
            "lrange" => words.extend([self.index(), self.index()]),
            "ltrim" => {
                let (start, stop) = match self.below(8) {
                    0 => (self.index(), self.index()),
                    _ => (self.below(3).to_string(), format!("-{}", 1 + self.below(3))),
                };
                words.extend([start, stop]);
            }
            "lindex" => words.push(self.index()),
            "lset" => words.extend([self.index(), self.element()]),
            "linsert" => {
                let place = self.of(&["before", "after", "AFTER", "beside"]).to_owned();
                words.extend([place, self.element(), self.element()]);
            }
            "lrem" => words.extend([self.index(), self.element()]),
            "lpos" => {
                words.push(self.element());
                for option in ["rank", "count", "maxlen"] {
                    if self.below(3) == 0 {
                        words.extend([option.to_owned(), self.index()]);
                    }
                }
            }
            "lmove" => {
                let ends = ["left", "right", "LEFT", "Right", "up"];
                words.extend([self.key(), self.of(&ends).to_owned(), self.of(&ends).to_owned()]);
            }
            "rpoplpush" => words.push(self.key()),
            "lmpop" => {
                words.extend([self.of(&["1", "2", "2", "0"]).to_owned(), self.key(), self.key()]);
                words.push(self.of(&["left", "right"]).to_owned());
                if self.below(3) == 0 {
                    words.extend(["count".to_owned(), self.index()]);
                }
            }
            _ => {}
        }
        words
    }

    fn set_command(&mut self) -> Vec<String> {
        let name = self.of(&[
            "sadd",
            "sadd",
            "sadd",
            "sadd",
            "srem",
            "srem",
            "sismember",
            "smismember",
            "smembers",
            "scard",
            "spop",
            "srandmember",
            "smove",
            "sinter",
            "sintercard",
            "sunion",
            "sdiff",
            "sinterstore",
            "sunionstore",
            "sdiffstore",
        ]);
        let mut words = vec![name.to_owned()];
        match name {
            "sadd" | "srem" | "smismember" => {
                words.push(self.key());
                words.extend(self.many(Self::element));
            }
            "sismember" => words.extend([self.key(), self.element()]),
            // What is drawn at random is only the same when all is drawn.
            "spop" | "srandmember" => words.extend([self.key(), "100000".to_owned()]),
            "smove" => words.extend([self.key(), self.key(), self.element()]),
            "sintercard" => {
                words.extend([self.of(&["1", "2", "2", "0", "x"]).to_owned(), self.key()]);
                words.push(self.key());
                if self.below(3) == 0 {
                    words.extend(["limit".to_owned(), self.index()]);
                }
            }
            "smembers" | "scard" => words.push(self.key()),
            _ => {
                words.extend([self.key(), self.key()]);
                if self.below(2) == 0 {
                    words.push(self.key());
                }
            }
        }
        words
    }

    fn key_command(&mut self) -> Vec<String> {
        let name = self.of(&[
            "set", "get", "append", "incr", "del", "unlink", "exists", "type", "rename",
            "renamenx", "copy", "copy", "persist", "dbsize", "pexpire", "del",
        ]);
        let mut words = vec![name.to_owned()];
        match name {
            "set" | "append" => words.extend([self.key(), self.element()]),
            "rename" | "renamenx" => words.extend([self.key(), self.key()]),
            "copy" => {
                words.extend([self.key(), self.key()]);
                if self.below(2) == 0 {
                    words.push("replace".to_owned());
                }
            }
            // Far off, or at once.
            "pexpire" => {
                words.extend([self.key(), self.of(&["100000000", "0", "-5"]).to_owned()]);
            }
            "dbsize" => {}
            _ => words.push(self.key()),
        }
        words
    }
}

/// Sends the same random commands to both sides.
fn compare(server: &mut Server, seed: u64, commands: usize) {
    let pool = MemoryCachePool::default();
    let mut dice = Dice(seed);
    server.ask(&words("flushall"));
    for step in 0..commands {
        let command = dice.command();
        let name = String::from_utf8_lossy(&command[0]).to_lowercase();
        let ours = run(&pool, &command).expect("every command that is drawn is known");
        let theirs = server.ask(&command);
        assert_eq!(
            settled(&name, ours),
            settled(&name, theirs),
            "command {step} of seed {seed}: {}",
            command
                .iter()
                .map(|word| word.escape_ascii().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    for key in ["a", "b", "c", "d", "e"] {
        for ask in ["lrange KEY 0 -1", "hgetall KEY", "smembers KEY", "type KEY", "get KEY"] {
            let command = words(&ask.replace("KEY", key));
            let name = ask.split(' ').next().unwrap();
            let ours = run(&pool, &command).unwrap();
            assert_eq!(settled(name, ours), settled(name, server.ask(&command)), "{ask} {key}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn random_commands_are_answered_as_a_server_answers_them() {
    let Some(mut server) = Server::start("pool-against-redis") else { return };
    let all = std::env::var("REDIS_COMMANDS").ok().and_then(|text| text.parse().ok());
    let all = all.unwrap_or(COMMANDS);
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut left = all;
    while left > 0 {
        let commands = left.min(10_000);
        compare(&mut server, seed, commands);
        seed = seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1;
        left -= commands;
    }
    println!("{all} commands compared");
}
