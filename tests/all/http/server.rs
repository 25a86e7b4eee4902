//! Servers for extensions to reach: each answers every request in one way, and remembers what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// How a server answers.
#[derive(Clone)]
pub enum Answer {
    /// With these bytes, and closes the connection.
    Whole(Vec<u8>),
    /// With these bytes, and then says nothing and does not close it.
    Silent(Vec<u8>),
    /// With the first bytes, and then the second ones again and again.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server that ends with its test.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// A certificate that vouches for itself, and its key.
pub struct Certificate {
    /// The certificate as text.
    pub pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    /// A certificate for these names and addresses.
    pub fn of(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        Self { pem: made.cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

impl Server {
    /// A server of plain HTTP.
    pub fn plain(listener: std::net::TcpListener, answer: Answer) -> Self {
        Self::start(listener, "http", answer, None)
    }

    /// A server of HTTP over TLS.
    pub fn tls(listener: std::net::TcpListener, answer: Answer, certificate: &Certificate) -> Self {
        Self::start(listener, "https", answer, Some(certificate.acceptor.clone()))
    }

    fn start(
        listener: std::net::TcpListener,
        scheme: &'static str,
        answer: Answer,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answer, kept) = (tls.clone(), answer.clone(), kept.clone());
                // Ends with the runtime of the test.
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, answer, &kept).await,
                        // A client that does not trust the certificate leaves here.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, answer, &kept).await,
                            Err(_) => Ok(()),
                        },
                    }
                });
            }
        });
        Self { address, scheme, requests, task }
    }

    /// Its origin.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it was sent: the head and the body of each request, as text.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer of success with this body.
pub fn saying(body: &str) -> Answer {
    answer("200 OK", &[], body)
}

/// A redirect.
pub fn redirecting(status: &str, location: &str) -> Answer {
    answer(status, &[("location", location)], "")
}

/// An answer with this status, these headers and this body.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    Answer::Whole(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
            .into_bytes(),
    )
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Answer,
    kept: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    kept.lock().unwrap().push(request);
    match answer {
        Answer::Whole(bytes) => stream.write_all(&bytes).await?,
        Answer::Silent(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending().await
        }
        Answer::Endless(first, again) => {
            stream.write_all(&first).await?;
            loop {
                // Ends when the client has had enough and closes the connection.
                stream.write_all(&again).await?;
            }
        }
    }
    stream.shutdown().await
}

/// Reads one request: its head, and as much body as that says.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
