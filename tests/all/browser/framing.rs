//! What other sites cannot do: show a page in a frame of theirs, send a form in somebody's name, or look into one.

use std::net::SocketAddr;

use palisade_tests::browser::Page;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{address, browser, desk, host, open};

/// A site that answers everything with one document.
pub(super) struct Site {
    /// Where it is.
    pub(super) address: SocketAddr,
    /// Ends the site with the test.
    _serving: tokio::task::JoinSet<()>,
}

impl Site {
    /// Answers whoever comes to this listener.
    pub(super) async fn new(listener: TcpListener, document: String) -> Self {
        let address = listener.local_addr().unwrap();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // One request at a time: no more of it than its head matters.
                let _ = stream.read(&mut [0; 16 * 1024]).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
                    document.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, _serving: serving }
    }
}

/// A place for a site.
pub(super) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A document with a frame.
pub(super) fn frame(url: &str) -> String {
    format!("<!doctype html><title>x</title><iframe src=\"{url}\" width=800 height=600></iframe>")
}

/// What a frame of a page shows, once it has loaded something.
pub(super) async fn framed(page: &Page, url: &str) -> String {
    page.open(url).await;
    let shown = page.eval_in_frame("document.body?.innerText ?? ''").await;
    shown.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_panel_shows_a_page_in_a_frame_and_nobody_else_does() {
    let browser = browser!();
    let panel = listener().await;
    let ancestor = format!("http://{}", panel.local_addr().unwrap());
    let host = host(&["site-notes"], &format!("frame-ancestors = [\"{ancestor}\"]")).await;

    let page = desk(&browser).await;
    let url = address(&host, "site-notes", "notes", json!({})).await;
    let panel = Site::new(panel, frame(&url)).await;
    let shown = framed(&page, &format!("http://{}/", panel.address)).await;
    assert!(shown.contains("Notes about shop.example"), "{shown}");

    let url = address(&host, "site-notes", "notes", json!({})).await;
    let other = Site::new(listener().await, frame(&url)).await;
    let shown = framed(&page, &format!("http://{}/", other.address)).await;
    assert!(!shown.contains("Notes about"), "{shown}");
    let violations = page.noted().violations.join("\n");
    assert!(violations.contains("frame-ancestors"), "{violations}");
}

#[tokio::test]
async fn without_a_panel_in_the_configuration_nobody_frames_a_page() {
    let browser = browser!();
    let host = host(&["site-notes"], "").await;
    let page = desk(&browser).await;
    let url = address(&host, "site-notes", "notes", json!({})).await;
    let other = Site::new(listener().await, frame(&url)).await;
    let shown = framed(&page, &format!("http://{}/", other.address)).await;
    assert!(!shown.contains("Notes about"), "{shown}");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let browser = browser!();
    let host = host(&["site-notes"], "").await;
    let page = desk(&browser).await;
    open(&host, &page, "site-notes", "notes").await;
    let action = page.url().await;
    // All that a form of the page has, as if it had been found out.
    let field = async |name: &str| {
        let value = page.eval(&format!("document.querySelector(\"[name='{name}']\").value")).await;
        value.as_str().unwrap().to_owned()
    };
    let (token, state) = (field(".token").await, field(".state").await);
    let forged = format!(
        "<!doctype html><title>x</title><form method=post action=\"{action}\">\
         <input name='.token' value='{token}'><input name='.state' value='{state}'>\
         <input name='in.text' value=forged><input name='in.colour' value=red>\
         <button name='.button' value=save>Win a prize</button></form>"
    );
    let other = Site::new(listener().await, forged).await;
    // One origin of the same site, and one of another site.
    for site in [
        format!("http://{}/", other.address),
        format!("http://localhost:{}/", other.address.port()),
    ] {
        page.open(&site).await;
        page.noted().clear();
        page.follow("button").await;
        page.refused_once(403).await;
        assert!(!page.text("main").await.contains("The note is kept"));
    }
    open(&host, &page, "site-notes", "notes").await;
    assert_eq!(page.eval("document.querySelector('textarea').value").await, "");
}
