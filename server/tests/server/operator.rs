//! What an operator does to a running server.

use crate::support::{Client, Running, Value, line};

fn is_error(value: &Value, code: &str) -> bool {
    matches!(value, Value::Line(text) if text.strip_prefix('-').is_some_and(|text| text.starts_with(code)))
}

fn bulk(text: &str) -> Value {
    Value::Bulk('$', text.as_bytes().to_vec())
}

/// Writes values of a kilobyte until one is refused, at most so many.
fn fill(client: &mut Client, name: &str, most: usize) -> usize {
    let value = vec![b'x'; 1000];
    let is_written = |number: &usize| {
        let key = format!("{name}{number}");
        let reply = client.call(&[&b"SET"[..], key.as_bytes(), &value]);
        if is_error(&reply, "OOM ") { false } else { reply == line("+OK") }
    };
    (0..most).take_while(is_written).count()
}

/// A field of INFO.
fn field(client: &mut Client, name: &str) -> u64 {
    let info = client.line("INFO").text();
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).unwrap_or(u64::MAX)
}

#[test]
fn the_limit_on_memory_changes_in_use_and_is_one_for_all_databases() {
    let server = Running::ours("limit", &["--maxmemory", "4mb"]);
    let mut client = server.connect();
    let written = fill(&mut client, "a", 10_000);
    assert!((2000..4200).contains(&written), "{written}");
    assert_eq!(client.line("CONFIG SET maxmemory 8mb"), line("+OK"));
    assert_eq!(client.line("SELECT 5"), line("+OK"));
    let more = fill(&mut client, "b", 10_000);
    assert!((2000..4400).contains(&more), "{more}");
    assert!(field(&mut client, "used_memory") < 9 << 20);
    assert_eq!(field(&mut client, "evicted_keys"), 0);
    assert_eq!(client.line("CONFIG SET maxmemory-policy allkeys-lfu"), line("+OK"));
    assert_eq!(fill(&mut client, "c", 3000), 3000);
    assert!(field(&mut client, "evicted_keys") > 1000);
    assert!(field(&mut client, "used_memory") < 9 << 20);
    assert!(is_error(&client.line("OBJECT IDLETIME c2999"), "ERR An LFU maxmemory policy"));
    assert_eq!(client.line("CONFIG SET maxmemory 0"), line("+OK"));
    assert_eq!(fill(&mut client, "d", 9000), 9000);
    assert!(field(&mut client, "used_memory") > 9 << 20);
    let refused = client.line("CONFIG SET maxmemory-policy foo");
    assert!(is_error(
        &refused,
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy')"
    ));
}

#[test]
fn users_do_what_they_may_and_go_when_they_are_removed() {
    let server = Running::ours("users", &[]);
    let (mut admin, mut bob) = (server.connect(), server.connect());
    let rules = "ACL SETUSER bob on >pw ~b* +get +set +mset +config|get +blpop +acl|whoami";
    assert_eq!(admin.line(rules), line("+OK"));
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(bob.line("AUTH bob no"), line(wrong));
    assert_eq!(bob.line("AUTH bob pw"), line("+OK"));
    assert_eq!(bob.line("ACL WHOAMI"), bulk("bob"));
    assert_eq!(bob.line("SET b 1"), line("+OK"));
    assert_eq!(bob.line("BLPOP bl 0.01"), line("*-1"));
    for (command, what) in [
        ("SET k 1", "access one of the keys used as arguments"),
        ("MSET b 1 k 1", "access one of the keys used as arguments"),
        ("DEL b", "run the 'del' command"),
        ("CONFIG SET hz 1", "run the 'config|set' command"),
        ("PING", "run the 'ping' command"),
    ] {
        let expected = format!("-NOPERM this user has no permissions to {what}");
        assert_eq!(bob.line(command), line(&expected));
    }
    assert_eq!(admin.line("ACL SETUSER bob +ping"), line("+OK"));
    assert_eq!(bob.line("PING"), line("+PONG"));
    assert_eq!(admin.line("ACL DRYRUN bob GET b"), line("+OK"));
    let denied = "This user has no permissions to access the 'k' key";
    assert_eq!(admin.line("ACL DRYRUN bob GET k"), bulk(denied));
    assert!(is_error(
        &admin.line("ACL SETUSER bob %R~x"),
        "ERR Error in ACL SETUSER modifier '%R~x': "
    ));
    assert!(admin.line("CLIENT LIST").text().contains("user=bob"));
    assert_eq!(admin.line("ACL USERS"), Value::Many('*', vec![bulk("bob"), bulk("default")]));
    assert_eq!(admin.line("ACL DELUSER bob nobody"), line(":1"));
    assert!(bob.rest().is_empty());
    assert!(is_error(&admin.line("ACL DELUSER default"), "ERR The 'default' user"));
}

#[test]
fn a_password_may_be_set_in_use_and_users_in_the_configuration() {
    let server = Running::ours("conf-users", &["--user", "eve on nopass ~* +@all -flushall"]);
    let (mut admin, mut other) = (server.connect(), server.connect());
    // Who is there already stays.
    assert_eq!(other.line("PING"), line("+PONG"));
    assert_eq!(admin.line("CONFIG SET requirepass secret"), line("+OK"));
    assert_eq!(other.line("PING"), line("+PONG"));
    let mut guest = server.connect();
    assert_eq!(guest.line("PING"), line("-NOAUTH Authentication required."));
    assert_eq!(guest.line("AUTH secret"), line("+OK"));
    assert_eq!(guest.line("AUTH eve anything"), line("+OK"));
    assert!(is_error(&guest.line("FLUSHALL"), "NOPERM "));
    assert_eq!(guest.line("RESET"), line("+RESET"));
    assert_eq!(guest.line("PING"), line("-NOAUTH Authentication required."));
    assert_eq!(admin.line("CONFIG SET requirepass "), line("+OK"));
    assert_eq!(server.connect().line("PING"), line("+PONG"));
}

#[test]
fn expired_keys_go_by_themselves_unless_told_otherwise() {
    let server = Running::ours("expiry", &["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    let until_gone = |client: &mut Client, keys: &str| {
        let begin = std::time::Instant::now();
        while client.line("DBSIZE") != line(keys) {
            assert!(begin.elapsed().as_secs() < 20, "they stay");
        }
    };
    client.line("SET a 1 PX 5");
    client.line("SET b 1");
    until_gone(&mut client, ":1");
    assert!(field(&mut client, "expired_keys") >= 1);
    assert_eq!(client.line("DEBUG SET-ACTIVE-EXPIRE 0"), line("+OK"));
    client.line("SET c 1 PX 5");
    assert_eq!(client.line("DEBUG SLEEP 0.3"), line("+OK"));
    assert_eq!(client.line("DBSIZE"), line(":2"));
    assert_eq!(client.line("DEBUG SET-ACTIVE-EXPIRE 1"), line("+OK"));
    until_gone(&mut client, ":1");
    assert!(
        matches!(client.line("DEBUG OBJECT b"), Value::Line(text) if text.contains("encoding:int"))
    );
    assert_eq!(client.line("DEBUG OBJECT none"), line("-ERR no such key"));
}

#[test]
fn slow_commands_are_events_and_all_are_in_a_histogram() {
    let server = Running::ours("events", &[]);
    let mut client = server.connect();
    assert_eq!(client.line("LATENCY LATEST"), Value::Many('*', vec![]));
    client.line("CONFIG SET latency-monitor-threshold 1");
    let large = vec![b'x'; 32 << 20];
    client.call(&[&b"SET"[..], b"k", &large]);
    client.call(&["LRANGE", "k", "0", "0"]);
    client.call(&["STRLEN", "k"]);
    // Whatever was slow is in both, and can be forgotten.
    let Value::Many(_, events) = client.line("LATENCY LATEST") else { panic!("an array") };
    for event in &events {
        let Value::Many(_, facts) = event else { panic!("an array") };
        assert_eq!(facts.len(), 4);
        let Value::Bulk(_, name) = &facts[0] else { panic!("a name") };
        let history = client.call(&[&b"LATENCY"[..], b"HISTORY", name]);
        assert!(matches!(history, Value::Many(_, samples) if !samples.is_empty()));
    }
    assert_eq!(client.line("LATENCY RESET"), line(&format!(":{}", events.len())));
    let Value::Many(_, rows) = client.line("LATENCY HISTOGRAM strlen nosuch") else {
        panic!("a map")
    };
    assert_eq!(rows[0], bulk("strlen"));
    assert!(matches!(&rows[1], Value::Many(_, facts) if facts[1] == line(":1")));
    assert!(
        client.line("INFO latencystats").text().contains("latency_percentiles_usec_strlen:p50=")
    );
    assert!(client.line("INFO commandstats").text().contains("cmdstat_strlen:calls=1,"));
}

#[test]
fn a_command_that_sleeps_is_slow() {
    let server = Running::ours("sleeper", &["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    assert_eq!(client.line("DEBUG SLEEP 0.02"), line("+OK"));
    let Value::Many(_, commands) = client.line("SLOWLOG GET 1") else { panic!("an array") };
    let Some(Value::Many(_, facts)) = commands.first() else { panic!("a command") };
    assert_eq!(facts[3], Value::Many('*', ["DEBUG", "SLEEP", "0.02"].map(bulk).to_vec()));
    let Value::Line(micros) = &facts[2] else { panic!("a number") };
    assert!(micros[1..].parse::<u64>().unwrap() >= 20_000, "{micros}");
    assert!(client.line("INFO commandstats").text().contains("cmdstat_debug:calls=1,"));
}
