//! What is encrypted, and who may come.

use crate::running::free_port;
use memory_cache_pool::MemoryCachePool;
use memory_cache_server::{Server, ServerOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{fs, io, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

/// An authority, and what it has signed for `localhost`: certificates and keys.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
}

fn papers() -> Papers {
    let mut params = CertificateParams::new(vec![]).expect("papers");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("papers");
    let authority = params.self_signed(&key).expect("papers");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("papers");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("papers");
    let certificate = params.signed_by(&key, &issuer).expect("papers");
    Papers { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{name}-{}.pem", std::process::id()));
    fs::write(&path, text).expect("papers");
    path
}

/// A client that trusts the authority, with a certificate of its own or none.
fn connector(papers: &Papers, has_certificate: bool) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(papers.authority.as_bytes()).expect("papers"))
        .expect("papers");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("papers")
        .with_root_certificates(roots);
    let config = if has_certificate {
        let certificate =
            CertificateDer::from_pem_slice(papers.certificate.as_bytes()).expect("papers");
        let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes()).expect("papers");
        builder.with_client_auth_cert(vec![certificate], key).expect("papers")
    } else {
        builder.with_no_client_auth()
    };
    TlsConnector::from(Arc::new(config))
}

/// What a client gets for many requests whose replies are larger than what sockets hold.
async fn replies(port: u16, connector: &TlsConnector) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut stream = connector.connect(name, stream).await?;
    stream.write_all(&b"GET k\r\n".repeat(100)).await?;
    stream.write_all(b"QUIT\r\n").await?;
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).await?;
    Ok(replies)
}

async fn serve(auth: &str, papers: &Papers) -> u16 {
    let (port, pool) = (free_port(), MemoryCachePool::default());
    pool.set("k", vec![b'x'; 100_000]).expect("papers");
    let path = |name, text| file(&format!("{name}-{auth}"), text).display().to_string();
    let options = ServerOptions::new()
        .read_arguments(
            [
                ("--port", "0".to_owned()),
                ("--tls-port", port.to_string()),
                ("--tls-cert-file", path("certificate", &papers.certificate)),
                ("--tls-key-file", path("key", &papers.key)),
                ("--tls-ca-cert-file", path("authority", &papers.authority)),
                ("--tls-auth-clients", auth.to_owned()),
            ]
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value]),
        )
        .expect("papers");
    let server = Server::bind(pool, options).await.expect("papers");
    tokio::spawn(server.run(std::future::pending()));
    port
}

#[tokio::test]
async fn replies_come_encrypted_to_those_with_the_papers_that_are_asked_for() {
    let papers = papers();
    let expected = [b"$100000\r\n".to_vec(), vec![b'x'; 100_000], b"\r\n".to_vec()].concat();
    let expected = [expected.repeat(100), b"+OK\r\n".to_vec()].concat();
    for (auth, needs_certificate) in [("no", false), ("optional", false), ("yes", true)] {
        let port = serve(auth, &papers).await;
        // Who does not speak TLS gets no answer of Redis's.
        let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        plain.write_all(b"PING\r\nPING\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _reset = plain.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"+"));
        assert!(replies(port, &connector(&papers, true)).await.unwrap() == expected);
        let without = replies(port, &connector(&papers, false)).await;
        assert_eq!(without.is_err(), needs_certificate, "{auth}");
    }
}

#[tokio::test]
async fn a_port_needs_a_certificate_that_can_be_read() {
    let mut options = ServerOptions::new().set("port", "0").unwrap();
    options = options.set("tls-port", &free_port().to_string()).unwrap();
    let error = Server::bind(MemoryCachePool::default(), options).await.unwrap_err();
    assert_eq!(error.to_string(), "tls-port needs tls-cert-file");
}
