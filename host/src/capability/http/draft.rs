//! What a guest asks to send, checked: everything that can be without its secrets and without the network. Pure.

use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::bindings::http::{Error, HeaderValue as Given, Request};
use crate::grant::Origin;
use crate::outbound::{self, HttpConfig, MAX_HEADERS};

/// Bytes of a URL.
const MAX_URL_BYTES: usize = 8 << 10;
/// Bytes of a method.
const MAX_METHOD_BYTES: usize = 32;
/// Headers that belong to the connection, or that say something in the host's name.
const OF_THE_HOST: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];
/// What the names of such headers begin with.
const OF_THE_HOST_BEFORE: [&str; 2] = ["palisade-", "proxy-"];

/// A request whose headers still lack their secrets.
pub(super) struct Draft {
    /// The request, without headers.
    pub(super) request: outbound::Request,
    /// Where it goes.
    pub(super) origin: Origin,
    /// The headers.
    pub(super) headers: Vec<(HeaderName, Given)>,
    /// How long it may take, if it says so.
    pub(super) timeout: Option<Duration>,
    /// How many redirects are followed.
    pub(super) redirects: u8,
}

/// Checks a request.
pub(super) fn check(request: Request, config: &HttpConfig) -> Result<Draft, Error> {
    if request.body.len() as u64 > config.request_bytes {
        return Err(Error::TooLarge(config.request_bytes));
    }
    if request.headers.len() > MAX_HEADERS {
        let number = request.headers.len();
        return Err(invalid(format!("it has {number} headers, the limit is {MAX_HEADERS}")));
    }
    let (url, origin) = check_url(&request.url)?;
    let method = check_method(&request.method)?;
    let headers = request.headers.into_iter().map(|(name, value)| Ok((check_name(&name)?, value)));
    Ok(Draft {
        headers: headers.collect::<Result<_, Error>>()?,
        origin,
        timeout: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
        redirects: request.max_redirects.min(config.redirects),
        request: outbound::Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: request.body.into(),
        },
    })
}

/// Checks the value of a header.
pub(super) fn check_value(bytes: &[u8]) -> Result<HeaderValue, Error> {
    HeaderValue::from_bytes(bytes)
        .map_err(|_| invalid("the value of a header has a control character".into()))
}

/// Bytes of headers as they are sent.
pub(super) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn check_url(text: &str) -> Result<(Url, Origin), Error> {
    if text.len() > MAX_URL_BYTES {
        return Err(invalid(format!(
            "the URL has {} bytes, the limit is {MAX_URL_BYTES}",
            text.len()
        )));
    }
    let wrong = |reason: String| invalid(format!("the URL is wrong: {reason}"));
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    let origin = Origin::of(&url).map_err(wrong)?;
    match url.username().is_empty() && url.password().is_none() {
        true => Ok((url, origin)),
        false => Err(wrong("it has a user name or a password; use a header".into())),
    }
}

fn check_method(text: &str) -> Result<Method, Error> {
    let fine = (1..=MAX_METHOD_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && !["CONNECT", "TRACE"].contains(&text);
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| fine);
    method.ok_or_else(|| {
        let shown: String =
            text.chars().take(MAX_METHOD_BYTES).flat_map(char::escape_default).collect();
        invalid(format!("not a method that can be sent: `{shown}`"))
    })
}

fn check_name(text: &str) -> Result<HeaderName, Error> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| {
        let shown: String = text.chars().take(64).flat_map(char::escape_default).collect();
        invalid(format!("not the name of a header: `{shown}`"))
    })?;
    let is_the_hosts = OF_THE_HOST.contains(&name.as_str())
        || OF_THE_HOST_BEFORE.iter().any(|before| name.as_str().starts_with(before));
    match is_the_hosts {
        true => Err(invalid(format!("the host alone sends the header `{name}`"))),
        false => Ok(name),
    }
}

fn invalid(reason: String) -> Error {
    Error::InvalidRequest(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request {
        let plain = |value: &str| Given::Plain(value.as_bytes().to_vec());
        Request {
            method: method.into(),
            url: url.into(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), plain(value))).collect(),
            body: Vec::new(),
            timeout_ms: None,
            max_redirects: 0,
        }
    }

    fn reason(request: Request) -> String {
        match check(request, &HttpConfig::default()) {
            Err(Error::InvalidRequest(reason)) => reason,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it is accepted"),
        }
    }

    #[test]
    fn every_spelling_of_an_address_has_its_one_origin() {
        for (url, origin) in [
            ("http://0/", "http://0.0.0.0"),
            ("http://2130706433/", "http://127.0.0.1"),
            ("http://0177.1/", "http://127.0.0.1"),
            ("http://0x7f.1/", "http://127.0.0.1"),
            ("http://[::1]/", "http://[::1]"),
            ("https://good.example:443/x", "https://good.example"),
            ("https://good.example.evil/", "https://good.example.evil"),
            ("https://g\u{f6}od.example/", "https://xn--god-sna.example"),
            ("https://good.example:444/", "https://good.example:444"),
        ] {
            let draft = check(request("GET", url, &[]), &HttpConfig::default())
                .unwrap_or_else(|error| panic!("{url}: {error:?}"));
            assert_eq!(draft.origin.as_str(), origin);
        }
    }

    #[test]
    fn a_url_that_can_be_misread_is_refused() {
        for url in [
            "https://good.example@evil.example/",
            "https://:password@good.example/",
            "https://good.example./",
            "http+unix://%2Frun%2Fx.sock/",
            "unix:/run/x.sock",
            "file:///etc/passwd",
            "http://[fe80::1%25lo]/",
            "/relative",
            "",
        ] {
            let reason = reason(request("GET", url, &[]));
            assert!(reason.starts_with("the URL is wrong"), "{url}: {reason}");
        }
    }

    #[test]
    fn a_header_of_the_connection_is_refused() {
        for name in [
            "Host",
            "Content-Length",
            "Transfer-Encoding",
            "Proxy-Authorization",
            "TE",
            "Palisade-Causation",
            "User-Agent",
        ] {
            assert_eq!(
                reason(request("GET", "http://a.example/", &[(name, "x")])),
                format!("the host alone sends the header `{}`", name.to_lowercase())
            );
        }
    }

    #[test]
    fn a_header_that_would_be_two_is_refused() {
        for value in ["a\r\nb: c", "a\nb", "a\0"] {
            assert!(check_value(value.as_bytes()).is_err(), "{value:?}");
        }
        assert_eq!(
            reason(request("GET", "http://a.example/", &[("a\r\nb", "x")])),
            "not the name of a header: `a\\r\\nb`"
        );
    }

    #[test]
    fn a_method_that_tunnels_or_echoes_is_refused() {
        for method in ["CONNECT", "TRACE", "get", "", "GET /", "G\r\nT"] {
            let reason = reason(request(method, "http://a.example/", &[]));
            assert!(reason.starts_with("not a method"), "{method}: {reason}");
        }
    }

    #[test]
    fn more_headers_than_the_limit_are_refused() {
        let many = [("x-a", "b"); 65];
        assert_eq!(
            reason(request("GET", "http://a.example/", &many)),
            "it has 65 headers, the limit is 64"
        );
    }

    #[test]
    fn a_body_over_the_limit_is_refused() {
        let body = vec![0; 11];
        let config = HttpConfig { request_bytes: 10, ..HttpConfig::default() };
        let checked = check(Request { body, ..request("PUT", "http://a.example/", &[]) }, &config);
        assert!(matches!(checked, Err(Error::TooLarge(10))));
    }

    #[test]
    fn no_more_redirects_are_followed_than_the_host_allows() {
        let request = Request { max_redirects: 200, ..request("GET", "http://a.example/", &[]) };
        assert_eq!(
            check(request, &HttpConfig::default()).unwrap_or_else(|_| panic!()).redirects,
            3
        );
    }
}
