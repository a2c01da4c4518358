//! How the server is started, watched and ended by whoever runs it.

use crate::support::{Running, Value, line};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixDatagram, UnixStream},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_memory-cache-server");

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{name}-{}", std::process::id()))
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("the machine plays along")
        .local_addr()
        .expect("works")
        .port()
}

/// A server on TCP that ends with the test.
struct OnTcp(Child, u16);

impl Drop for OnTcp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl OnTcp {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the machine plays along");
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("the machine plays along"))
            .read_line(&mut ready)
            .expect("works");
        let expected = format!("Ready to accept connections: pid {}, ", child.id());
        let addresses = ready.trim().strip_prefix(&expected).expect("a ready line");
        let first = addresses.split(", ").next().expect("the machine plays along");
        let port = first.parse::<SocketAddr>().expect("the machine plays along").port();
        Self(child, port)
    }

    /// What the server answers to a request, or sends without one.
    fn ask(&self, host: &str, request: &str) -> String {
        let mut stream = TcpStream::connect((host, self.1)).expect("the machine plays along");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("the machine plays along");
        // It may have been turned away already.
        let _sent = stream.write_all(request.as_bytes());
        let _ended = stream.shutdown(Shutdown::Write);
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        answer
    }
}

fn terminate(child: &Child) {
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.expect("the machine plays along").success());
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed().as_secs() < 20, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_line_of_the_file_that_is_not_understood_is_named() {
    let conf = place("wrong.conf");
    for (text, expected) in [
        ("# fine\nport 0\n\nno-such-name 1\n", "line 4: 'no-such-name': no such option"),
        ("timeout x\n", "line 1: 'timeout': argument couldn't be parsed into an integer"),
        ("port 0\nrequirepass \"x\n", "line 2: "),
    ] {
        fs::write(&conf, text).unwrap();
        let output = Command::new(BINARY).arg(&conf).output().unwrap();
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(problem.contains(expected), "{problem}");
        assert_eq!(output.status.code(), Some(1));
    }
    fs::remove_file(conf).unwrap();
}

#[test]
fn the_unix_socket_has_the_permissions_that_are_asked_for() {
    let server = Running::ours("permissions", &["--unixsocketperm", "700"]);
    until("the permissions are set after the socket is there", || {
        fs::metadata(&server.socket).unwrap().permissions().mode() & 0o777 == 0o700
    });
}

#[test]
fn who_is_idle_too_long_is_sent_away_and_so_is_who_is_one_too_many() {
    let server = Running::ours("idle", &["--timeout", "1", "--maxclients", "2"]);
    let mut watcher = server.connect();
    let mut is_alone = || {
        let Value::Bulk(_, list) = watcher.line("CLIENT LIST") else { return false };
        list.iter().filter(|byte| **byte == b'\n').count() == 1
    };
    until("nobody else is there", &mut is_alone);
    let mut idle = server.connect();
    assert_eq!(idle.line("PING"), line("+PONG"));
    let mut surplus = server.connect();
    assert_eq!(surplus.reply().unwrap(), line("-ERR max number of clients reached"));
    assert!(surplus.rest().is_empty());
    let begin = Instant::now();
    until("the idle one stays", &mut is_alone);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    assert!(idle.rest().is_empty());
}

#[test]
fn as_many_files_are_open_as_clients_may_come() {
    let server = {
        let path = place("few-files.sock");
        let limited =
            format!("ulimit -Sn 64; exec {BINARY} --port 0 --unixsocket {}", path.display());
        let child =
            Command::new("sh").args(["-c", &limited]).stdout(Stdio::null()).spawn().unwrap();
        until("it listens", || UnixStream::connect(&path).is_ok());
        Running { child, socket: path }
    };
    let mut clients: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.line("PING"), line("+PONG"));
    }
}

#[test]
fn other_machines_need_a_password_unless_they_are_let_in() {
    // An address of this machine that is not its own loopback, if it has one. Nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    let Some(own) = own.ok().map(|own| own.ip()).filter(|ip| !ip.is_loopback()) else { return };
    let (own, ping) = (own.to_string(), "PING\r\n");
    let server = OnTcp::start(&["--bind", "0.0.0.0"]);
    assert!(server.ask(&own, ping).starts_with("-DENIED "));
    assert_eq!(server.ask("127.0.0.1", ping), "+PONG\r\n");
    let server = OnTcp::start(&["--bind", "0.0.0.0", "--protected-mode", "no"]);
    assert_eq!(server.ask(&own, ping), "+PONG\r\n");
    let server = OnTcp::start(&["--bind", "0.0.0.0", "--requirepass", "secret"]);
    assert_eq!(server.ask(&own, "AUTH secret\r\nPING\r\n"), "+OK\r\n+PONG\r\n");
    assert!(server.ask(&own, ping).starts_with("-NOAUTH "));
}

/// Whether the system probes the other side of a connection to this port.
#[cfg(target_os = "linux")]
fn is_probed(port: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").expect("the machine plays along");
    let local = format!(":{port:04X}");
    let is_it = |fields: &[&str]| fields[1].ends_with(&local) && fields[3] == "01";
    table
        .lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|fields| is_it(fields))
        .any(|fields| fields[5].starts_with("02:"))
}

#[test]
#[cfg(target_os = "linux")]
fn silent_clients_are_probed_unless_they_are_not_to_be() {
    for (interval, expected) in [("300", true), ("0", false)] {
        let server = OnTcp::start(&["--tcp-keepalive", interval]);
        let mut client = TcpStream::connect(("127.0.0.1", server.1)).unwrap();
        client.write_all(b"PING\r\n").unwrap();
        client.read_exact(&mut [0; 7]).unwrap();
        // Until the acknowledgement has come, there is another timer.
        let begin = Instant::now();
        while is_probed(server.1) != expected && begin.elapsed().as_secs() < 20 {
            std::thread::yield_now();
        }
        assert_eq!(is_probed(server.1), expected);
    }
}

#[test]
fn the_end_comes_after_whole_replies() {
    let mut server = Running::ours("whole", &[]);
    let mut client = server.connect();
    client.call(&[&b"SET"[..], b"k", &vec![b'x'; 10_000]]);
    let get = crate::support::request(&["GET", "k"]);
    // More than the sockets hold, so that it is in the middle of replies.
    let mut stream = UnixStream::connect(&server.socket).unwrap();
    stream.write_all(&get.repeat(1000)).unwrap();
    let mut replies = vec![0];
    stream.read_exact(&mut replies).unwrap();
    terminate(&server.child);
    // Requests that it did not read make the end a reset.
    let _reset = stream.read_to_end(&mut replies);
    let reply = [b"$10000\r\n".to_vec(), vec![b'x'; 10_000], b"\r\n".to_vec()].concat();
    assert!(replies.len() >= reply.len());
    assert!(replies.chunks(reply.len()).all(|found| found == reply), "{}", replies.len());
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn systemd_is_told_of_readiness_and_of_the_end() {
    let path = place("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut told = [0; 64];
    let mut server = Command::new(BINARY)
        .args(["--port", "0", "--supervised", "systemd"])
        .env("NOTIFY_SOCKET", &path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let len = socket.recv(&mut told).unwrap();
    assert_eq!(&told[..len], b"READY=1\n");
    terminate(&server);
    let len = socket.recv(&mut told).unwrap();
    assert_eq!(&told[..len], b"STOPPING=1\n");
    assert!(server.wait().unwrap().success());
    fs::remove_file(path).unwrap();
}

#[test]
fn events_go_to_the_log_down_to_the_level_of_the_moment() {
    let path = place("events.log");
    let logfile = path.display().to_string();
    let server = Running::ours("log", &["--logfile", &logfile]);
    let mut client = server.connect();
    let log = || fs::read_to_string(&path).unwrap();
    until("it says that it is ready", || log().contains("INFO ready to accept connections"));
    assert!(!log().contains("DEBUG accepted"));
    assert_eq!(client.line("CONFIG SET loglevel verbose"), line("+OK"));
    drop(server.connect());
    until("it says who comes and goes", || {
        log().contains("DEBUG accepted") && log().contains("DEBUG gone")
    });
    fs::remove_file(&path).unwrap();
}

fn status_and_body(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    (
        head.lines()
            .next()
            .expect("the machine plays along")
            .strip_prefix("HTTP/1.1 ")
            .expect("works"),
        body,
    )
}

#[test]
fn prometheus_finds_the_figures_that_it_knows_from_redis() {
    let port = free_port();
    let mut server = OnTcp::start(&["--metrics-port", &port.to_string()]);
    server.ask("127.0.0.1", "SET k v\r\nGET k\r\nGET none\r\nINCR k\r\n");
    let redis = std::mem::replace(&mut server.1, port);
    let get = |target: &str| server.ask("127.0.0.1", &format!("GET {target} HTTP/1.1\r\n\r\n"));
    let answer = get("/metrics");
    let (status, figures) = status_and_body(&answer);
    assert_eq!(status, "200 OK");
    assert!(answer.contains(&format!("Content-Length: {}\r\n", figures.len())));
    for expected in [
        "redis_up 1",
        "redis_keyspace_hits_total 1",
        "redis_keyspace_misses_total 1",
        "# TYPE redis_keyspace_misses_total counter",
        "redis_commands_total{cmd=\"get\"} 2",
        "redis_commands_failed_calls_total{cmd=\"incr\"} 1",
        "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"+Inf\"} 2",
        "redis_errors_total{err=\"ERR\"} 1",
        "redis_db_keys{db=\"db0\"} 1",
        "# TYPE redis_memory_used_bytes gauge",
    ] {
        assert!(figures.lines().any(|line| line == expected), "{expected} in {figures}");
    }
    for line in figures.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(status_and_body(&get("/healthz")), ("200 OK", "ok\n"));
    assert_eq!(status_and_body(&get("/")).0, "404 Not Found");
    let post = server.ask("127.0.0.1", "POST /metrics HTTP/1.1\r\n\r\n");
    assert_eq!(status_and_body(&post).0, "405 Method Not Allowed");
    assert_eq!(status_and_body(&server.ask("127.0.0.1", "PING\r\n\r\n")).0, "400 Bad Request");
    let head = server.ask("127.0.0.1", "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert_eq!(status_and_body(&head).1, "");
    let long = server.ask("127.0.0.1", &format!("GET /{} HTTP/1.1", "x".repeat(8192 - 14)));
    assert_eq!(status_and_body(&long).0, "431 Request Header Fields Too Large");
    // Those who say nothing hold up nobody but each other.
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(("127.0.0.1", port))).collect();
    server.1 = redis;
    assert_eq!(server.ask("127.0.0.1", "PING\r\n"), "+PONG\r\n");
    drop(silent);
}
