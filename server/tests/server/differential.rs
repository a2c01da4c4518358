//! Random commands, right and wrong ones, to this server and to a Redis: the replies are the same,
//! byte by byte, in RESP2 and RESP3. Where no redis-server is installed there is nothing to compare.
//!
//! `DIFFERENTIAL_COMMANDS` says how many commands, `DIFFERENTIAL_SEED` which.

use crate::support::{Running, Value, request};

/// Xorshift, so that a seed names a run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const KEYS: &[&str] = &["k1", "k2", "k3", "k4", "", "k5", "k6"];
const VALUES: &[&str] = &["", "a", "10", "-5", "3.25", "hello", "9223372036854775807", "b b", "01"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "-2",
    "5",
    "100",
    "x",
    "",
    "01",
    "-0",
    "1.5",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
];
const FLOATS: &[&str] = &["0.1", "-1.5", "3", "5.0e3", "1e-20", "inf", "nan", " 1", "x", "10"];
/// Far ahead, so that no deadline comes near, or past.
const SECONDS: &[&str] = &["10000", "20000", "0", "-1", "x", "9223372036854775807", "30000"];
const MOMENTS: &[&str] = &["1", "9999999999", "8888888888", "x", "0", "-5"];
const MILLIS: &[&str] = &["1", "9999999999000", "8888888888500", "x", "0", "-5"];
const FIELDS: &[&str] = &["f1", "f2", "f3", "1", "2", ""];

/// Commands and what stands for their arguments: `k` a key, `v` a value, `n` a number, `d` a float,
/// `s` seconds, `m` a moment in seconds, `M` in milliseconds, `f` a field or member; other words
/// stand for themselves.
#[rustfmt::skip]
const SHAPES: &[&str] = &[
    "SET k v", "SET k v", "SET k v EX s", "SET k v PXAT M GET", "SET k v NX", "SET k v XX GET",
    "SET k v KEEPTTL", "SET k v EX s KEEPTTL", "SET k v NX XX", "SET k v FOO", "SET k v EX",
    "SET k v NX GET", "SET k v EXAT m", "SET k v PX s NX", "GET k", "GET k", "GETSET k v",
    "GETDEL k", "GETEX k", "GETEX k EX s", "GETEX k PERSIST", "GETEX k EXAT m", "GETEX k FOO",
    "GETEX k EX s PERSIST", "SETNX k v", "SETEX k s v", "PSETEX k s v", "MSET k v k v", "MSET k v k",
    "MGET k k k", "MSETNX k v k v", "APPEND k v", "STRLEN k", "GETRANGE k n n", "SUBSTR k n n",
    "INCR k", "DECR k", "INCRBY k n", "DECRBY k n", "INCRBYFLOAT k d", "SETRANGE k 3 v",
    "SETRANGE k -1 v", "SETRANGE k x v", "DEL k", "DEL k k", "UNLINK k", "EXISTS k k", "TYPE k",
    "TOUCH k k", "RENAME k k", "RENAMENX k k", "COPY k k", "COPY k k REPLACE", "COPY k k FOO",
    "EXPIRE k s", "EXPIRE k s NX", "PEXPIREAT k M GT", "PEXPIREAT k M XX LT", "EXPIRE k s NX XX",
    "EXPIRE k s GT LT", "EXPIRE k s FOO", "EXPIREAT k m", "PEXPIREAT k M", "PEXPIREAT k M LT",
    "PERSIST k", "EXPIRETIME k", "PEXPIRETIME k", "TTL k", "KEYS *", "KEYS k[1-3]",
    "OBJECT FOO k", "ECHO v", "PING", "PING v", "PING v v",
    "NOSUCH k v", "GET", "GET k k", "CLIENT FOO", "CONFIG FOO", "SELECT x", "SELECT 99", "HELLO 9",
    "SCAN x", "SCAN 0 COUNT 0", "SCAN 0 FOO", "SCAN 0 MATCH k* COUNT 1000 TYPE string",
    "SCAN 0 COUNT 1000 TYPE foo", "COMMAND GETKEYS SET k v", "COMMAND GETKEYS MSET k v k v",
    "HSET k f v", "HSET k f v f v", "HSET k f", "HMSET k f v", "HGET k f", "HMGET k f f", "HDEL k f",
    "HDEL k f f", "HLEN k", "HGETALL k", "HKEYS k", "HVALS k", "HEXISTS k f", "HSTRLEN k f",
    "HINCRBY k f n", "HINCRBYFLOAT k f d", "HSETNX k f v", "HRANDFIELD k 0", "HRANDFIELD k 100",
    "HRANDFIELD k 100 WITHVALUES", "HRANDFIELD k x", "HSCAN k 0", "HSCAN k x", "HSCAN k 0 FOO",
    "LPUSH k v v", "RPUSH k v v", "LPUSHX k v", "RPUSHX k v", "LPOP k", "RPOP k", "LPOP k n",
    "RPOP k n", "LLEN k", "LRANGE k n n", "LRANGE k 0 -1", "LINDEX k n", "LSET k n v",
    "LINSERT k BEFORE v v", "LINSERT k AFTER v v", "LINSERT k FOO v v", "LREM k n v", "LTRIM k n n",
    "LPOS k v", "LPOS k v RANK n", "LPOS k v COUNT n", "LPOS k v RANK n COUNT 0 MAXLEN n",
    "LMOVE k k LEFT RIGHT", "LMOVE k k FOO LEFT", "RPOPLPUSH k k", "LMPOP 2 k k LEFT",
    "LMPOP n k RIGHT COUNT n", "SADD k f f", "SADD k f", "SREM k f", "SCARD k", "SISMEMBER k f",
    "SMISMEMBER k f f", "SMEMBERS k", "SMOVE k k f", "SPOP k 0", "SPOP k 100", "SPOP k x",
    "SRANDMEMBER k 0", "SRANDMEMBER k 100", "SRANDMEMBER k x", "SINTER k k", "SUNION k k",
    "SDIFF k k", "SINTERSTORE k k k", "SUNIONSTORE k k k", "SDIFFSTORE k k k", "SINTERCARD 2 k k",
    "SINTERCARD n k k LIMIT n", "SSCAN k 0", "SSCAN k 0 COUNT 0", "LCS k k", "LCS k k LEN", "LCS k k IDX",
    "LCS k k IDX MINMATCHLEN n WITHMATCHLEN", "LCS k k IDX LEN", "LCS k k FOO", "LCS k k MINMATCHLEN",
];

/// As above, of lists that are waited for, of databases, and of the server itself; fewer of these.
#[rustfmt::skip]
const OTHER_SHAPES: &[&str] = &[
    "BLPOP k 0.002", "BLPOP k k 0.002", "BRPOP k k k 0.002", "BLPOP k -1", "BLPOP k x", "BRPOP k inf",
    "BLPOP k nan", "BLPOP k", "BLMOVE k k LEFT RIGHT 0.002", "BLMOVE k k LEFT FOO 1",
    "BLMOVE k k RIGHT LEFT x", "BRPOPLPUSH k k 0.002", "BRPOPLPUSH k k -2", "BLMPOP 0.002 2 k k LEFT",
    "BLMPOP 0.002 n k RIGHT COUNT n", "BLMPOP 0.002 1 k FOO", "BLMPOP x 1 k LEFT", "BLMPOP -1 0 k LEFT",
    "BLMPOP 0.002 1 k LEFT COUNT 1 COUNT 1",
    "SELECT 0", "SELECT 1", "SELECT 0", "MOVE k 0", "MOVE k 1", "MOVE k x", "MOVE k 99", "COPY k k DB 1",
    "COPY k k DB 0 REPLACE", "COPY k k DB x", "COPY k k DB 99", "SWAPDB 0 1", "SWAPDB 0 0",
    "SWAPDB x 1", "SWAPDB 0 x", "SWAPDB 0 99", "DBSIZE x", "FLUSHDB FOO", "FLUSHALL ASYNC FOO",
    "CONFIG GET hash-max-*", "CONFIG SET hash-max-listpack-entries n", "CONFIG SET timeout x",
    "CONFIG SET hash-max-ziplist-value 64", "CONFIG SET nosuch 1", "CONFIG SET hz 10 hz 10",
    "CONFIG SET maxmemory x", "CONFIG SET maxmemory-policy foo", "CONFIG SET maxmemory 1gb",
    "CONFIG SET maxmemory 0", "CONFIG GET maxmemory maxmemory-policy", "CONFIG SET maxmemory",
    "CONFIG SET maxmemory-policy volatile-ttl", "CONFIG SET maxmemory-policy noeviction",
    "CONFIG RESETSTAT", "CONFIG RESETSTAT x",
    "CLIENT GETNAME", "CLIENT SETNAME me", "CLIENT SETNAME v", "CLIENT UNBLOCK n",
    "CLIENT UNBLOCK 99999 FOO", "CLIENT UNBLOCK 99999 ERROR", "CLIENT NO-EVICT ON", "CLIENT NO-EVICT x",
    "CLIENT PAUSE x", "CLIENT PAUSE -1", "CLIENT PAUSE 0 FOO", "CLIENT UNPAUSE", "CLIENT KILL ID n",
    "CLIENT KILL ID x", "CLIENT KILL FOO 1", "CLIENT KILL TYPE foo", "CLIENT KILL 1.2.3.4:5",
    "CLIENT KILL USER nobody", "CLIENT LIST TYPE foo", "CLIENT LIST ID x", "CLIENT LIST FOO",
    "CLIENT REPLY FOO", "CLIENT GETREDIR", "CLIENT TRACKINGINFO", "CLIENT LIST TYPE master",
    "OBJECT REFCOUNT none", "OBJECT FREQ k", "OBJECT FREQ", "MEMORY USAGE none", "MEMORY USAGE k FOO 1",
    "MEMORY USAGE k SAMPLES x", "MEMORY FOO", "MEMORY PURGE",
    "COMMAND GETKEYS BLMPOP 1 2 k k LEFT", "COMMAND GETKEYS BLPOP k k 0", "COMMAND GETKEYS PING",
    "COMMAND GETKEYS NOSUCH", "COMMAND GETKEYS GET", "COMMAND INFO BLMOVE monitor nosuch blpop",
    "COMMAND INFO get acl|setuser client|unblock", "COMMAND COUNT x", "COMMAND LIST FILTERBY FOO x",
    "ACL WHOAMI", "ACL SETUSER eve on nopass ~a* +get", "ACL SETUSER eve off >pw ~b", "ACL GETUSER eve",
    "ACL GETUSER nobody", "ACL SETUSER eve foo", "ACL SETUSER eve +nosuch", "ACL SETUSER eve reset",
    "ACL SETUSER eve <none", "ACL SETUSER eve #zz", "ACL SETUSER eve +@nosuch", "ACL LIST", "ACL USERS",
    "ACL DELUSER eve", "ACL DELUSER default", "ACL DRYRUN eve GET k", "ACL DRYRUN eve SET k v",
    "ACL DRYRUN nobody GET k", "ACL DRYRUN default GET", "ACL DRYRUN default NOSUCH", "ACL CAT foo",
    "ACL CAT", "ACL GENPASS x", "ACL GENPASS 0", "ACL LOG x", "ACL LOG RESET", "ACL SAVE", "ACL FOO",
    "AUTH x", "AUTH default x", "AUTH nobody x", "AUTH a b c",
    "LATENCY LATEST", "LATENCY HISTORY foo", "LATENCY RESET", "LATENCY RESET foo", "LATENCY FOO",
    "LATENCY HISTOGRAM nosuch", "SLOWLOG RESET", "SLOWLOG GET x", "SLOWLOG GET -2", "SLOWLOG FOO",
    "FUNCTION FLUSH", "FUNCTION FLUSH ASYNC", "FUNCTION FLUSH FOO", "FUNCTION LIST", "FUNCTION STATS",
    "MODULE LIST", "MODULE FOO", "WAIT 0 0", "WAIT x 0", "WAIT 0 -1", "ROLE", "SHUTDOWN FOO",
    "EXEC", "DISCARD", "UNWATCH", "MULTI x",
    "SHUTDOWN ABORT", "DEBUG OBJECT k", "TIME x", "MONITOR x", "RESET x",
    "HELLO x", "HELLO 3 FOO", "HELLO 3 AUTH a", "HELLO 3 SETNAME", "HELLO 3 AUTH nobody x", "INFO foo",
];

/// Commands whose replies have no order.
const UNORDERED: &[&str] = &[
    "KEYS",
    "SCAN",
    "HGETALL",
    "HKEYS",
    "HVALS",
    "HRANDFIELD",
    "HSCAN",
    "SMEMBERS",
    "SPOP",
    "SRANDMEMBER",
    "SINTER",
    "SUNION",
    "SDIFF",
    "SSCAN",
    "ACL",
    "COMMAND",
    "CONFIG",
];

fn command(random: &mut Random) -> Vec<String> {
    let fill = |word: &str, random: &mut Random| match word {
        "k" => random.pick(KEYS).to_owned(),
        "v" => random.pick(VALUES).to_owned(),
        "n" => random.pick(NUMBERS).to_owned(),
        "d" => random.pick(FLOATS).to_owned(),
        "s" => random.pick(SECONDS).to_owned(),
        "m" => random.pick(MOMENTS).to_owned(),
        "M" => random.pick(MILLIS).to_owned(),
        "f" => random.pick(FIELDS).to_owned(),
        word if random.below(4) == 0 => word.to_lowercase(),
        word => word.to_owned(),
    };
    let shapes = if random.below(6) == 0 { OTHER_SHAPES } else { SHAPES };
    let shape = random.pick(shapes);
    shape.split(' ').map(|word| fill(word, random)).collect()
}

/// Sorts what has no order.
fn settled(value: Value) -> Value {
    match value {
        Value::Many(mark, items) => {
            let mut items: Vec<_> = items.into_iter().map(settled).collect();
            items.sort();
            Value::Many(mark, items)
        }
        other => other,
    }
}

/// Whether two times are as near as two servers get a command.
fn are_near(command: &str, one: &Value, other: &Value) -> bool {
    let most = match command.to_ascii_uppercase().as_str() {
        "TTL" | "EXPIRETIME" => 2,
        "PEXPIRETIME" => 2000,
        _ => return false,
    };
    let number = |value: &Value| match value {
        Value::Line(text) => text.strip_prefix(':').and_then(|text| text.parse::<i64>().ok()),
        _ => None,
    };
    // Below zero there are no times, but answers.
    let times = number(one).zip(number(other)).filter(|(one, other)| *one >= 0 && *other >= 0);
    times.is_some_and(|(one, other)| one.abs_diff(other) <= most)
}

fn compare(protocol: &str, seed: u64, commands: usize) {
    let Some(redis) = Running::redis(&format!("redis-{protocol}")) else { return };
    let ours = Running::ours(&format!("ours-{protocol}"), &[]);
    let (mut there, mut here) = (redis.connect(), ours.connect());
    there.call(&["HELLO", protocol]);
    here.call(&["HELLO", protocol]);
    // What waits there is looked at that often.
    there.call(&["CONFIG", "SET", "hz", "500", "dynamic-hz", "no"]);
    let mut random = Random(seed);
    let mut different = Vec::new();
    for number in 0..commands {
        let command = command(&mut random);
        // Both at once, so that what waits does so at the same time.
        let bytes = request(&command);
        there.send(&bytes).expect("sends");
        here.send(&bytes).expect("sends");
        let mut expected = there.reply().expect("replies");
        let mut found = here.reply().expect("replies");
        if UNORDERED.iter().any(|name| command[0].eq_ignore_ascii_case(name)) {
            (expected, found) = (settled(expected), settled(found));
        }
        if expected != found && !are_near(&command[0], &expected, &found) {
            different.push(format!("{number} {command:?}: {expected:?}, not {found:?}"));
            // What follows from one difference is none.
            there.call(&["FLUSHALL"]);
            here.call(&["FLUSHALL"]);
        }
        if number % 500 == 499 {
            there.call(&["FLUSHALL"]);
            here.call(&["FLUSHALL"]);
        }
    }
    let shown = &different[..different.len().min(60)];
    assert!(different.is_empty(), "{} of {commands} differ: {shown:#?}", different.len());
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn replies_are_those_of_redis() {
    let commands = usize::try_from(number_of("DIFFERENTIAL_COMMANDS", 20_000)).expect("a number");
    let seed = number_of("DIFFERENTIAL_SEED", 0x5EED_1234_5678_9ABC);
    compare("2", seed, commands);
    compare("3", seed.rotate_left(17), commands);
}
