//! `palisade serve`: runs a host until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::Context;
use super::output::{Failure, KEY_HINT, UNUSABLE};
use crate::host::Host;
use crate::seal::SealError;
use crate::server::{self, Tokens};
use crate::storage::StorageError;

/// Ticks of the scheduler between two looks at sockets and timers. Guests yield every millisecond, so that with the
/// default of 61 a busy host would look at its sockets sixteen times a second.
const EVENT_INTERVAL: u32 = 7;

/// Runs a host.
#[derive(Args)]
pub struct Serve {
    /// The directory of the host's state [default: /var/lib/palisade]
    #[arg(long, env = "PALISADE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The address and port to listen on, beside the socket
    #[arg(long, env = "PALISADE_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// What to log, such as `info` or `warn,palisade=debug`
    #[arg(long, env = "PALISADE_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl Serve {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        crate::command::keep_from_programs().map_err(|error| {
            Failure::new(format!("the open descriptors cannot be listed: `/proc/self/fd`: {error}"))
        })?;
        let mut config = context.config()?;
        config.data = self.data.unwrap_or(config.data);
        config.listen = self.listen.or(config.listen);
        config.log = self.log.unwrap_or(config.log);
        config.socket = context.socket.clone().or(config.socket);
        let filter = EnvFilter::try_new(&config.log).map_err(|error| {
            Failure::new(format!("`log` is no filter such as `info`: {error}: `{}`", config.log))
                .with_status(UNUSABLE)
        })?;
        let colour = std::io::IsTerminal::is_terminal(&std::io::stderr())
            && std::env::var_os("NO_COLOR").is_none();
        tracing_subscriber::fmt()
            .with_ansi(colour)
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build()?;
        runtime.block_on(serve(&config))
    }
}

async fn serve(config: &crate::config::Config) -> Result<(), Failure> {
    let unusable = |error: anyhow::Error| Failure::new(format!("{error:#}")).with_status(UNUSABLE);
    // The very binary that runs, also when its file was replaced meanwhile.
    let compiler = Path::new("/proc/self/exe");
    let compiler = if compiler.exists() { compiler.to_owned() } else { std::env::current_exe()? };
    let host = Host::open(config, &compiler).await.map_err(|error| {
        let hint = match error.downcast_ref() {
            Some(StorageError::InUse { .. }) => {
                "stop the host that uses it, or give this one a directory of its own by --data"
            }
            Some(StorageError::Sealed { .. }) => KEY_HINT,
            _ if error.is::<SealError>() => KEY_HINT,
            _ => "`palisade store verify --data DIR` says what is wrong with a store",
        };
        unusable(error).with_hint(hint)
    })?;
    let tokens = match config.listen.or(config.console.listen) {
        Some(_) => Some(Tokens::open(&config.data).map_err(unusable)?),
        None => None,
    };
    let listeners =
        server::bind(config).await.map_err(|error| Failure::new(format!("{error:#}")))?;
    let extensions = host.registry.snapshot().extensions.len();
    tracing::info!(
        "palisade {} serves {extensions} extensions at {}",
        env!("CARGO_PKG_VERSION"),
        listeners.socket_path().display()
    );
    if let Some(address) = listeners.tcp_address() {
        tracing::info!(
            "listening on {address}; the tokens are panel.token and operator.token in {}",
            config.data.display()
        );
    }
    if let Some(address) = listeners.gui_address() {
        tracing::info!("pages are shown at {address} as {}", config.gui.origin(address));
    }
    if let Some(address) = listeners.console_address() {
        tracing::info!("the console is at http://{address}; `palisade console` lets you in");
    }
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    // Ends with the process.
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping: running calls are finished first");
        stopping.cancel();
    });
    server::serve(host, config, listeners, tokens, stop)
        .await
        .map_err(|error| Failure::new(format!("{error:#}")))?;
    tracing::info!("stopped");
    Ok(())
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be caught; stop the host by killing it");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
