//! A host under test: the real `palisade` binary with a directory of its own, spoken to over its sockets.
//!
//! ```no_run
//! # async fn example() {
//! use palisade_tests::TestHost;
//! use serde_json::json;
//!
//! let host = TestHost::new().start().await;
//! host.install("reserved-names").await;
//! let verdict = host.before("mailbox.create", json!({ "params": { "address": "root@customer.example" } })).await;
//! assert_eq!(verdict["verdict"], "deny");
//! # }
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails a test"
)]

pub mod browser;
pub mod visitor;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};

/// How long a host may take to come up or to go; a bound for a test that would hang, not a measurement.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A host that is not started yet.
#[derive(Default)]
pub struct TestHost {
    config: String,
    data: Option<PathBuf>,
    environment: Vec<(String, String)>,
    listen: Option<String>,
    socket: Option<PathBuf>,
}

/// A running host. Dropping it kills it.
pub struct Running {
    child: Child,
    data: PathBuf,
    socket: PathBuf,
    /// Removed at the end, unless the directory was given.
    directory: Option<tempfile::TempDir>,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("not JSON: {error}: {}", self.text))
    }

    /// The status, the code, the message and the hint of an error, in one line.
    pub fn refusal(&self) -> String {
        let error = &self.json()["error"];
        let part = |key: &str| error[key].as_str().unwrap_or_default();
        let hint = error["hint"].as_str().map_or(String::new(), |hint| format!(" (hint: {hint})"));
        format!("{} {}: {}{hint}", self.status.as_u16(), part("code"), part("message"))
    }

    /// The stable code of an error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// What an error says.
    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// The `palisade` binary: `PALISADE_BIN`, or built now.
pub fn palisade() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("PALISADE_BIN") {
            return path.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--locked",
                "--workspace",
                "--bin",
                "palisade",
                "--bin",
                "palisade-hook",
            ])
            .current_dir(root())
            .status();
        assert!(built.is_ok_and(|status| status.success()), "palisade cannot be built");
        target().join("debug/palisade")
    })
}

/// The `palisade-hook` binary, which is built with `palisade` and stands beside it.
pub fn palisade_hook() -> PathBuf {
    let path = palisade().with_file_name("palisade-hook");
    assert!(path.is_file(), "`{}` is missing: build it with `palisade`", path.display());
    path
}

/// The packed component of a guest: from `PALISADE_GUESTS`, or where `cargo xtask guests` puts it.
pub fn guest(name: &str) -> PathBuf {
    let directory = std::env::var_os("PALISADE_GUESTS")
        .map_or_else(|| target().join("guests/packed"), PathBuf::from);
    let path = directory.join(format!("{name}.wasm"));
    assert!(path.is_file(), "`{}` is missing: run `cargo xtask guests`", path.display());
    path
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// An answer of the API with what differs from run to run taken out: generated identifiers, times, fuel and sizes.
pub fn redacted(json: &Value) -> Value {
    const VARYING: [&str; 7] =
        ["fuel", "memory_bytes", "duration_us", "time_ms", "installed_ms", "digest", "store_bytes"];
    match json {
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let generated = name == "action_id" && value.as_str().is_some_and(is_generated);
                match generated || VARYING.contains(&name.as_str()) {
                    true => (name.clone(), format!("[{name}]").into()),
                    false => (name.clone(), redacted(value)),
                }
            };
            members.iter().map(member).collect::<serde_json::Map<_, _>>().into()
        }
        plain => plain.clone(),
    }
}

/// Whether an identifier looks like one that the host makes.
pub fn is_generated(id: &str) -> bool {
    let lengths = id.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Asks `ready` again and again until it says yes.
pub async fn wait_until(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !ready().await {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl TestHost {
    /// A host with the default configuration and an empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to `palisade.toml`.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Uses this directory, which stays.
    #[must_use]
    pub fn data(mut self, directory: &Path) -> Self {
        self.data = Some(directory.to_owned());
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on this address too.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Puts the socket here, for every user to open.
    #[must_use]
    pub fn socket(mut self, path: &Path) -> Self {
        self.socket = Some(path.to_owned());
        self.config("[server]\nsocket-mode = \"0666\"")
    }

    /// Starts the process and returns at once.
    pub fn spawn(self) -> Running {
        let directory =
            self.data.is_none().then(|| tempfile::tempdir().expect("a temporary directory"));
        let data = self
            .data
            .unwrap_or_else(|| directory.as_ref().expect("made above").path().join("data"));
        std::fs::create_dir_all(&data).expect("the data directory");
        let config = data.join("palisade.toml");
        let text = match &self.socket {
            Some(socket) => format!("socket = {:?}\n{}", socket.display().to_string(), self.config),
            None => self.config,
        };
        std::fs::write(&config, text).expect("the configuration");
        let socket = self.socket.unwrap_or_else(|| data.join("palisade.sock"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))
            .expect("the log");
        let mut command = Command::new(palisade());
        command.arg("serve").arg("--data").arg(&data).arg("--config").arg(&config);
        command.env_remove("PALISADE_SOCKET").env("NO_COLOR", "1").envs(self.environment);
        if let Some(address) = &self.listen {
            command.args(["--listen", address]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("palisade starts");
        Running { child, data, socket, directory }
    }

    /// Starts the host and waits until it is ready.
    pub async fn start(self) -> Running {
        let mut host = self.spawn();
        host.ready().await;
        host
    }
}

impl Running {
    /// Waits until the host answers.
    pub async fn ready(&mut self) {
        let begun = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the host ended with {status}: {}", self.log());
            }
            if let Ok(answer) = self.try_request(Method::GET, "/readyz", Vec::new()).await
                && answer.status.is_success()
            {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the host did not get ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the host wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    /// The directory of the host's state.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The path of its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// The identifier of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills the host without warning, and waits until it is gone. Returns its directory.
    pub fn kill(mut self) -> PathBuf {
        self.child.kill().expect("the host can be killed");
        self.child.wait().expect("the host ends");
        if let Some(directory) = self.directory.take() {
            let _ = directory.keep();
        }
        self.data.clone()
    }

    /// Tells the host to stop and waits until it has. Returns its exit status.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)
            .expect("the host can be told");
        self.ended().await
    }

    /// Waits until the host has ended by itself. Returns its exit status.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the host can be waited for") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the host did not stop: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Makes a request over the socket.
    pub async fn request(&self, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.try_request(method, path, body.into())
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", self.log()))
    }

    /// Makes a request over the socket that may fail as a connection.
    pub async fn try_request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let stream = UnixStream::connect(self.socket()).await?;
        request_over(
            stream,
            Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .body(Full::new(Bytes::from(body)))?,
        )
        .await
    }

    /// Makes a request over the socket on behalf of the person of a session.
    pub async fn request_in(
        &self,
        session: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        let stream = self.connect().await;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("palisade-session", session)
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        request_over(stream, request)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", self.log()))
    }

    /// The address that it listens on, as it says itself.
    pub fn address(&self) -> SocketAddr {
        self.said("listening on ")
    }

    /// The address at which it shows pages to browsers, as it says itself.
    pub fn gui_address(&self) -> SocketAddr {
        self.said("pages are shown at ")
    }

    /// The address of its console, as it says itself.
    pub fn console_address(&self) -> SocketAddr {
        self.said("the console is at http://")
    }

    /// The address that stands in its log behind this.
    fn said(&self, before: &str) -> SocketAddr {
        let log = self.log();
        let address = log
            .split_once(before)
            .and_then(|(_, rest)| rest.split([';', ' ', '\n']).next()?.parse().ok());
        address.unwrap_or_else(|| panic!("it does not say where it listens: {log}"))
    }

    /// The token of a role, `panel` or `operator`.
    pub fn token(&self, role: &str) -> String {
        let path = self.data.join(format!("{role}.token"));
        std::fs::read_to_string(path).expect("the token can be read").trim().to_owned()
    }

    /// Makes a request over TCP, with the header `Authorization` if there is one.
    pub async fn request_over_tcp(
        &self,
        method: Method,
        path: &str,
        authorization: Option<&str>,
        body: &str,
    ) -> Answer {
        let stream = TcpStream::connect(self.address()).await.expect("it listens");
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        request_over(stream, request)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", self.log()))
    }

    /// Opens a connection, to be spoken to by hand.
    pub async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.expect("it listens")
    }

    /// A figure of `/metrics`, by its name with labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.request(Method::GET, "/metrics", "").await.text;
        let value =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no `{name}` in {text}"))
    }

    /// Makes a request with a JSON body, and returns its JSON if it succeeds.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.request(Method::POST, path, body.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}: {}", answer.status, answer.text);
        answer.json()
    }

    /// Gets JSON.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path, "").await;
        assert!(answer.status.is_success(), "{path}: {}: {}", answer.status, answer.text);
        answer.json()
    }

    /// Installs a guest by name.
    pub async fn install(&self, name: &str) -> Value {
        let answer =
            self.install_bytes(std::fs::read(guest(name)).expect("the guest can be read")).await;
        assert!(answer.status.is_success(), "{name}: {}", answer.text);
        answer.json()
    }

    /// Installs these bytes, and grants them all that they ask for.
    pub async fn install_bytes(&self, bytes: Vec<u8>) -> Answer {
        self.install_granted(bytes, "all").await
    }

    /// Installs these bytes with these grants: `all`, `none` or a JSON list.
    pub async fn install_granted(&self, bytes: Vec<u8>, grants: &str) -> Answer {
        let path = format!("/v1/extensions?grants={}", percent_encoded(grants));
        self.request(Method::POST, &path, bytes).await
    }

    /// Calls the hook before an action.
    pub async fn before(&self, action: &str, request: Value) -> Value {
        self.post(&format!("/v1/actions/{action}/before"), request).await
    }

    /// Calls the hook after an action.
    pub async fn after(&self, action: &str, request: Value) -> Value {
        self.post(&format!("/v1/actions/{action}/after"), request).await
    }

    /// Runs the command line against this host.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        cli_command(arguments)
            .env("PALISADE_SOCKET", self.socket())
            .output()
            .expect("palisade runs")
    }
}

/// A command of the `palisade` binary, with an environment that does not change what it prints.
pub fn cli_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(palisade());
    command
        .args(arguments)
        .env_remove("PALISADE_SOCKET")
        .env_remove("PALISADE_CONFIG")
        .env("NO_COLOR", "1")
        .env("TZ", "UTC");
    command
}

/// A text as it stands in a query.
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Makes one request over a stream.
pub async fn request_over<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the connection.
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, text: String::from_utf8_lossy(&body).into_owned() })
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
