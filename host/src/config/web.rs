//! Where browsers are served: `[gui]` and `[console]`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Origins that may show pages in a frame.
const MAX_ORIGINS: usize = 100;

/// Pages of extensions in browsers: `[gui]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GuiConfig {
    /// The address and port to serve browsers at; none without this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Where browsers find it, such as `https://panel.example.com:8602`; `listen` itself if there is none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The origins whose pages may show those of extensions in a frame.
    pub frame_ancestors: Vec<String>,
}

/// The operator's console: `[console]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConsoleConfig {
    /// The loopback address and port to serve the console at; none without this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl GuiConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(url) = &self.url {
            origin(url).map_err(|reason| format!("`gui.url` {reason}: `{url}`"))?;
        }
        if self.url.is_none() && self.listen.is_some_and(|listen| !listen.ip().is_loopback()) {
            return Err("`gui.url` is missing: what browsers call a host that listens on more than a loopback address".into());
        }
        if self.frame_ancestors.len() > MAX_ORIGINS {
            return Err(format!(
                "`gui.frame-ancestors` has {} origins, the limit is {MAX_ORIGINS}",
                self.frame_ancestors.len()
            ));
        }
        self.frame_ancestors.iter().try_for_each(|ancestor| {
            origin(ancestor)
                .map(drop)
                .map_err(|reason| format!("`gui.frame-ancestors` {reason}: `{ancestor}`"))
        })
    }

    /// The origin that browsers know it by; `address` is where it listens.
    pub fn origin(&self, address: SocketAddr) -> String {
        let url = self.url.as_deref().and_then(|url| origin(url).ok());
        url.unwrap_or_else(|| format!("http://{address}"))
    }
}

impl ConsoleConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        match self.listen {
            Some(listen) if !listen.ip().is_loopback() => Err(format!(
                "`console.listen` must be a loopback address such as `127.0.0.1:8601`: `{listen}`"
            )),
            _ => Ok(()),
        }
    }
}

/// The origin that a text is, in the one form in which browsers compare origins.
fn origin(text: &str) -> Result<String, &'static str> {
    let wrong = "must be an origin such as `https://panel.example.com:8443`";
    let url = Url::parse(text).map_err(|_| wrong)?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(wrong),
    };
    match url.scheme() {
        "https" if bare => Ok(url.origin().ascii_serialization()),
        "http" if bare && loopback => Ok(url.origin().ascii_serialization()),
        "http" if bare => Err("must be https: only a loopback address can do without"),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn error(text: &str) -> String {
        Config::parse(text, "palisade.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_console_is_for_this_machine_alone() {
        assert!(
            error("[console]\nlisten = \"0.0.0.0:8601\"")
                .ends_with("must be a loopback address such as `127.0.0.1:8601`: `0.0.0.0:8601`")
        );
    }

    #[test]
    fn browsers_are_told_an_origin_and_a_safe_one() {
        for (written, reason) in [
            ("panel.example.com", "must be an origin"),
            ("https://panel.example.com/x", "must be an origin"),
            ("https://user@panel.example.com", "must be an origin"),
            ("http://panel.example.com", "must be https"),
            ("javascript:alert(1)", "must be an origin"),
        ] {
            assert!(error(&format!("[gui]\nurl = \"{written}\"")).contains(reason), "{written}");
            let ancestors = format!("[gui]\nframe-ancestors = [\"{written}\"]");
            assert!(error(&ancestors).contains(reason), "{written}");
        }
        assert!(error("[gui]\nlisten = \"0.0.0.0:1\"").contains("`gui.url` is missing"));
    }

    #[test]
    fn an_origin_has_one_form() {
        let text = "[gui]\nlisten = \"127.0.0.1:8602\"\nurl = \"https://Panel.Example.com:443/\"";
        let config = Config::parse(text, "palisade.toml").unwrap().gui;
        let address = config.listen.unwrap();
        assert_eq!(config.origin(address), "https://panel.example.com");
        let bare = super::GuiConfig { url: None, ..config };
        assert_eq!(bare.origin(address), "http://127.0.0.1:8602");
    }
}
