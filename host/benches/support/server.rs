//! Servers as processes of their own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use palisade::config::Config;
use palisade::host::{Host, Replace};
use palisade::registry::Granting;

/// The host's program.
pub const PALISADE: &str = env!("CARGO_BIN_EXE_palisade");

/// A process that ends with this.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub socket: PathBuf,
}

impl Server {
    /// Starts a server, and waits until it listens.
    pub fn start(mut command: Command, socket: PathBuf) -> Self {
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the server starts");
        let server = Self { child, socket };
        server.wait_until_ready();
        server
    }

    /// Starts the host on this directory, with this configuration.
    pub fn palisade(data: &Path, socket: PathBuf, config: &str) -> Self {
        let path = data.join("palisade.toml");
        std::fs::write(&path, config).expect("it is written");
        let mut command = Command::new(PALISADE);
        command.args(["serve", "--log", "error", "--config"]).arg(path);
        command.arg("--data").arg(data).arg("--socket").arg(&socket);
        Self::start(command, socket)
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&self.socket).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server did not come up");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Installs components in a directory of a host that is not running.
pub fn install(
    runtime: &tokio::runtime::Runtime,
    data: &Path,
    components: impl Iterator<Item = Vec<u8>>,
) {
    let config = Config { data: data.to_owned(), ..Config::default() };
    runtime.block_on(async {
        let host = Host::open(&config, Path::new(PALISADE)).await.expect("the host opens");
        for component in components {
            host.install(component.into(), Replace::Older, Granting::All, None)
                .await
                .expect("it installs");
        }
        host.close().await;
    });
}
