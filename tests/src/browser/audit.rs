//! What is checked of every page: that it works, that everybody can use it, and that it fits into the window.

use serde_json::Value;

use super::{Page, axe, skipped};

/// What the tab key must reach. Of a group of radio buttons it reaches one, which the arrow keys lead on from.
const INTERACTIVE: &str = "
    (() => {
        const all = [...document.querySelectorAll(
            'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')];
        const groups = new Set();
        return all.filter(element => {
            if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) return false;
            if (element.closest('[inert]')) return false;
            if (element.tabIndex < 0) return false;
            if (element.type !== 'radio') return true;
            const seen = groups.has(element.name);
            groups.add(element.name);
            return !seen;
        });
    })()";

/// A short name for an element.
const NAME: &str = "
    (element => {
        const name = element.name || element.id || element.getAttribute('aria-label') ||
            element.innerText?.trim().slice(0, 30) || '';
        return `${element.tagName.toLowerCase()} ${name}`.trim();
    })";

/// How much of what is shown may move by itself, as browsers count it: what they call good.
const MAX_SHIFT: f64 = 0.1;

impl Page {
    /// Fails if the page did anything that no page should do, and forgets what it did.
    pub async fn check(&self) {
        // What the page is about to say is said before this is answered.
        let shift = self.eval("window.palisadeShift ?? 0").await.as_f64().unwrap_or_default();
        let url = self.url().await;
        let own: Vec<String> = vec![self.host().await];
        let mut noted = self.noted();
        let mut wrong = Vec::new();
        wrong.extend(noted.errors.iter().map(|error| format!("error: {error}")));
        wrong.extend(noted.violations.iter().map(|said| format!("violation: {said}")));
        wrong.extend(noted.dialogs.iter().map(|said| format!("dialog: {said}")));
        wrong.extend(noted.refused.iter().map(|said| format!("refused: {said}")));
        let others = noted.hosts.iter().filter(|host| !own.contains(host));
        wrong.extend(others.map(|host| format!("request to {host}")));
        if shift > MAX_SHIFT {
            wrong.push(format!("the page moves by {shift}"));
        }
        noted.clear();
        assert!(wrong.is_empty(), "{url}:\n{}", wrong.join("\n"));
    }

    /// Fails unless one request was answered with this status and no other was refused; a test that provokes it says so.
    pub async fn refused_once(&self, status: u16) {
        let url = self.url().await;
        let mut noted = self.noted();
        let refused = std::mem::take(&mut noted.refused);
        let expected = format!("{status} ");
        let right = refused.len() == 1 && refused.iter().all(|said| said.starts_with(&expected));
        assert!(right, "{url}: {refused:?}, and not one {status}");
    }

    async fn host(&self) -> String {
        self.eval("location.host").await.as_str().unwrap_or_default().to_owned()
    }

    /// Fails if the page is wider than the window.
    pub async fn fits(&self) {
        let wide = self
            .eval(
                "(() => {
                    const room = document.documentElement.clientWidth;
                    if (document.documentElement.scrollWidth <= room) return '';
                    const wide = [...document.body.querySelectorAll('*')].find(element =>
                        element.getBoundingClientRect().right > room + 1);
                    return wide ? wide.outerHTML.slice(0, 200) : 'the document';
                })()",
            )
            .await;
        assert_eq!(wide, "", "{} is wider than its window", self.url().await);
    }

    /// Has axe-core look at the page, and fails for what is serious.
    pub async fn accessible(&self) {
        let Ok(source) = std::fs::read_to_string(axe()) else {
            return skipped("axe-core is missing: `cargo xtask test` gets it");
        };
        if self.eval("typeof window.axe").await == "undefined" {
            self.eval(&format!("{source};0")).await;
        }
        let found = self.eval(
            "axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations
                .filter(its => ['serious', 'critical'].includes(its.impact))
                .flatMap(its => its.nodes.map(node =>
                    `${its.id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)))",
        );
        let found = lines(&found.await);
        assert!(found.is_empty(), "{}:\n{}", self.url().await, found.join("\n"));
    }

    /// Goes through the page with the tab key, and fails if it does not reach something that can be used, or if
    /// nothing shows where it is.
    pub async fn reached_by_keys(&self) {
        let prepare = format!(
            "(() => {{
                document.activeElement?.blur();
                getSelection().removeAllRanges();
                window.palisadeWanted = new Set({INTERACTIVE});
                window.palisadeUnseen = [];
                return window.palisadeWanted.size;
            }})()"
        );
        let number = self.eval(&prepare).await.as_u64().unwrap_or_default();
        let arrived = format!(
            "(() => {{
                const at = document.activeElement;
                if (!at || at === document.body) return;
                if (palisadeWanted.delete(at)) {{
                    const style = getComputedStyle(at);
                    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
                        || style.boxShadow !== 'none';
                    if (!seen) palisadeUnseen.push({NAME}(at));
                }}
                if (at.type === 'radio') {{
                    for (const other of palisadeWanted) if (other.name === at.name) palisadeWanted.delete(other);
                }}
            }})()"
        );
        // A moment that is entered has a stop for each of its parts, so there are more stops than elements.
        for _ in 0..number * 8 + 8 {
            self.press("Tab").await;
            self.eval(&arrived).await;
            if self.eval("palisadeWanted.size").await == 0 {
                break;
            }
        }
        let missed = lines(&self.eval(&format!("[...palisadeWanted].map({NAME})")).await);
        let unseen = lines(&self.eval("palisadeUnseen").await);
        let url = self.url().await;
        assert!(missed.is_empty(), "{url}: the tab key does not reach: {}", missed.join(", "));
        assert!(unseen.is_empty(), "{url}: nothing shows the focus of: {}", unseen.join(", "));
    }

    /// The elements of the page with the names of their attributes, and without what is in them.
    pub async fn skeleton(&self) -> Vec<String> {
        let skeleton = self.eval(
            "[...document.querySelectorAll('*')].map(element =>
                [element.localName, ...element.getAttributeNames().sort()].join(' '))",
        );
        lines(&skeleton.await)
    }
}

fn lines(value: &Value) -> Vec<String> {
    let lines = value.as_array().into_iter().flatten();
    lines.map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
}
