//! What a page did, from the events of its session.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a page did since it was opened, or since [`clear`](Self::clear).
#[derive(Debug, Default)]
pub struct Noted {
    /// Errors of the browser, and errors and warnings of scripts.
    pub errors: Vec<String>,
    /// What the page's policy forbade.
    pub violations: Vec<String>,
    /// Dialogs that scripts opened.
    pub dialogs: Vec<String>,
    /// Hosts with their ports that were asked for something.
    pub hosts: BTreeSet<String>,
    /// Answers that were no success, as status and address.
    pub refused: Vec<String>,
    /// Bytes of all answers, as they were sent.
    pub bytes: u64,
    /// How often a whole document was loaded.
    pub loads: u64,
    /// How often a frame inside was loaded.
    pub frames: u64,
}

impl Noted {
    /// Forgets what was noted, but not how often documents were loaded: somebody may wait for the next.
    pub fn clear(&mut self) {
        let (loads, frames) = (self.loads, self.frames);
        *self = Self { loads, frames, ..Self::default() };
    }

    /// Notes an event.
    pub(super) fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event["method"].as_str().unwrap_or_default() {
            "Log.entryAdded" => {
                let entry = &params["entry"];
                let (source, said) = (text(&entry["source"]), text(&entry["text"]));
                match source.as_str() {
                    "security" => self.violations.push(said),
                    // Answers that are no success are noted with their status.
                    "network" => {}
                    // A warning is that a date is none, say: what stands there is for the extension to answer for.
                    _ if entry["level"] == "error" => {
                        self.errors.push(format!("{source}: {said}"));
                    }
                    _ => {}
                }
            }
            "Runtime.exceptionThrown" => {
                let details = &params["exceptionDetails"];
                let said = text(&details["exception"]["description"]);
                self.errors.push(format!("{}: {said}", text(&details["text"])));
            }
            "Runtime.consoleAPICalled"
                if matches!(params["type"].as_str(), Some("error" | "warning" | "assert")) =>
            {
                self.errors.push(format!("console: {}", params["args"]));
            }
            "Runtime.bindingCalled" => self.violations.push(text(&params["payload"])),
            "Page.javascriptDialogOpening" => self.dialogs.push(text(&params["message"])),
            "Network.requestWillBeSent" => {
                let url = text(&params["request"]["url"]);
                if let Some((_, rest)) = url.split_once("://") {
                    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                    self.hosts.insert(host.to_owned());
                }
            }
            "Network.responseReceived" => {
                let response = &params["response"];
                let status = response["status"].as_u64().unwrap_or_default();
                if status >= 400 {
                    self.refused.push(format!("{status} {}", text(&response["url"])));
                }
            }
            "Network.loadingFinished" => {
                // A number that need not be whole, as all of JavaScript's.
                self.bytes += params["encodedDataLength"].as_f64().unwrap_or_default() as u64;
            }
            "Page.loadEventFired" => self.loads += 1,
            "Page.frameStoppedLoading" => self.frames += 1,
            _ => {}
        }
    }
}
