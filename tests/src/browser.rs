//! A real browser: Debian's Chromium without a window, driven by its DevTools protocol.
//!
//! Each browser has a profile of its own and can reach this machine alone. What a page does that no page should do is
//! noted while a test goes on: errors, violations of the policy, dialogs, requests to others. [`Page::check`] then
//! fails for it.
//!
//! ```no_run
//! # async fn example() {
//! use palisade_tests::browser::{Browser, Look};
//!
//! let Some(browser) = Browser::start().await else { return };
//! let page = browser.page(Look::default()).await;
//! page.open("http://127.0.0.1:8080/").await;
//! assert_eq!(page.text("h1").await, "Notes");
//! page.check().await;
//! # }
//! ```

mod audit;
mod noted;
mod page;
mod wire;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};

pub use self::noted::Noted;
pub use self::page::Page;
use self::wire::Wire;

/// Where Debian's package `chromium` puts its program.
const CHROMIUM: &str = "/usr/bin/chromium";

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The width of the window in pixels.
    pub width: u32,
    /// Light or dark.
    pub scheme: Scheme,
    /// Whether scripts run.
    pub scripts: Scripts,
}

/// The colours that the reader's system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Whether scripts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// They do.
    On,
    /// They do not.
    Off,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 1440, scheme: Scheme::Light, scripts: Scripts::On }
    }
}

impl Look {
    /// On a desk and on a telephone, light and dark.
    pub fn all() -> [Self; 4] {
        let look = |width, scheme| Self { width, scheme, scripts: Scripts::On };
        [
            look(1440, Scheme::Light),
            look(1440, Scheme::Dark),
            look(390, Scheme::Light),
            look(390, Scheme::Dark),
        ]
    }

    /// A name for the file of a picture.
    pub fn name(self) -> String {
        let scheme = match self.scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        format!("{}-{scheme}", self.width)
    }
}

/// A running browser. Dropping it ends it.
pub struct Browser {
    wire: Arc<Wire>,
    /// The profile; removed at the end.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser. Where there is none, it says that the test is skipped, and fails on CI.
    pub async fn start() -> Option<Self> {
        if !std::path::Path::new(CHROMIUM).is_file() {
            skipped("`chromium` is missing: install Debian's chromium");
            return None;
        }
        let profile = tempfile::tempdir().expect("a directory for the profile");
        // The protocol goes over the descriptors 3 and 4, which a shell makes of the ends that are given to it.
        let mut command = tokio::process::Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null", CHROMIUM]);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            // Nothing outside is asked for, whatever a page wants.
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.kill_on_drop(true).spawn().expect("chromium starts");
        Some(Self { wire: Wire::open(child), _profile: profile })
    }

    /// Opens an empty page, in a context of its own: no cookie of another page is seen.
    pub async fn page(&self, look: Look) -> Page {
        let context = self.wire.call("Target.createBrowserContext", json!({})).await;
        let target = json!({
            "url": "about:blank",
            "browserContextId": context["browserContextId"],
        });
        let target = self.wire.call("Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.wire.call("Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        Page::set_up(self.wire.clone(), session, look).await
    }
}

/// Says that a test is skipped. On CI nothing is.
pub fn skipped(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}, and on CI nothing is skipped");
    eprintln!("SKIPPED: {reason}");
}

/// Where pictures are put.
fn pictures() -> PathBuf {
    crate::target().join("screenshots")
}

/// The source of axe-core, which `cargo xtask test` gets.
fn axe() -> PathBuf {
    crate::target().join("tools/axe/axe.min.js")
}

/// A text as a literal of JavaScript.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
