//! Clients that wait for lists.

use crate::support::{Client, Running, Value, line};
use std::time::Instant;

fn pair(key: &str, element: &str) -> Value {
    let bulk = |text: &str| Value::Bulk('$', text.as_bytes().to_vec());
    Value::Many('*', vec![bulk(key), bulk(element)])
}

/// Sends a command that waits, and returns when the server says that so many do.
fn wait(server: &Running, command: &str, clients: usize) -> Client {
    let mut client = server.connect();
    client.send(format!("{command}\r\n").as_bytes()).expect("sends");
    until_blocked(&mut server.connect(), clients);
    client
}

fn until_blocked(watcher: &mut Client, clients: usize) {
    let expected = format!("blocked_clients:{clients}\r\n");
    let begin = Instant::now();
    loop {
        if watcher.line("INFO clients").text().contains(&expected) {
            return;
        }
        assert!(begin.elapsed().as_secs() < 20, "{expected}");
    }
}

#[test]
fn clients_are_served_in_the_order_in_which_they_came() {
    let server = Running::ours("fifo", &[]);
    let mut waiting: Vec<_> =
        (1..=20).map(|count| wait(&server, "BLPOP other k 0", count)).collect();
    let mut pusher = server.connect();
    assert_eq!(pusher.line("RPUSH k 0 1 2 3 4 5 6 7 8 9"), line(":10"));
    assert_eq!(pusher.line("EXISTS k"), line(":0"));
    for number in 10..20 {
        assert_eq!(pusher.line(&format!("LPUSH k {number}")), line(":1"));
    }
    for (number, client) in waiting.iter_mut().enumerate() {
        assert_eq!(client.reply().unwrap(), pair("k", &number.to_string()));
    }
    until_blocked(&mut pusher, 0);
}

#[test]
fn waiting_ends_with_the_time_and_with_client_unblock() {
    let server = Running::ours("timeouts", &[]);
    let mut client = server.connect();
    let begin = Instant::now();
    assert_eq!(client.line("BLPOP k 0.05"), line("*-1"));
    assert_eq!(client.line("BLMOVE k other LEFT RIGHT 0.01"), line("*-1"));
    assert_eq!(client.line("BLMPOP 0.01 1 k LEFT"), line("*-1"));
    assert!(begin.elapsed().as_millis() >= 70);
    let mut waiting = wait(&server, "CLIENT ID\r\nBRPOP k 0\r\nPING", 1);
    let Value::Line(id) = waiting.reply().unwrap() else { panic!("a number") };
    assert!(client.line("CLIENT LIST").text().contains("flags=b"));
    assert_eq!(client.line(&format!("CLIENT UNBLOCK {} ERROR", &id[1..])), line(":1"));
    assert_eq!(client.line(&format!("CLIENT UNBLOCK {}", &id[1..])), line(":0"));
    let text = "-UNBLOCKED client unblocked via CLIENT UNBLOCK";
    assert_eq!(waiting.reply().unwrap(), line(text));
    assert_eq!(waiting.reply().unwrap(), line("+PONG"));
}

#[test]
fn who_goes_while_it_waits_takes_nothing_with_it() {
    let server = Running::ours("gone", &[]);
    let mut other = server.connect();
    drop(wait(&server, "BLPOP k 0", 1));
    until_blocked(&mut other, 0);
    let mut killed = wait(&server, "CLIENT ID\r\nBLPOP k 0", 1);
    let Value::Line(id) = killed.reply().unwrap() else { panic!("a number") };
    assert_eq!(other.line(&format!("CLIENT KILL ID {}", &id[1..])), line(":1"));
    assert!(killed.rest().is_empty());
    assert_eq!(other.line("RPUSH k 1"), line(":1"));
    assert_eq!(other.line("LLEN k"), line(":1"));
}

#[test]
fn every_way_to_make_a_list_wakes_who_waits_for_it() {
    let server = Running::ours("ways", &[]);
    let mut other = server.connect();
    let ways = [
        ["RPUSH a 1", "RENAME a k"],
        ["RPUSH a 1", "RENAMENX a k"],
        ["RPUSH a 1", "RPOPLPUSH a k"],
        ["RPUSH a 1", "LMOVE a k LEFT LEFT"],
        ["RPUSH a 1", "COPY a k"],
        ["RPUSH a 1", "BLMOVE a k LEFT LEFT 0"],
        ["SELECT 1", "RPUSH k 1\r\nMOVE k 0\r\nSELECT 0"],
        ["SELECT 1", "RPUSH k 1\r\nSWAPDB 0 1\r\nSELECT 0"],
        ["SELECT 1", "RPUSH a 1\r\nCOPY a k DB 0\r\nSELECT 0"],
    ];
    for [prepare, way] in ways {
        other.line("FLUSHALL");
        other.line(prepare);
        let mut waiting = wait(&server, "BLPOP k 0", 1);
        way.split("\r\n").for_each(|command| drop(other.line(command)));
        assert_eq!(waiting.reply().unwrap(), pair("k", "1"), "{way}");
    }
    let mut chain = wait(&server, "BLMOVE x y LEFT LEFT 0", 1);
    let mut last = wait(&server, "BLPOP y 0", 2);
    other.line("RPUSH x 7");
    assert_eq!(chain.reply().unwrap(), Value::Bulk('$', b"7".to_vec()));
    assert_eq!(last.reply().unwrap(), pair("y", "7"));
}

#[test]
fn nothing_is_lost_or_doubled_when_many_push_and_wait() {
    const CLIENTS: usize = 8;
    const EACH: usize = 500;
    let server = Running::ours("crowd", &[]);
    let mut taken: Vec<String> = std::thread::scope(|threads| {
        let poppers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut client = server.connect();
                let keys = if number % 2 == 0 { "a b" } else { "b a" };
                let command = format!("BLPOP {keys} 0");
                threads.spawn(move || {
                    let take = |_| match client.line(&command) {
                        Value::Many(_, items) => format!("{:?}", items[1]),
                        other => panic!("{other:?}"),
                    };
                    (0..EACH).map(take).collect::<Vec<_>>()
                })
            })
            .collect();
        for number in 0..CLIENTS {
            let mut client = server.connect();
            threads.spawn(move || {
                for count in 0..EACH {
                    let key = if count % 2 == 0 { "a" } else { "b" };
                    client.line(&format!("LPUSH {key} {number}-{count}"));
                }
            });
        }
        poppers.into_iter().flat_map(|popper| popper.join().unwrap()).collect()
    });
    assert_eq!(taken.len(), CLIENTS * EACH);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), CLIENTS * EACH);
    assert_eq!(server.connect().line("EXISTS a b"), line(":0"));
}
