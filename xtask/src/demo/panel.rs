//! The example panel: what extensions show in it, in frames and drawn by the panel itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::running::{End, RunningHost};
use crate::workspace::Workspace;
use crate::{apt, cmd};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A panel that runs with a host, and ends with this unless it is left running.
pub struct Panel {
    child: Option<Child>,
    address: String,
}

/// A port that is free now. Who frames pages must be known before the host starts.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The lines of the configuration that let the panel on this port frame pages.
pub fn configuration(port: u16) -> String {
    format!("[gui]\nlisten = \"127.0.0.1:0\"\nframe-ancestors = [\"http://127.0.0.1:{port}\"]\n")
}

impl Panel {
    /// Starts the panel.
    pub fn start(workspace: &Workspace, host: &RunningHost, port: u16, end: End) -> Result<Self> {
        if cmd::in_path("python3").is_none() {
            apt::install(&["python3"])?;
        }
        let mut command = Command::new("python3");
        command.arg(workspace.guest_examples().join("panel/panel.py"));
        command.arg("--socket").arg(host.socket()).arg("--port").arg(port.to_string());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if end == End::Keep {
            use std::os::unix::process::CommandExt as _;
            command.process_group(0);
        }
        let mut child = command.spawn().with_context(|| cmd::cannot_start(&command))?;
        let stdout = child.stdout.take().context("the panel has no output")?;
        let mut panel = Self { child: Some(child), address: format!("127.0.0.1:{port}") };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if !line.contains(&panel.address) {
            panel.address.clear();
            bail!("the panel says `{}`", line.trim_end());
        }
        Ok(panel)
    }

    /// Signs a customer in, and looks for what extensions add: a column, a tab that the panel draws, and a page in a
    /// frame that the host draws.
    pub fn look(&self) -> Result<()> {
        let form = "who=ada&language=en";
        let signed_in = self.ask("POST", "/sign-in", "", form)?;
        let cookie = signed_in
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("set-cookie: "))
            .and_then(|line| line.split([' ', ';']).nth(1))
            .context("nobody is signed in")?;
        let pages = [
            ("/domains", "<th scope=\"col\">Note</th>"),
            ("/domains/shop.example?tab=site-notes/notes&way=panel", "Notes about shop.example"),
            ("/pages/mailbox-insights/mailboxes", "<iframe src=\"http://127.0.0.1:"),
        ];
        for (path, expected) in pages {
            let page = self.ask("GET", path, cookie, "")?;
            if !page.contains(expected) {
                bail!("the panel's page `{path}` has no `{expected}`:\n{page}");
            }
            println!("    {path}: there");
        }
        Ok(())
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of its process, if it runs.
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Lets it run on when this program ends.
    pub fn leave_running(&mut self) {
        self.child = None;
    }

    fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}
