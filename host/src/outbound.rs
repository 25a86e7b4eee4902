//! Requests to the world outside: the one client that all extensions share.
//!
//! Which origins an extension may reach, its caller says; which addresses a name may lead to, is decided here. One
//! request is one connection: the name is looked up once, every address of the answer is checked, and only those
//! are connected to. It must never follow a redirect by itself, heed a proxy of the environment, decompress, or read
//! more than it was told to.

mod address;
mod config;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Position, Url};

pub use self::address::Kind;
use self::address::Reach;
pub use self::config::HttpConfig;
use crate::grant::Origin;

/// Headers of a request, and of an answer.
pub const MAX_HEADERS: usize = 64;
/// Bytes of the headers of a request, and of an answer.
pub const MAX_HEADER_BYTES: usize = 16 << 10;
/// Addresses in the answer to one lookup.
const MAX_ADDRESSES: usize = 64;
/// How long one address may take to be connected to while there are others to try.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Looks a name up: the system's resolver, and in tests one that lies.
type Lookup =
    Box<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The client.
pub struct Outbound {
    config: HttpConfig,
    lookup: Lookup,
    /// The operator's own authorities, beside the system's.
    authorities: Vec<CertificateDer<'static>>,
    /// Made with the first request that needs it: reading the system's authorities takes time.
    tls: OnceCell<Arc<ClientConfig>>,
    /// One permit for each request that runs.
    connections: Semaphore,
    rates: DefaultKeyedRateLimiter<Arc<str>>,
}

/// A request, checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to: `http` or `https`, with a host.
    pub url: Url,
    /// The headers, without those that belong to the connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// A name leads where it may not.
    #[error(
        "`{host}` is at {address}, {kind}; an operator can allow it: add the origin to `http.private-origins` in palisade.toml"
    )]
    Address {
        /// The name.
        host: String,
        /// The address.
        address: IpAddr,
        /// What the address is.
        kind: Kind,
    },
    /// The name could not be resolved.
    #[error("`{host}` cannot be resolved: {reason}")]
    Dns {
        /// The name.
        host: String,
        /// Why.
        reason: String,
    },
    /// There is no connection, or it broke.
    #[error("{0}")]
    Connection(String),
    /// There is no secure connection.
    #[error("{0}")]
    Tls(String),
    /// The answer has more bytes than this.
    #[error("the answer is over {0} bytes")]
    TooLarge(u64),
    /// The time is over.
    #[error("the time is over")]
    Timeout,
}

impl Outbound {
    /// Makes the client, and reads the operator's authorities if there are any.
    pub fn open(config: &HttpConfig) -> anyhow::Result<Self> {
        let lookup: Lookup = Box::new(|host, port| {
            Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
        });
        Self::with_lookup(config, lookup)
    }

    fn with_lookup(config: &HttpConfig, lookup: Lookup) -> anyhow::Result<Self> {
        let authorities = match &config.ca_file {
            None => Vec::new(),
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .with_context(|| format!("`http.ca-file` cannot be read: `{}`", path.display()))?,
        };
        let per_minute = NonZeroU32::new(config.requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(config.burst()).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            config: config.clone(),
            lookup,
            authorities,
            tls: OnceCell::new(),
            connections: Semaphore::new(config.connections as usize),
            rates: RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst)),
        })
    }

    /// What bounds requests.
    pub fn config(&self) -> &HttpConfig {
        &self.config
    }

    /// Whether the extension may send one more request now. If it may, this one is counted.
    pub fn admits(&self, extension: &Arc<str>) -> bool {
        self.rates.check_key(extension).is_ok()
    }

    /// Sends a request and reads the whole answer, until `end` at the latest.
    pub async fn send(&self, request: &Request, end: Instant) -> Result<Answer, OutboundError> {
        let sent = async {
            // The semaphore is never closed.
            let _permit = self.connections.acquire().await;
            let addresses = self.addresses(&request.url).await?;
            let stream = connect(&addresses).await?;
            match request.url.scheme() {
                "https" => self.exchange(self.secure(&request.url, stream).await?, request).await,
                _ => self.exchange(stream, request).await,
            }
        };
        tokio::time::timeout_at(end.into(), sent).await.unwrap_or(Err(OutboundError::Timeout))
    }

    /// Where the host of a URL is: one lookup, and nothing of it is used if any of it may not be.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, OutboundError> {
        let port = url.port_or_known_default().unwrap_or_default();
        let name = match url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Domain(name)) => name.to_owned(),
            None => String::new(),
        };
        let dns = |reason: String| OutboundError::Dns { host: name.clone(), reason };
        let found = (self.lookup)(name.clone(), port).await;
        let addresses = found.map_err(|error| dns(error.to_string()))?;
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            return Err(dns(format!("it has {} addresses", addresses.len())));
        }
        let reach = self.reach(url, &name);
        for address in &addresses {
            let address = address.ip();
            reach.check(address).map_err(|kind| OutboundError::Address {
                host: name.clone(),
                address,
                kind,
            })?;
        }
        Ok(addresses)
    }

    fn reach(&self, url: &Url, name: &str) -> Reach {
        let private = &self.config.private_origins;
        match Origin::of(url) {
            Ok(origin) if private.contains(&origin) => Reach::Anywhere,
            _ if name == "localhost" => Reach::Loopback,
            _ => Reach::Public,
        }
    }

    async fn secure(
        &self,
        url: &Url,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let failed = |reason: &dyn std::fmt::Display| {
            OutboundError::Tls(format!(
                "no secure connection to `{}`: {reason}",
                url.host_str().unwrap_or_default()
            ))
        };
        let config = self.tls.get_or_try_init(|| self.tls_config());
        let config = config.await.map_err(|error| failed(&format_args!("{error:#}")))?.clone();
        let name = match url.host() {
            Some(Host::Ipv4(address)) => ServerName::IpAddress(IpAddr::V4(address).into()),
            Some(Host::Ipv6(address)) => ServerName::IpAddress(IpAddr::V6(address).into()),
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|error| failed(&error))?
            }
            None => return Err(failed(&"the URL has no host")),
        };
        TlsConnector::from(config).connect(name, stream).await.map_err(|error| failed(&error))
    }

    async fn tls_config(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        // The number of those that are not understood is of no use: the others still are.
        let own = self.authorities.iter().cloned();
        let system = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await?;
        roots.add_parsable_certificates(own.chain(system.certs));
        anyhow::ensure!(
            !roots.is_empty(),
            "this system has no certificate authorities; install them (ca-certificates) or set `http.ca-file`"
        );
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    async fn exchange<S>(&self, stream: S, request: &Request) -> Result<Answer, OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(broken)?;
        // Ends with this function, whatever becomes of it.
        let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
        let answer = sender.send_request(head(request)?).await.map_err(broken)?;
        let limit = self.config.response_bytes;
        let too_large = || OutboundError::TooLarge(limit);
        let (parts, body) = answer.into_parts();
        if body.size_hint().lower() > limit {
            return Err(too_large());
        }
        let body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
        let body =
            body.collect().await.map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => broken(*error),
                Err(error) if error.is::<LengthLimitError>() => too_large(),
                Err(error) => OutboundError::Connection(error.to_string()),
            })?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

/// The request as it is sent: only the path of the URL, and its host as a header.
fn head(request: &Request) -> Result<hyper::Request<Full<Bytes>>, OutboundError> {
    let unfit = |reason: String| OutboundError::Connection(format!("not sent: {reason}"));
    let url = &request.url;
    let mut sent = hyper::Request::new(Full::new(request.body.clone()));
    *sent.method_mut() = request.method.clone();
    *sent.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
        .parse()
        .map_err(|error| unfit(format!("{error}")))?;
    *sent.headers_mut() = request.headers.clone();
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    sent.headers_mut().insert(HOST, host.map_err(|error| unfit(error.to_string()))?);
    Ok(sent)
}

/// Connects to the first of the addresses that answers.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    let mut failed = Vec::new();
    for (number, address) in addresses.iter().enumerate() {
        let attempt = TcpStream::connect(address);
        let is_last = number + 1 == addresses.len();
        let stream = match is_last {
            true => attempt.await,
            false => tokio::time::timeout(ATTEMPT, attempt)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match stream {
            Ok(stream) => {
                // A request is one message: it need not wait for more.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failed.push(format!("{address}: {error}")),
        }
    }
    Err(OutboundError::Connection(format!("no connection: {}", failed.join("; "))))
}

/// What a failure of the protocol is.
fn broken(error: hyper::Error) -> OutboundError {
    if error.is_parse_too_large() {
        return OutboundError::TooLarge(MAX_HEADER_BYTES as u64);
    }
    let cause =
        std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
    OutboundError::Connection(format!("the connection broke: {error}{cause}"))
}
