//! The example panel: what extensions add, in frames and drawn by the panel itself.

use std::process::Stdio;

use palisade_tests::browser::{Look, Page};
use palisade_tests::root;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{browser, desk, host, mailboxes};

/// A panel that runs with a host. Dropping it ends it.
struct Panel {
    url: String,
    host: palisade_tests::Running,
    _child: Child,
}

impl Panel {
    /// Starts a panel, and a host that lets it frame pages.
    async fn start() -> Self {
        // Whoever frames must be known before the host starts, so the port is chosen here.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!("frame-ancestors = [\"http://127.0.0.1:{port}\"]");
        let host = host(&["site-notes", "mailbox-insights"], &config).await;
        let mut command = Command::new("python3");
        command.arg(root().join("guest-examples/panel/panel.py"));
        command.args(["--port", &port.to_string(), "--socket"]).arg(host.socket());
        command.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("python3 starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it says where it is");
        let url = line.rsplit(' ').next().unwrap().to_owned();
        Self { url, host, _child: child }
    }

    /// Signs somebody in.
    async fn sign_in(&self, page: &Page, who: &str) {
        page.open(&self.url).await;
        page.follow(&format!("button[value={who}]")).await;
    }
}

/// What a page says in its main part.
async fn main_of(page: &Page) -> String {
    page.text("main").await
}

#[tokio::test]
async fn extensions_are_in_the_menu_on_the_home_page_and_in_the_list_of_domains() {
    let browser = browser!();
    let panel = Panel::start().await;
    mailboxes(&panel.host, 12).await;
    for look in Look::all() {
        let page = browser.page(look).await;
        page.open(&panel.url).await;
        page.accessible().await;
        page.picture("panel-sign-in").await;
        panel.sign_in(&page, "ada").await;
        assert_eq!(page.text("h1").await, "Hello, Ada Shop");
        let shown = page.eval_in_frame("document.body.innerText").await;
        assert!(shown.as_str().unwrap().contains("Mailboxes of late"), "{shown}");
        page.fits().await;
        page.picture("panel-home").await;

        page.follow("nav a[href^='/pages/']").await;
        let shown = page.eval_in_frame("document.body.innerText").await;
        assert!(shown.as_str().unwrap().contains("box-00@shop.example"), "{shown}");
        page.picture("panel-menu").await;
        // By itself, what is in the frame can be looked at like every page: in the panel's colours.
        let framed = page.eval_in_frame("location.href").await.as_str().unwrap().to_owned();
        let menu = page.url().await;
        page.open(&framed).await;
        page.accessible().await;
        page.fits().await;
        page.open(&menu).await;

        page.follow("nav a[href='/domains']").await;
        assert_eq!(page.text("thead th:last-child").await, "Note");
        page.fits().await;
        page.reached_by_keys().await;
        page.picture("panel-domains").await;
    }
}

#[tokio::test]
async fn a_tab_is_drawn_by_the_panel_and_in_a_frame_with_the_same_note() {
    let browser = browser!();
    let panel = Panel::start().await;
    let page = desk(&browser).await;
    panel.sign_in(&page, "ada").await;
    page.open(&format!("{}/domains/shop.example", panel.url)).await;
    page.follow("nav.tabs a:last-child").await;
    page.follow("nav.ways a:last-child").await;
    // The pages before had frames.
    page.noted().clear();
    page.fill("textarea", " ").await;
    page.follow("button[value=save]").await;
    page.refused_once(422).await;
    assert_eq!(page.text(".problem").await, "Write something, or remove the note.");
    page.fill("textarea", "kept by the panel").await;
    page.follow("button[value=save]").await;
    assert_eq!(page.text(".note").await, "The note is kept.");
    page.accessible().await;
    page.picture("panel-native").await;
    page.check().await;

    page.follow("nav.ways a:first-child").await;
    let kept = page.eval_in_frame("document.querySelector('textarea').value").await;
    assert_eq!(kept, "kept by the panel");
    page.picture("panel-frame").await;
    page.open(&format!("{}/domains", panel.url)).await;
    assert_eq!(page.text("tbody tr:first-child td:last-child").await, "kept by the panel");
}

#[tokio::test]
async fn customers_see_nothing_of_each_other() {
    let browser = browser!();
    let panel = Panel::start().await;
    mailboxes(&panel.host, 3).await;
    let page = desk(&browser).await;
    panel.sign_in(&page, "ben").await;
    page.open(&format!("{}/domains", panel.url)).await;
    assert!(!main_of(&page).await.contains("shop.example"));
    page.open(&format!("{}/domains/shop.example?tab=site-notes/notes", panel.url)).await;
    page.refused_once(404).await;
    page.open(&format!("{}/pages/mailbox-insights/mailboxes", panel.url)).await;
    let shown = page.eval_in_frame("document.body.innerText").await;
    assert!(!shown.as_str().unwrap().contains("shop.example"), "{shown}");
}

#[tokio::test]
async fn a_frame_shows_nothing_after_its_person_left() {
    let browser = browser!();
    let panel = Panel::start().await;
    let page = desk(&browser).await;
    panel.sign_in(&page, "ada").await;
    page.open(&format!("{}/pages/mailbox-insights/mailboxes", panel.url)).await;
    let framed = page.eval_in_frame("location.href").await.as_str().unwrap().to_owned();
    page.open(&framed).await;
    assert!(main_of(&page).await.contains("Mailbox insights"));
    page.open(&panel.url).await;
    page.follow("header button").await;
    page.open(&framed).await;
    page.refused_once(403).await;
    let request = json!({ "person": { "id": "ada", "role": "customer" } });
    assert!(panel.host.post("/v1/gui/sessions", request).await["id"].is_string());
}
