//! A server inside of its host, which goes on using the pool.

use memory_cache_pool::MemoryCachePool;
use memory_cache_server::{Server, ServerOptions};
use std::{path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::timeout,
};

#[tokio::test]
async fn a_push_of_the_host_is_found_by_who_waits() {
    let pool = MemoryCachePool::default();
    let options = ServerOptions::new().set("port", "0").unwrap();
    let server = Server::bind(pool.clone(), options).await.unwrap();
    let (address, notifier) = (server.tcp_addresses()[0], server.notifier());
    let (end, ended) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { drop(ended.await) }));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"BLPOP k 0\r\n").await.unwrap();
    let mut reply = [0; 64];
    let early = timeout(Duration::from_millis(30), client.read(&mut reply)).await;
    assert!(early.is_err());
    pool.rpush("k", "1").unwrap();
    let len = timeout(Duration::from_secs(10), client.read(&mut reply)).await.unwrap().unwrap();
    assert_eq!(&reply[..len], b"*2\r\n$1\r\nk\r\n$1\r\n1\r\n");
    // Told, it need not look.
    for _ in 0..20 {
        client.write_all(b"BLPOP k 0\r\n").await.unwrap();
        pool.rpush("k", "1").unwrap();
        notifier.pushed("k");
        let len = timeout(Duration::from_secs(10), client.read(&mut reply)).await.unwrap().unwrap();
        assert_eq!(&reply[..len], b"*2\r\n$1\r\nk\r\n$1\r\n1\r\n");
    }
    // Who still waits when the server ends does not hold it up.
    client.write_all(b"BLPOP k 0\r\n").await.unwrap();
    end.send(()).unwrap();
    timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}

/// A server on a unix socket, with a client that has sent requests at once, the first of them `GET k`
/// with a large reply, and takes none yet: the server has read all of them, and is in the middle.
async fn in_the_middle(
    name: &str,
    requests: &str,
) -> (Ending, MemoryCachePool, PathBuf, UnixStream) {
    let pool = MemoryCachePool::default();
    pool.set("k", vec![b'x'; LARGE]).expect("the machine plays along");
    let path = std::env::temp_dir().join(format!("{name}-{}.sock", std::process::id()));
    let options = ServerOptions::new().set("port", "0").expect("the machine plays along");
    let options = options
        .set("unixsocket", path.to_str().expect("the machine plays along"))
        .expect("the machine plays along");
    let server = Server::bind(pool.clone(), options).await.expect("the machine plays along");
    let (end, ended) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { drop(ended.await) }));
    let mut client = UnixStream::connect(&path).await.expect("the machine plays along");
    client.write_all(requests.as_bytes()).await.expect("the machine plays along");
    client.read_exact(&mut [0]).await.expect("the machine plays along");
    (Ending { end, running }, pool, path, client)
}

const LARGE: usize = 1 << 20;

/// What `in_the_middle` gets for one read, and has read one byte of already.
fn large_reply() -> Vec<u8> {
    [format!("${LARGE}\r\n").as_bytes(), &vec![b'x'; LARGE], b"\r\n"].concat()
}

struct Ending {
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

#[tokio::test]
async fn what_was_read_before_the_end_is_carried_out_and_replied_to() {
    let requests = format!("{}SET last 1\r\n", "GET k\r\n".repeat(20));
    let (Ending { end, running }, pool, _, mut client) =
        in_the_middle("read-before", &requests).await;
    end.send(()).unwrap();
    // The server is on this thread too, and hears of the end now.
    yield_now().await;
    let mut replies = vec![b'$'];
    timeout(Duration::from_secs(20), client.read_to_end(&mut replies)).await.unwrap().unwrap();
    let expected = [large_reply().repeat(20), b"+OK\r\n".to_vec()].concat();
    assert!(replies == expected, "{} bytes", replies.len());
    assert!(pool.exists("last"));
    timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_is_killed_gets_whole_replies_and_no_more_carried_out() {
    let requests = "GET k\r\nGET k\r\nSET last 1\r\n";
    let (Ending { end, running }, pool, path, mut client) = in_the_middle("killed", requests).await;
    let mut other = UnixStream::connect(path).await.unwrap();
    other.write_all(b"CLIENT KILL TYPE normal\r\n").await.unwrap();
    let mut told = [0; 4];
    other.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b":1\r\n");
    let mut replies = vec![b'$'];
    timeout(Duration::from_secs(20), client.read_to_end(&mut replies)).await.unwrap().unwrap();
    assert!(replies == large_reply(), "{} bytes", replies.len());
    assert!(!pool.exists("last"));
    drop((end, other));
    timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_would_wait_when_the_end_comes_does_not() {
    let requests = "GET k\r\nBLPOP none 0\r\nSET last 1\r\n";
    let (Ending { end, running }, pool, _, mut client) = in_the_middle("wait", requests).await;
    end.send(()).unwrap();
    yield_now().await;
    let mut replies = vec![b'$'];
    timeout(Duration::from_secs(5), client.read_to_end(&mut replies)).await.unwrap().unwrap();
    assert!(replies == large_reply(), "{} bytes", replies.len());
    assert!(!pool.exists("last"));
    timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}
