//! A page of a browser: where it goes, what a person does on it, and what is on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::wire::Wire;
use super::{Look, Noted, Scheme, Scripts, pictures, quoted};
use crate::wait_until;

/// What runs before every document: violations of the policy, moving of what is shown already, and what a text calls
/// that was taken for a script.
const WATCH: &str = "
    addEventListener('securitypolicyviolation', event =>
        palisadeNote(`${event.effectiveDirective} ${event.blockedURI}`));
    window.pwned = number => palisadeNote(`payload ${number} ran`);
    window.palisadeShift = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            if (!entry.hadRecentInput) window.palisadeShift += entry.value;
        }
    }).observe({ type: 'layout-shift', buffered: true });
";

/// A page.
pub struct Page {
    pub(super) wire: Arc<Wire>,
    pub(super) session: String,
    look: Look,
    noted: Arc<Mutex<Noted>>,
}

impl Page {
    pub(super) async fn set_up(wire: Arc<Wire>, session: String, look: Look) -> Self {
        let noted = Arc::new(Mutex::new(Noted::default()));
        let mut events = wire.listen(&session);
        let (its, at, closer) = (noted.clone(), session.clone(), wire.clone());
        // Ends with the browser.
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                note(&its).note(&event);
                if event["method"] == "Page.javascriptDialogOpening" {
                    // Otherwise the page would wait for it for ever.
                    let accept = json!({ "accept": true });
                    let _ = closer.call_in(&at, "Page.handleJavaScriptDialog", accept).await;
                }
            }
        });
        let page = Self { wire, session, look, noted };
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.call("Runtime.addBinding", json!({ "name": "palisadeNote" })).await;
        page.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        page.look(look).await;
        page
    }

    async fn look(&self, look: Look) {
        let metrics = json!({
            "width": look.width, "height": 1000, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = match look.scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let off = json!({ "value": look.scripts == Scripts::Off });
        self.call("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// Carries out a command of the protocol.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.wire.call_in(&self.session, method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What the page did so far.
    pub fn noted(&self) -> MutexGuard<'_, Noted> {
        note(&self.noted)
    }

    /// Goes to an address, and waits until the document is there.
    pub async fn open(&self, url: &str) {
        let before = self.noted().loads;
        let went = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(went.get("errorText").is_none(), "{url}: {}", went["errorText"]);
        self.loaded(before, url).await;
    }

    /// Waits for a document after so many.
    async fn loaded(&self, before: u64, what: &str) {
        wait_until(what, async || self.noted().loads > before).await;
    }

    /// The value of an expression of JavaScript, once it is there if it is a promise.
    pub async fn eval(&self, expression: &str) -> Value {
        let evaluate =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", evaluate).await;
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The value of an expression within a frame of the page: the first one inside.
    pub async fn eval_in_frame(&self, expression: &str) -> Value {
        let tree = self.call("Page.getFrameTree", json!({})).await;
        let frame = &tree["frameTree"]["childFrames"][0]["frame"]["id"];
        let world = self.call("Page.createIsolatedWorld", json!({ "frameId": frame })).await;
        let evaluate = json!({
            "expression": expression,
            "contextId": world["executionContextId"],
            "returnByValue": true,
            "awaitPromise": true,
        });
        let result = self.call("Runtime.evaluate", evaluate).await;
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The address that the page is at.
    pub async fn url(&self) -> String {
        self.eval("location.href").await.as_str().unwrap_or_default().to_owned()
    }

    /// What a person reads in the first element of a selector.
    pub async fn text(&self, selector: &str) -> String {
        let read = format!("document.querySelector({})?.innerText", quoted(selector));
        let text = self.eval(&read).await;
        let text = text.as_str().unwrap_or_else(|| panic!("there is no `{selector}`"));
        text.trim().to_owned()
    }

    /// How many elements there are of a selector.
    pub async fn count(&self, selector: &str) -> u64 {
        let count = format!("document.querySelectorAll({}).length", quoted(selector));
        self.eval(&count).await.as_u64().unwrap_or_default()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let condition = format!("!!({expression})");
        wait_until(expression, async || self.eval(&condition).await == true).await;
    }

    /// Clicks on the middle of the first element of a selector, once nothing else is there.
    pub async fn click(&self, selector: &str) {
        let place = format!(
            "(() => {{
                const element = document.querySelector({});
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                const place = [box.x + box.width / 2, box.y + box.height / 2];
                const hit = document.elementFromPoint(...place);
                return element.contains(hit) || hit?.closest('label')?.contains(element) ? place : null;
            }})()",
            quoted(selector)
        );
        let mut found = Value::Null;
        wait_until(selector, async || {
            found = self.eval(&place).await;
            !found.is_null()
        })
        .await;
        let place = found;
        for kind in ["mousePressed", "mouseReleased"] {
            let mouse = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", mouse).await;
        }
    }

    /// Clicks, and waits until another document is there.
    pub async fn follow(&self, selector: &str) {
        let before = self.noted().loads;
        self.click(selector).await;
        self.loaded(before, selector).await;
    }

    /// Empties a field and types a text into it.
    pub async fn fill(&self, selector: &str, text: &str) {
        let focus = format!(
            "(() => {{
                const field = document.querySelector({});
                field.focus();
                field.select();
            }})()",
            quoted(selector)
        );
        self.eval(&focus).await;
        self.press("Delete").await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses a key, such as `Tab`.
    pub async fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "Delete" => (46, ""),
            "ArrowDown" => (40, ""),
            other => panic!("the key `{other}` is not known here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
            });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Takes a picture of the whole page, as `target/screenshots/NAME.png`.
    pub async fn picture(&self, name: &str) {
        let name = format!("{name}-{}.png", self.look.name());
        let shot = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.call("Page.captureScreenshot", shot).await;
        let bytes = BASE64.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        std::fs::create_dir_all(pictures()).expect("a directory for pictures");
        std::fs::write(pictures().join(name), bytes).expect("a picture can be written");
    }
}

fn note(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}
