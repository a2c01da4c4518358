//! What comes over a connection, right or wrong, whole or in pieces.

use crate::support::{Running, Value, line, request};

fn bulk(text: &str) -> Value {
    Value::Bulk('$', text.as_bytes().to_vec())
}

#[test]
fn a_request_may_come_byte_by_byte_and_many_at_once() {
    let server = Running::ours("pieces", &[]);
    let mut client = server.connect();
    for byte in request(&["SET", "key", "a value"]) {
        client.send(&[byte]).unwrap();
    }
    assert_eq!(client.reply().unwrap(), line("+OK"));
    let get = request(&["GET", "key"]);
    client.send(&get.repeat(10_000)).unwrap();
    for _ in 0..10_000 {
        assert_eq!(client.reply().unwrap(), bulk("a value"));
    }
}

#[test]
fn lines_of_words_are_requests_too() {
    let server = Running::ours("lines", &[]);
    let mut client = server.connect();
    client.send(b"\r\nset k \"a b\"\r\nGET k\r\nget 'k\r\n").unwrap();
    assert_eq!(client.reply().unwrap(), line("+OK"));
    assert_eq!(client.reply().unwrap(), bulk("a b"));
    let error = line("-ERR Protocol error: unbalanced quotes in request");
    assert_eq!(client.reply().unwrap(), error);
    assert!(client.rest().is_empty());
}

#[test]
fn what_is_no_request_ends_the_connection_with_redis_s_words() {
    let server = Running::ours("hostile", &[]);
    let long = vec![b'x'; 70_000];
    let long_count = [b"*", vec![b'1'; 70_000].as_slice()].concat();
    let cases: [(&[u8], &str); 9] = [
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*9999999999999999999\r\n", "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$99999999999999999999\r\n", "invalid bulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (&long, "too big inline request"),
        (&long_count, "too big mbulk count string"),
    ];
    for (input, problem) in cases {
        let mut client = server.connect();
        client.send(input).unwrap();
        assert_eq!(client.reply().unwrap(), line(&format!("-ERR Protocol error: {problem}")));
        assert!(client.rest().is_empty(), "{problem}");
    }
    assert_eq!(server.connect().line("PING"), line("+PONG"));
}

#[test]
fn saying_that_much_comes_takes_no_memory() {
    let server = Running::ours("announced", &[]);
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let mut client = server.connect();
            client.send(b"*2\r\n$3\r\nGET\r\n$536870912\r\nbegin").unwrap();
            client
        })
        .collect();
    assert_eq!(server.connect().line("PING"), line("+PONG"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = resident.split_ascii_whitespace().next().unwrap().parse().unwrap();
    assert!(kilobytes < 200 << 10, "{kilobytes} kB");
    drop(clients);
}

#[test]
fn clients_that_vanish_in_the_middle_are_forgotten() {
    let server = Running::ours("vanish", &["--maxclients", "20"]);
    let mut watcher = server.connect();
    for _ in 0..200 {
        let Ok(()) = server.connect().send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nhalf") else {
            continue;
        };
    }
    let alone = |watcher: &mut crate::support::Client| {
        let Value::Bulk(_, list) = watcher.line("CLIENT LIST") else { return false };
        list.iter().filter(|byte| **byte == b'\n').count() == 1
    };
    let begin = std::time::Instant::now();
    while !alone(&mut watcher) {
        assert!(begin.elapsed().as_secs() < 20, "somebody stays");
    }
    assert_eq!(watcher.line("EXISTS k"), line(":0"));
}

#[test]
fn a_client_that_takes_no_replies_costs_one_batch_and_nobody_s_time() {
    let server = Running::ours("slow", &["--client-output-buffer-limit", "normal 3mb 0 0"]);
    let mut other = server.connect();
    other.call(&[&b"SET"[..], b"large", &vec![b'x'; 1 << 20]]);
    let mut slow = server.connect();
    // As many requests as the socket takes, whose replies nobody reads.
    slow.send(&request(&["GET", "large"]).repeat(500)).unwrap();
    for _ in 0..100 {
        assert_eq!(other.line("PING"), line("+PONG"));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.split_ascii_whitespace().next().unwrap().parse().unwrap();
    assert!(kilobytes < 100 << 10, "{kilobytes} kB");
    // One reply above the limit ends the connection that asks for it.
    let mut greedy = server.connect();
    greedy.send(&request(&["MGET", "large", "large", "large", "large"])).unwrap();
    assert!(greedy.rest().is_empty());
}

#[test]
fn before_the_password_little_is_taken_and_nothing_is_told() {
    let server = Running::ours("guarded", &["--requirepass", "secret"]);
    let mut client = server.connect();
    assert_eq!(client.line("GET k"), line("-NOAUTH Authentication required."));
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(client.line("AUTH wrong"), line(wrong));
    assert_eq!(client.line("AUTH default secret"), line("+OK"));
    assert_eq!(client.line("PING"), line("+PONG"));
    let mut greedy = server.connect();
    greedy.send(b"*11\r\n").unwrap();
    let error = "-ERR Protocol error: unauthenticated multibulk length";
    assert_eq!(greedy.reply().unwrap(), line(error));
    let mut hello = server.connect();
    let Value::Many('%', _) = hello.line("HELLO 3 AUTH default secret SETNAME me") else {
        panic!("HELLO answers with a map")
    };
    assert_eq!(hello.line("CLIENT GETNAME"), bulk("me"));
}

#[test]
fn clients_are_paused_killed_and_silenced() {
    let server = Running::ours("clients", &[]);
    let (mut one, mut other) = (server.connect(), server.connect());
    let Value::Line(id) = other.line("CLIENT ID") else { panic!("a number") };
    assert_eq!(one.line(&format!("CLIENT KILL ID {}", &id[1..])), line(":1"));
    assert!(other.rest().is_empty());
    one.send(b"CLIENT REPLY SKIP\r\nPING\r\nECHO a\r\nCLIENT REPLY OFF\r\nECHO b\r\n").unwrap();
    assert_eq!(one.reply().unwrap(), bulk("a"));
    one.send(b"CLIENT REPLY ON\r\n").unwrap();
    assert_eq!(one.reply().unwrap(), line("+OK"));
    assert_eq!(one.line("CLIENT PAUSE 30 WRITE"), line("+OK"));
    let begin = std::time::Instant::now();
    assert_eq!(one.line("GET k"), Value::Line("$-1".to_owned()));
    assert_eq!(one.line("SET k v"), line("+OK"));
    assert!(begin.elapsed().as_millis() >= 25);
}

#[test]
fn databases_are_apart_and_change_places() {
    let server = Running::ours("databases", &[]);
    let mut client = server.connect();
    client.line("SET k zero");
    assert_eq!(client.line("SELECT 1"), line("+OK"));
    client.line("SET k one");
    assert_eq!(client.line("SWAPDB 0 1"), line("+OK"));
    assert_eq!(client.line("GET k"), bulk("zero"));
    assert_eq!(client.line("MOVE k 2"), line(":1"));
    assert_eq!(client.line("EXISTS k"), line(":0"));
    assert_eq!(client.line("SELECT 16"), line("-ERR DB index is out of range"));
}

#[test]
fn a_terminated_server_sends_its_replies_and_ends_well() {
    let mut server = Running::ours("terminated", &[]);
    let mut client = server.connect();
    assert_eq!(client.line("SET k v"), line("+OK"));
    client.send(b"GET k\r\nSHUTDOWN\r\n").unwrap();
    assert_eq!(client.reply().unwrap(), bulk("v"));
    assert!(client.rest().is_empty());
    assert!(server.child.wait().unwrap().success());
    assert!(!server.socket.exists());
    let mut server = Running::ours("terminated", &[]);
    let mut idle = server.connect();
    assert_eq!(idle.line("PING"), line("+PONG"));
    let kill = std::process::Command::new("kill").arg(server.child.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert!(idle.rest().is_empty());
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn nothing_of_a_transaction_is_carried_out_outside_of_one() {
    let server = Running::ours("transaction", &[]);
    let mut client = server.connect();
    let replies = |client: &mut crate::support::Client, requests: &str| {
        client.send(requests.as_bytes()).unwrap();
        let lines = 0..requests.lines().count();
        lines.map(|_| client.reply().unwrap()).collect::<Vec<_>>()
    };
    let refused = line("-ERR transactions are not supported by this server");
    let dropped = line("-ERR not carried out, as the MULTI before it was refused");
    let aborted = line("-EXECABORT Transaction discarded because of previous errors.");
    assert_eq!(
        replies(&mut client, "MULTI\r\nSET k v\r\nMULTI\r\nEXEC\r\nGET k\r\n"),
        [refused.clone(), dropped.clone(), dropped.clone(), aborted, line("$-1")]
    );
    assert_eq!(
        replies(&mut client, "MULTI\r\nINCR k\r\nDISCARD\r\nINCR k\r\n"),
        [refused.clone(), dropped.clone(), line("+OK"), line(":1")]
    );
    assert_eq!(
        replies(&mut client, "MULTI\r\nDEL k\r\nRESET\r\nDEL k\r\n"),
        [refused.clone(), dropped.clone(), line("+RESET"), line(":1")]
    );
    // What is in the middle of a request has not waited for the reply, and is heard.
    client.send(b"MULTI\r\nSET k").unwrap();
    assert_eq!(client.reply().unwrap(), refused);
    assert_eq!(replies(&mut client, " v\r\nDISCARD\r\n"), [dropped.clone(), line("+OK")]);
    // More may be on the way, so that the connection ends.
    client.send(b"MULTI\r\nSET k v\r\n").unwrap();
    assert_eq!([client.reply().unwrap(), client.reply().unwrap()], [refused, dropped]);
    assert!(client.rest().is_empty());
    assert_eq!(server.connect().line("EXISTS k"), line(":0"));
}

#[test]
fn a_redis_client_library_finds_what_it_expects() {
    let server = Running::ours("library", &[]);
    for protocol in ["resp2", "resp3"] {
        let url = format!("redis+unix://{}?protocol={protocol}", server.socket.display());
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg("n").arg(41).ignore().cmd("INCR").arg("n");
        let (number,): (i64,) = pipeline.query(&mut connection).unwrap();
        assert_eq!(number, 42);
        let scan: (u64, Vec<String>) =
            redis::cmd("SCAN").arg(0).arg("COUNT").arg(1000).query(&mut connection).unwrap();
        assert!(scan.1.contains(&"n".to_owned()));
        let info: redis::InfoDict = redis::cmd("INFO").query(&mut connection).unwrap();
        assert_eq!(info.get::<String>("redis_mode").as_deref(), Some("standalone"));
    }
}
