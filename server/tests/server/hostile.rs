//! Clients that mean no good, or die.

use crate::support::{Client, Running, line, request};
use std::{
    io::Read,
    net::Shutdown,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    time::Instant,
};

/// How many clients the server counts.
fn clients(watcher: &mut Client) -> usize {
    watcher.line("CLIENT LIST").text().lines().count()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed().as_secs() < 60, "{what}");
        std::thread::yield_now();
    }
}

/// Megabytes that the server has in memory.
fn resident(server: &Running) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its status");
    line.split_ascii_whitespace().next().expect("its status").parse::<u64>().expect("works") >> 10
}

#[test]
fn who_says_no_more_but_listens_gets_all_replies() {
    let server = Running::ours("half-open", &[]);
    let mut stream = UnixStream::connect(&server.socket).unwrap();
    let requests = [request(&["SET", "k", "v"]), request(&["GET", "k"]).repeat(1000)].concat();
    std::io::Write::write_all(&mut stream, &requests).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).unwrap();
    assert_eq!(replies, [&b"+OK\r\n"[..], &b"$1\r\nv\r\n".repeat(1000)].concat());
}

#[test]
fn clients_that_send_a_byte_now_and_then_hold_up_nobody() {
    let server = Running::ours("loris", &[]);
    let mut other = server.connect();
    let mut slow: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for byte in request(&["SET", "k", "v"]) {
        for client in &mut slow {
            client.send(&[byte]).unwrap();
        }
        assert_eq!(other.line("PING"), line("+PONG"));
    }
    for client in &mut slow {
        assert_eq!(client.reply().unwrap(), line("+OK"));
    }
    drop(slow);
    until("somebody stays", || clients(&mut other) == 1);
}

/// `HOSTILE_CONNECTIONS` says how many, which both processes have to be allowed to open.
#[test]
fn many_connections_are_served_and_cost_little() {
    let many = std::env::var("HOSTILE_CONNECTIONS").ok().and_then(|text| text.parse().ok());
    let many: usize = many.unwrap_or(500);
    let server = Running::ours("many", &["--maxclients", "20000"]);
    let mut watcher = server.connect();
    let before = resident(&server);
    let mut all: Vec<_> = (0..many).map(|_| server.connect()).collect();
    for client in &mut all {
        client.send(b"PING\r\n").unwrap();
    }
    for client in &mut all {
        assert_eq!(client.reply().unwrap(), line("+PONG"));
    }
    assert_eq!(clients(&mut watcher), many + 1);
    let each = (resident(&server) - before) * 1024 / many as u64;
    assert!(each < 20, "{each} kB a connection");
    drop(all);
    until("somebody stays", || clients(&mut watcher) == 1);
}

/// What [`memory_comes_back_when_clients_are_killed`] runs in processes of their own: half of a large
/// argument, and then nothing.
#[test]
#[ignore = "a client of another test"]
fn a_client_in_the_middle_of_a_request() {
    let Some(path) = std::env::var_os("HOSTILE_SOCKET") else { return };
    let mut stream = UnixStream::connect(path).unwrap();
    let begin = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", 64 << 20);
    std::io::Write::write_all(&mut stream, begin.as_bytes()).unwrap();
    std::io::Write::write_all(&mut stream, &vec![b'x'; 16 << 20]).unwrap();
    let _end = stream.read(&mut [0]);
}

#[test]
fn memory_comes_back_when_clients_are_killed() {
    const KILLED: u64 = 4;
    let server = Running::ours("killed", &[]);
    let mut watcher = server.connect();
    let before = resident(&server);
    let name = "hostile::a_client_in_the_middle_of_a_request";
    let start = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--ignored"])
            .env("HOSTILE_SOCKET", &server.socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut processes: Vec<_> = (0..KILLED).map(start).collect();
    until("they send", || resident(&server) >= before + KILLED * 16);
    for process in &mut processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    until("somebody stays", || clients(&mut watcher) == 1);
    until("memory stays", || resident(&server) < before + 8);
    assert_eq!(watcher.line("EXISTS k"), line(":0"));
}
