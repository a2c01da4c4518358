//! A server inside of its host, which goes on using the pool.

use memory_cache_pool::MemoryCachePool;
use memory_cache_server::{Server, ServerOptions};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
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
