//! A browser that only speaks HTTP: it keeps its cookie, follows nothing by itself and shows the answer as it came.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::percent_encoded;

/// Who visits a listener for browsers.
#[derive(Debug, Clone)]
pub struct Visitor {
    address: SocketAddr,
    /// The cookie that it was given, if any.
    pub cookie: Option<String>,
}

/// What a visitor is answered.
#[derive(Debug)]
pub struct Visited {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The document.
    pub text: String,
}

impl Visited {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// The value of the first input of this name in the document, as it is once unescaped.
    pub fn value_of(&self, name: &str) -> String {
        let named = format!("name=\"{name}\"");
        let tag = self.text.split('<').find(|tag| tag.contains(&named));
        let tag = tag.unwrap_or_else(|| panic!("no input `{name}` in {}", self.text));
        let value = tag.split_once("value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let value = value.unwrap_or_else(|| panic!("no value in <{tag}")).0;
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }
}

impl Visitor {
    /// A visitor without a cookie.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Visited {
        self.request(Method::GET, path, &[], String::new()).await
    }

    /// Sends a form as a browser does that shows a page of the same origin.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Visited {
        let origin = format!("http://{}", self.address);
        self.post_from(path, form, &[("origin", &origin), ("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with these headers.
    pub async fn post_from(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Visited {
        let form: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
            .collect();
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.request(Method::POST, path, &headers, form.join("&")).await
    }

    /// Sends a form with a file, as a browser does.
    pub async fn upload(&self, path: &str, form: &[(&str, &str)], file: &[u8]) -> Visited {
        let mut body = Vec::new();
        for (name, value) in form {
            body.extend_from_slice(b"--limit\r\nContent-Disposition: form-data; name=\"");
            body.extend_from_slice(format!("{name}\"\r\n\r\n{value}\r\n").as_bytes());
        }
        body.extend_from_slice(b"--limit\r\nContent-Disposition: form-data; name=\"file\"; ");
        body.extend_from_slice(b"filename=\"x.wasm\"\r\nContent-Type: application/wasm\r\n\r\n");
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--limit--\r\n");
        let origin = format!("http://{}", self.address);
        let kind = "multipart/form-data; boundary=limit";
        self.request(Method::POST, path, &[("origin", &origin), ("content-type", kind)], body).await
    }

    /// Makes a request.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Visited {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        // Ends with the connection.
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.address.to_string());
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        Visited { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Takes the cookie of an answer, as a browser does.
    pub fn keep_cookie(&mut self, answer: &Visited) {
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default();
        self.cookie = (!cookie.is_empty()).then(|| cookie.to_owned());
    }
}
