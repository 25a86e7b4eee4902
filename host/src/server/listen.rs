//! Connections: accepted up to a ceiling, served with timeouts that hold, and ended gracefully.
//!
//! Plain `axum::serve` installs no timers and keeps half-open connections for ever, hence this loop of our own.

use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::response::IntoResponse as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::App;
use super::auth::{self, Peer};
use super::body;
use super::timer::ConnectionTimer;
use crate::config::Config;

/// Bytes of a request's head. The grants of an installation stand in its query, and an extension may ask for 24 KiB of them.
const MAX_HEAD_BYTES: usize = 80 << 10;

/// Where the host listens. The socket's file is removed when this is dropped.
pub struct Listeners {
    socket: UnixListener,
    socket_path: PathBuf,
    tcp: Option<TcpListener>,
    gui: Option<TcpListener>,
    console: Option<TcpListener>,
}

/// Binds the Unix socket, and the TCP ports that are configured.
pub async fn bind(config: &Config) -> anyhow::Result<Listeners> {
    let socket_path = config.socket_path();
    let socket = bind_socket(&socket_path, config)
        .await
        .with_context(|| format!("the socket `{}` cannot be used", socket_path.display()))?;
    Ok(Listeners {
        socket,
        socket_path,
        tcp: bind_tcp(config.listen).await?,
        gui: bind_tcp(config.gui.listen).await?,
        console: bind_tcp(config.console.listen).await?,
    })
}

async fn bind_tcp(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).with_context(|| format!("cannot listen on `{address}`"))
}

async fn bind_socket(path: &Path, config: &Config) -> anyhow::Result<UnixListener> {
    remove_stale_socket(path).await?;
    let mode = config.socket_mode().map_err(anyhow::Error::msg)?;
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(socket)
}

/// Removes a socket that a killed host left behind, and nothing else.
async fn remove_stale_socket(path: &Path) -> anyhow::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => anyhow::ensure!(
            metadata.file_type().is_socket(),
            "there is a file of this name that is no socket"
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Ok(std::fs::remove_file(path)?)
        }
        // A host whose queue of connections is full does not take one, and lives all the same.
        Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Err(error.into()),
        Ok(_) | Err(_) => anyhow::bail!("another host listens on it"),
    }
}

impl Listeners {
    /// The path of the Unix socket.
    pub fn socket_path(&self) -> &Path {
        &self.socket_path
    }

    /// The address that is listened on over TCP.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        address(self.tcp.as_ref())
    }

    /// The address at which browsers are shown pages of extensions.
    pub fn gui_address(&self) -> Option<SocketAddr> {
        address(self.gui.as_ref())
    }

    /// The address of the operator's console.
    pub fn console_address(&self) -> Option<SocketAddr> {
        address(self.console.as_ref())
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket_path);
    }
}

fn address(listener: Option<&TcpListener>) -> Option<SocketAddr> {
    listener.and_then(|tcp| tcp.local_addr().ok())
}

/// What is served at each kind of listener.
pub(super) struct Routers {
    /// The API.
    pub api: Router,
    /// Pages of extensions in browsers.
    pub gui: Router,
    /// The operator's console.
    pub console: Router,
}

/// What the connections of one listener share.
struct Connections {
    app: Arc<App>,
    router: Router,
    peer: Peer,
    /// Places of its own, so that a flood at one listener leaves the others free.
    places: Arc<Semaphore>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Serves connections until `stop` is cancelled, then waits for requests that are under way.
pub(super) async fn run(
    listeners: Listeners,
    app: Arc<App>,
    routers: Routers,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let shared = |router, peer| {
        Arc::new(Connections {
            app: app.clone(),
            router,
            peer,
            places: Arc::new(Semaphore::new(app.config.connections as usize)),
            stop: stop.clone(),
            tasks: tasks.clone(),
        })
    };
    tokio::join!(
        shared(routers.api.clone(), Peer::Socket).accept_unix(&listeners.socket),
        shared(routers.api, Peer::Tcp).accept_tcp(listeners.tcp.as_ref()),
        shared(routers.gui, Peer::Browser).accept_tcp(listeners.gui.as_ref()),
        shared(routers.console, Peer::Browser).accept_tcp(listeners.console.as_ref()),
    );
    drop(listeners);
    tasks.close();
    let grace = Duration::from_millis(app.config.shutdown_ms.into());
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!("requests still ran after {} ms; they are cut off", grace.as_millis());
    }
}

type Place = tokio::sync::OwnedSemaphorePermit;

impl Connections {
    async fn accept_unix(self: Arc<Self>, listener: &UnixListener) {
        loop {
            let Some(place) = self.place().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => self.serve(stream, place),
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn accept_tcp(self: Arc<Self>, listener: Option<&TcpListener>) {
        let Some(listener) = listener else { return };
        loop {
            let Some(place) = self.place().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    self.serve(stream, place);
                }
                Err(error) => self.pause(&error).await,
            }
        }
    }

    /// Waits for a place for one more connection; `None` when the host stops.
    async fn place(&self) -> Option<Place> {
        tokio::select! {
            place = self.places.clone().acquire_owned() => place.ok(),
            () = self.stop.cancelled() => None,
        }
    }

    /// Waits a little after an accept that failed, mostly because file descriptors ran out.
    async fn pause(&self, error: &std::io::Error) {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Serves a connection in a task of its own, which the tracker waits for.
    fn serve<S>(self: &Arc<Self>, stream: S, place: Place)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let shared = self.clone();
        self.tasks.spawn(async move {
            let _place = place;
            shared.app.metrics.connections.inc();
            shared.connection(stream).await;
            shared.app.metrics.connections.dec();
        });
    }

    async fn connection<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let config = &self.app.config;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(Duration::from_millis(config.write_timeout_ms.into())));
        let body_time = Duration::from_millis(config.body_timeout_ms.into());
        let service = service_fn(|request| async {
            let end = Instant::now() + body_time;
            let (request, unread) = body::lend(request);
            let response = match auth::check(&self.app, self.peer, &request) {
                Ok(()) => self.router.clone().oneshot(request).await,
                Err(refused) => {
                    // Its body comes back to be drained.
                    drop(request);
                    Ok(refused.into_response())
                }
            };
            unread.drain(end).await;
            response
        });
        let connection = http1::Builder::new()
            .timer(ConnectionTimer::new())
            .header_read_timeout(Duration::from_millis(config.header_timeout_ms.into()))
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let mut connection = std::pin::pin!(connection);
        // Alone in its set it is polled when it is woken, and not at every read: that takes locks which all connections
        // share.
        let mut stopping: FuturesUnordered<_> = std::iter::once(self.stop.cancelled()).collect();
        tokio::select! {
            biased;
            // How a connection ends is its client's affair.
            _ = connection.as_mut() => return,
            _ = stopping.next() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}
