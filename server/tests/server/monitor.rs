//! Clients that are shown what others do.

use crate::support::{Client, Running, Value, line};

/// The next line, without its time.
fn shown(monitor: &mut Client) -> String {
    match monitor.reply() {
        Ok(Value::Line(text)) => text.split_once(' ').map_or("", |(_, rest)| rest).to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_command_is_shown_but_no_password_and_nothing_of_the_operator_s() {
    let server = Running::ours("monitor", &[]);
    let (mut monitor, mut other) = (server.connect(), server.connect());
    assert_eq!(monitor.line("MONITOR"), line("+OK"));
    other.call(&[&b"SET"[..], b"k", b"a\x01\n\"b\\"]);
    for command in ["CONFIG GET hz", "NOSUCH 1", "GET", "AUTH a b", "HELLO 2 AUTH a b", "SELECT 3"]
    {
        other.line(command);
    }
    other.line("BLPOP k 0.01");
    let address = format!("unix:{}", server.socket.display());
    for expected in [
        r#"[0 A] "SET" "k" "a\x01\n\"b\\""#,
        r#"[0 A] "AUTH" "(redacted)" "(redacted)""#,
        r#"[0 A] "HELLO" "2" "AUTH" "(redacted)" "(redacted)""#,
        r#"[3 A] "SELECT" "3""#,
        r#"[3 A] "BLPOP" "k" "0.01""#,
    ] {
        assert_eq!(
            shown(&mut monitor),
            expected.replace('A', &address).replace(&format!("\"{address}"), "\"A")
        );
    }
    let refused = "-ERR Replica can't interact with the keyspace";
    assert_eq!(monitor.line("GET k"), line(refused));
    assert!(other.line("CLIENT LIST").text().contains("flags=O"));
    assert_eq!(monitor.line("PING"), line("+PONG"));
    assert!(shown(&mut monitor).ends_with("\"PING\""));
    assert_eq!(monitor.line("RESET"), line("+RESET"));
    other.line("GET k");
    assert_eq!(monitor.line("ECHO done"), Value::Bulk('$', b"done".to_vec()));
}

#[test]
fn a_monitor_that_reads_nothing_is_cut_off() {
    let server = Running::ours("deaf", &[]);
    let (mut deaf, mut other) = (server.connect(), server.connect());
    assert_eq!(deaf.line("MONITOR"), line("+OK"));
    let large = vec![b'x'; 1 << 20];
    for _ in 0..40 {
        assert_eq!(other.call(&[&b"SET"[..], b"k", &large]), line("+OK"));
    }
    let cut_off = || server.connect().line("INFO stats").text();
    assert!(cut_off().contains("client_output_buffer_limit_disconnections:1\r\n"));
}
