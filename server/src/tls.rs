//! TLS, when the server is built with the feature `tls`: `tls-port` and its companions.

#[cfg(not(feature = "tls"))]
pub(crate) use absent::Tls;
#[cfg(feature = "tls")]
pub(crate) use present::Tls;

#[cfg(feature = "tls")]
mod present {
    use crate::{connection::Connection, session::Session, settings::Settings};
    use std::{io, sync::Arc, time::Duration};
    use tokio::{net::TcpStream, task::JoinSet, time::timeout};
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            RootCertStore, ServerConfig,
            crypto::{CryptoProvider, ring},
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
            server::{WebPkiClientVerifier, danger::ClientCertVerifier},
        },
    };

    /// How long a client may take to agree on a key.
    const HANDSHAKE: Duration = Duration::from_secs(10);

    /// What connections are encrypted with.
    #[derive(Clone)]
    pub(crate) struct Tls(TlsAcceptor);

    impl std::fmt::Debug for Tls {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Tls")
        }
    }

    impl Tls {
        /// Reads certificates and key, if there is a port for TLS.
        pub(crate) fn new(settings: &Settings) -> io::Result<Option<Self>> {
            if settings.number("tls-port") == 0 {
                return Ok(None);
            }
            let provider = Arc::new(ring::default_provider());
            let certificates = certificates(settings, "tls-cert-file")?;
            let path = settings.get("tls-key-file");
            let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| unread(&path, error))?;
            let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?;
            let builder = match verifier(settings, provider)? {
                Some(verifier) => builder.with_client_cert_verifier(verifier),
                None => builder.with_no_client_auth(),
            };
            let config = builder.with_single_cert(certificates, key).map_err(io::Error::other)?;
            Ok(Some(Self(TlsAcceptor::from(Arc::new(config)))))
        }

        /// Serves a client.
        pub(crate) fn serve(
            &self,
            connections: &mut JoinSet<()>,
            stream: TcpStream,
            session: Session,
        ) {
            connections.spawn(self.clone().greet(stream, session));
        }

        /// Agrees on a key with the client, and serves it.
        async fn greet(self, stream: TcpStream, mut session: Session) {
            let client = Arc::clone(&session.client);
            let greeted = tokio::select! {
                greeted = timeout(HANDSHAKE, self.0.accept(stream)) => greeted,
                () = client.wake.notified() => return session.end(),
            };
            match greeted {
                Ok(Ok(stream)) => return Connection::new(stream, session).run().await,
                Ok(Err(error)) => tracing::debug!(client = client.address, %error, "no TLS"),
                Err(_) => tracing::debug!(client = client.address, "no TLS in time"),
            }
            session.end();
        }
    }

    /// Who looks at the certificates of clients; nobody, when they need none.
    fn verifier(
        settings: &Settings,
        provider: Arc<CryptoProvider>,
    ) -> io::Result<Option<Arc<dyn ClientCertVerifier>>> {
        let wanted = settings.get("tls-auth-clients");
        if wanted == "no" {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        for certificate in certificates(settings, "tls-ca-cert-file")? {
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = if wanted == "optional" { builder.allow_unauthenticated() } else { builder };
        builder.build().map(Some).map_err(io::Error::other)
    }

    fn certificates(
        settings: &Settings,
        name: &'static str,
    ) -> io::Result<Vec<CertificateDer<'static>>> {
        let path = settings.get(name);
        if path.is_empty() {
            return Err(io::Error::other(format!("tls-port needs {name}")));
        }
        CertificateDer::pem_file_iter(&path)
            .and_then(Iterator::collect)
            .map_err(|error| unread(&path, error))
    }

    fn unread(path: &str, error: impl std::fmt::Display) -> io::Error {
        io::Error::other(format!("{path}: {error}"))
    }
}

#[cfg(not(feature = "tls"))]
mod absent {
    use crate::{session::Session, settings::Settings};
    use std::io;
    use tokio::{net::TcpStream, task::JoinSet};

    /// There is none.
    #[derive(Debug)]
    pub(crate) enum Tls {}

    impl Tls {
        /// Refuses a port for TLS.
        pub(crate) fn new(settings: &Settings) -> io::Result<Option<Self>> {
            match settings.number("tls-port") {
                0 => Ok(None),
                _ => Err(io::Error::other("tls-port: built without the feature `tls`")),
            }
        }

        /// Is never called.
        pub(crate) fn serve(&self, _: &mut JoinSet<()>, _: TcpStream, _: Session) {
            match *self {}
        }
    }
}
