//! The secrets that a guest was given in a call, taken out of everything that others can see of it: its log, its
//! faults, its answer and what it used.
//!
//! They are looked for as they are and in every usual encoding. A guest that changes the value in another way before
//! it writes it down gets past that: whom a secret is revealed to has it. This must never show a secret itself.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::hook::{
    Change, Event, Fault, LogRecord, Outcome, Params, Phase, Use, Value, is_secret, redacted,
};
use crate::order::{Offer, Step};

/// What the host puts where it cuts a text.
const CUTS: [&str; 2] = [" [cut]", "\u{2026}"];
/// What stands where a secret stood.
const TAKEN_OUT: &str = "[secret]";
/// Bytes of a secret below which its encodings are not looked for: they would be found in everything.
const LEAST_ENCODED: usize = 4;
/// The same for base64 that begins within a group, of which fewer digits are sure, and for the part of a secret
/// before the place where the host cut a text.
const LEAST_IN_PART: usize = 6;
/// Bytes of a secret above which only its usual forms are looked for.
const MOST_IN_ALL_FORMS: usize = 1 << 10;
/// Forms that are looked for in one call, and bytes of all of them: looking for them must stay cheap, and what is
/// secret is up to whoever wrote the manifest.
pub(super) const MAX_FORMS: usize = 4_000;
const MAX_FORM_BYTES: usize = 128 << 10;
/// Texts of a call in which the beginning of a secret is looked for before a cut. Of the others nothing is left.
const MAX_CUT_TEXTS: u32 = 64;

/// Whether an output goes on where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It was longer.
    Yes,
    /// This is all of it.
    No,
}

/// The secrets that left the host's hands in a call, in every form in which they are taken out of texts.
#[derive(Default)]
pub(crate) struct Known {
    secrets: BTreeSet<Vec<u8>>,
    forms: Vec<Vec<u8>>,
    /// Finds all forms in one pass; made when it is first asked after a change.
    finder: OnceLock<Option<AhoCorasick>>,
    cut_texts: AtomicU32,
}

/// More secrets than are taken out of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Known {
    /// Remembers secrets, to be taken out of what is written from now on. Those that it knows cost nothing more.
    pub(crate) fn add<'a>(
        &mut self,
        secrets: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), TooMany> {
        let known = self.forms.len();
        for secret in secrets {
            if secret.is_empty() || !self.secrets.insert(secret.to_vec()) {
                continue;
            }
            self.forms.extend(forms_of(secret));
        }
        if self.forms.len() == known {
            return Ok(());
        }
        self.forms.retain(|form| !form.is_empty());
        self.forms.sort();
        self.forms.dedup();
        self.finder = OnceLock::new();
        match self.forms.len() <= MAX_FORMS
            && self.forms.iter().map(Vec::len).sum::<usize>() <= MAX_FORM_BYTES
        {
            true => Ok(()),
            false => Err(TooMany),
        }
    }

    /// Whether there is nothing to take out.
    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// What finds the forms: the longest of those that begin at a place, or the rest of it would be left standing.
    fn finder(&self) -> Option<&AhoCorasick> {
        let build = || {
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostLongest);
            builder.kind(Some(AhoCorasickKind::ContiguousNFA)).build(&self.forms).ok()
        };
        self.finder.get_or_init(build).as_ref()
    }

    /// The bytes without the secrets, in one pass; `None` if there are none in them.
    fn without(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        // Without a finder everything may be a secret.
        let Some(finder) = self.finder() else { return Some(TAKEN_OUT.into()) };
        let mut found = finder.find_iter(bytes).peekable();
        found.peek()?;
        let mut kept = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for place in found {
            kept.extend_from_slice(bytes.get(from..place.start()).unwrap_or_default());
            kept.extend_from_slice(TAKEN_OUT.as_bytes());
            from = place.end();
        }
        kept.extend_from_slice(bytes.get(from..).unwrap_or_default());
        Some(kept)
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        !self.is_empty() && self.finder().is_none_or(|finder| finder.is_match(text))
    }

    /// Takes the secrets out of a text.
    pub(super) fn take_out(&self, text: &mut String) {
        if self.is_empty() {
            return;
        }
        if let Some(kept) = self.without(text.as_bytes()) {
            *text = String::from_utf8_lossy(&kept).into_owned();
        }
        self.take_out_at_cut(text);
    }

    /// Takes out the beginning of a secret at the places where the host cut a text.
    fn take_out_at_cut(&self, text: &mut String) {
        for mark in CUTS {
            let Some(cut) = text.rfind(mark) else { continue };
            if self.cut_texts.fetch_add(1, Ordering::Relaxed) >= MAX_CUT_TEXTS {
                text.replace_range(..cut, TAKEN_OUT);
                continue;
            }
            let kept = text.as_bytes().get(..cut).unwrap_or_default();
            let longest = self.begun_at_end(kept, LEAST_IN_PART);
            // The part of a character that a form ends in is no part of the text.
            let from = text.floor_char_boundary(cut - longest);
            if longest > 0 {
                text.replace_range(from..cut, TAKEN_OUT);
            }
        }
    }

    /// Bytes at the end that are the beginning of a form, at least so many; 0 if there are none.
    fn begun_at_end(&self, bytes: &[u8], least: usize) -> usize {
        let begun = |form: &Vec<u8>| {
            let lengths = (least..form.len().min(bytes.len() + 1)).rev();
            lengths
                .filter_map(|length| form.get(..length))
                .find(|part| bytes.ends_with(part))
                .map(<[u8]>::len)
        };
        self.forms.iter().filter_map(begun).max().unwrap_or(0)
    }

    /// Takes the secrets out of what comes back from outside, and what is the beginning of one from its end if the
    /// rest was cut off.
    pub(crate) fn take_out_of_output(&self, output: &mut Vec<u8>, cut: Cut) {
        if self.is_empty() {
            return;
        }
        if let Some(kept) = self.without(output) {
            *output = kept;
        }
        if cut == Cut::Yes {
            output.truncate(output.len() - self.begun_at_end(output, 1));
        }
    }

    /// Takes the secrets out of what a guest wrote to its log.
    pub(crate) fn take_out_of_log(&self, log: &mut [LogRecord]) {
        log.iter_mut().for_each(|record| self.take_out(&mut record.message));
    }

    /// Takes the secrets out of what is told of a fault.
    pub(crate) fn take_out_of_fault(&self, fault: &mut Fault) {
        match fault {
            Fault::Trap { message, backtrace } => {
                self.take_out(message);
                backtrace.iter_mut().for_each(|frame| self.take_out(frame));
            }
            Fault::Failure { message, .. } => self.take_out(message),
            Fault::BadAnswer { reason } => self.take_out(reason),
            _ => {}
        }
    }

    /// Takes the secrets out of the names of what a guest used.
    pub(crate) fn take_out_of_uses(&self, uses: &mut [Use]) {
        uses.iter_mut().for_each(|entry| self.take_out(&mut entry.what));
    }

    /// Takes the secrets out of what people read of an answer, and refuses an answer that would put one into a field
    /// that is not secret.
    pub(crate) fn take_out_of_answer(
        &self,
        event: &Event,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        match outcome {
            Outcome::Proceed => {}
            Outcome::Alter(changes) => {
                changes.iter().try_for_each(|change| self.check_change(event, change))?;
            }
            Outcome::Skip { reason, result } => {
                self.take_out(reason);
                if let Some(result) = result {
                    self.take_out_of_json(result);
                }
            }
            Outcome::Deny(problems) => {
                for problem in problems {
                    self.take_out(&mut problem.message);
                    self.take_out(&mut problem.code);
                    if let Some(field) = &mut problem.field {
                        self.take_out(field);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the secrets out of what a provider has on offer. An identifier is handed back as it is, so it may not hold
    /// one.
    pub(crate) fn take_out_of_offers(&self, offers: &mut [Offer]) -> Result<(), String> {
        for offer in offers {
            if self.is_in(&offer.id) {
                return Err("it put a secret into the identifier of an offer".into());
            }
            self.take_out(&mut offer.title);
        }
        Ok(())
    }

    /// Takes the secrets out of what people read of an operation, and refuses a finished one that would show one. The
    /// token is the provider's own, and sealed.
    pub(crate) fn take_out_of_step(&self, step: &mut Step) -> Result<(), String> {
        match step {
            Step::Refused(reason) => self.take_out(reason),
            Step::Pending(pending) => {
                pending.status.iter_mut().for_each(|text| self.take_out(text))
            }
            Step::Done(completed) => {
                for (name, value) in &completed.0 {
                    let is_shown = !matches!(value, Value::Secret(_));
                    if self.is_in(name) || is_shown && self.is_in_json(&value.to_json()) {
                        return Err("it put a secret into a field that is shown".into());
                    }
                }
            }
        }
        Ok(())
    }

    fn check_change(&self, event: &Event, change: &Change) -> Result<(), String> {
        let Change { name, value } = change;
        if self.is_in(name) {
            return Err("it put a secret into the name of a field".into());
        }
        let Some(value) = value else { return Ok(()) };
        let shown = match event.call.phase() {
            Phase::Before if is_secret_in(event, name) => return Ok(()),
            Phase::Before => value.to_json(),
            // Of a result nothing is withheld but what its name says is secret.
            Phase::After => redacted(&serde_json::json!({ name: value.to_json() })),
        };
        match self.is_in_json(&shown) {
            true => Err(format!("it put a secret into `{name}`, which is not secret")),
            false => Ok(()),
        }
    }

    fn is_in_json(&self, json: &serde_json::Value) -> bool {
        match json {
            serde_json::Value::String(text) => self.is_in(text),
            serde_json::Value::Array(items) => items.iter().any(|item| self.is_in_json(item)),
            serde_json::Value::Object(members) => {
                members.iter().any(|(name, member)| self.is_in(name) || self.is_in_json(member))
            }
            serde_json::Value::Number(number) => self.is_in(&number.to_string()),
            serde_json::Value::Bool(_) | serde_json::Value::Null => false,
        }
    }

    fn take_out_of_json(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => self.take_out(text),
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|item| self.take_out_of_json(item));
            }
            serde_json::Value::Object(members) => {
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(mut name, mut member)| {
                        self.take_out(&mut name);
                        self.take_out_of_json(&mut member);
                        (name, member)
                    })
                    .collect();
            }
            serde_json::Value::Number(number) if self.is_in(&number.to_string()) => {
                *json = TAKEN_OUT.into();
            }
            _ => {}
        }
    }
}

/// Whether a parameter is secret: by its name, or because the panel sent it as a secret.
fn is_secret_in(event: &Event, name: &str) -> bool {
    let sent = |params: &Params| matches!(params.get(name), Some(Value::Secret(_)));
    is_secret(&event.call.action, name) || sent(&event.params) || sent(&event.call.params)
}

/// Everything that a secret is looked for as.
fn forms_of(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(secret).ok();
    let mut forms = vec![secret.to_vec()];
    if secret.len() > MOST_IN_ALL_FORMS {
        let json = text.map(|text| serde_json::Value::from(text).to_string());
        forms.extend(json.map(|json| json.trim_matches('"').as_bytes().to_vec()));
        forms.push(STANDARD_NO_PAD.encode(secret).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(secret).into_bytes());
        return forms;
    }
    let texts = text.map(forms_of_text).unwrap_or_default();
    forms.extend(texts.into_iter().map(String::into_bytes));
    if secret.len() >= LEAST_ENCODED {
        forms.extend(forms_of_bytes(secret).into_iter().map(String::into_bytes));
    }
    forms
}

/// A text as it is, and as it is escaped where texts are printed.
fn forms_of_text(text: &str) -> Vec<String> {
    let json = serde_json::Value::from(text).to_string();
    let quoted = format!("{text:?}");
    let inner =
        |text: &str| text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let without_controls = |text: &str| -> String {
        let each = |c: char| match c.is_control() {
            true => c.escape_default().collect(),
            false => c.to_string(),
        };
        text.chars().map(each).collect()
    };
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let lower = |text: &str| {
        let mut parts = text.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |mut lower, part| {
            let digits = part.get(..2).unwrap_or_default();
            lower.push('%');
            lower.push_str(&digits.to_ascii_lowercase());
            lower.push_str(part.get(2..).unwrap_or_default());
            lower
        })
    };
    vec![
        text.to_owned(),
        without_controls(text),
        inner(&json),
        inner(&quoted),
        text.escape_default().to_string(),
        lower(&form),
        lower(&percent),
        form,
        percent,
    ]
}

/// Bytes in hexadecimal digits and in base64.
fn forms_of_bytes(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms =
        vec![hex.to_uppercase(), hex, STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    if bytes.len() >= LEAST_IN_PART {
        for before in 0..3 {
            forms.push(within(&STANDARD_NO_PAD, before, bytes));
            forms.push(within(&URL_SAFE_NO_PAD, before, bytes));
        }
    }
    forms
}

/// The digits of base64 that are the same whatever stands around the bytes, when this many bytes of a group come
/// before them: as in `user:secret`.
fn within(engine: &impl base64::Engine, before: usize, bytes: &[u8]) -> String {
    let padded = [vec![0; before], bytes.to_vec()].concat();
    let digits = engine.encode(&padded);
    let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    digits.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::{Ended, HookCall, LogLevel, Problem, Rehearsal, Status};

    fn known() -> Known {
        let mut known = Known::default();
        known.add([b"canary \"1\"".as_slice()]).unwrap();
        known
    }

    fn event() -> Event {
        let params = Params::from_iter([("pin".to_owned(), Value::Text("1".into()).sealed())]);
        let call = HookCall {
            id: "a1".into(),
            action: "customer.create".into(),
            actor: None,
            object: None,
            params: params.into(),
            old: Params::new(),
            attributes: indexmap::IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: 0,
            ended: None,
        };
        Event { params: call.params.clone(), call: call.into(), result: None }
    }

    fn taken_out(known: &Known, text: &str) -> String {
        let mut text = text.to_owned();
        known.take_out(&mut text);
        text
    }

    fn alter(name: &str, value: &str) -> Result<(), String> {
        let value = Some(Value::Text(value.into()));
        let mut outcome = Outcome::Alter(vec![Change { name: name.into(), value }]);
        known().take_out_of_answer(&event(), &mut outcome)
    }

    #[test]
    fn a_secret_is_taken_out_of_a_text_in_every_usual_form() {
        for form in [
            "canary \"1\"",
            "canary \\\"1\\\"",
            "canary+%221%22",
            "canary%20%221%22",
            "63616e617279202231220a",
            "63616E61727920223122",
            "Y2FuYXJ5ICIxIg==",
        ] {
            let mut log =
                vec![LogRecord { level: LogLevel::Info, message: format!("it is {form}!") }];
            known().take_out_of_log(&mut log);
            assert!(log[0].message.starts_with("it is [secret]"), "{}", log[0].message);
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_begins() {
        for before in ["u:", "us:", "use:", "user:"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}canary \"1\"\n"));
            assert!(taken_out(&known(), &text).contains(TAKEN_OUT), "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_where_control_characters_and_letters_are_escaped() {
        let mut known = Known::default();
        known.add(["p\u{e4}ss\u{1b}/?".as_bytes()]).unwrap();
        for form in ["p\u{e4}ss\\u{1b}/?", "p\\u{e4}ss\\u{1b}/?", "p%c3%a4ss%1b%2f%3f"] {
            assert_eq!(taken_out(&known, form), TAKEN_OUT, "{form}");
        }
    }

    #[test]
    fn the_part_of_a_secret_before_a_cut_is_taken_out() {
        assert_eq!(taken_out(&known(), "it is canary \" [cut]"), "it is [secret] [cut]");
        assert_eq!(taken_out(&known(), "it is canary\u{2026}"), "it is [secret]\u{2026}");
        assert_eq!(taken_out(&known(), "it is cana [cut]"), "it is cana [cut]");
    }

    #[test]
    fn a_secret_is_taken_out_of_a_denial_and_of_a_result() {
        let problem = Problem {
            code: "x".into(),
            field: None,
            message: "the password canary \"1\" is weak".into(),
        };
        let mut deny = Outcome::Deny(vec![problem]);
        known().take_out_of_answer(&event(), &mut deny).unwrap();
        assert!(
            matches!(&deny, Outcome::Deny(problems) if problems[0].message == "the password [secret] is weak")
        );
        let result = serde_json::json!({ "list": ["canary \"1\""], "canary \"1\"": 1 });
        let mut skip = Outcome::Skip { reason: String::new(), result: Some(result) };
        known().take_out_of_answer(&event(), &mut skip).unwrap();
        let Outcome::Skip { result: Some(result), .. } = skip else { panic!("{skip:?}") };
        assert_eq!(result, serde_json::json!({ "list": [TAKEN_OUT], TAKEN_OUT: 1 }));
    }

    #[test]
    fn a_secret_is_taken_out_of_the_name_of_what_was_used() {
        let what = "canary \"1\"".to_owned();
        let mut uses = [Use { capability: "use".into(), what, times: 0, refused: 1 }];
        known().take_out_of_uses(&mut uses);
        assert_eq!(uses[0].what, TAKEN_OUT);
    }

    #[test]
    fn a_secret_stays_in_secret_fields() {
        assert_eq!(alter("password", "canary \"1\""), Ok(()));
        assert_eq!(alter("pin", "canary \"1\""), Ok(()));
        assert_eq!(
            alter("name", "canary \"1\""),
            Err("it put a secret into `name`, which is not secret".into())
        );
    }

    #[test]
    fn a_secret_is_put_into_a_result_only_under_a_name_that_says_so() {
        let mut event = event();
        let mut call = (*event.call).clone();
        call.ended = Some(Ended { status: Status::Succeeded, result: None });
        event.call = call.into();
        let alter = |name: &str| {
            let value = Some(Value::Text("canary \"1\"".into()));
            let mut outcome = Outcome::Alter(vec![Change { name: name.into(), value }]);
            known().take_out_of_answer(&event, &mut outcome)
        };
        assert_eq!(alter("password"), Ok(()));
        assert_eq!(alter("pin"), Err("it put a secret into `pin`, which is not secret".into()));
    }

    #[test]
    fn a_secret_is_not_the_name_of_a_field() {
        assert_eq!(
            alter("canary \"1\"", "x"),
            Err("it put a secret into the name of a field".into())
        );
    }

    fn output(text: &str, cut: Cut) -> String {
        let mut output = text.as_bytes().to_vec();
        known().take_out_of_output(&mut output, cut);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn a_secret_is_taken_out_of_an_output_wherever_it_stands() {
        assert_eq!(
            output("canary \"1\", Y2FuYXJ5ICIxIg, canary \"1\"", Cut::No),
            "[secret], [secret], [secret]"
        );
    }

    #[test]
    fn the_beginning_of_a_secret_is_taken_from_the_end_of_what_was_cut() {
        assert_eq!(output("it is canary \"", Cut::Yes), "it is ");
        assert_eq!(output("it is canary \"", Cut::No), "it is canary \"");
    }

    #[test]
    fn an_output_of_nothing_but_a_secret_is_no_harder_than_another() {
        let mut known = Known::default();
        known.add([b"aaaa".as_slice()]).unwrap();
        let mut output = vec![b'a'; 4 << 20];
        known.take_out_of_output(&mut output, Cut::No);
        assert_eq!(output.len(), (1 << 20) * TAKEN_OUT.len());
    }

    #[test]
    fn a_secret_that_is_read_again_is_not_looked_for_twice() {
        let mut known = known();
        let forms = known.forms.len();
        known.add([b"canary \"1\"".as_slice(), b""]).unwrap();
        assert_eq!(known.forms.len(), forms);
    }

    #[test]
    fn a_short_secret_is_taken_out_as_it_is() {
        let mut known = Known::default();
        known.add([b"7".as_slice()]).unwrap();
        assert_eq!(taken_out(&known, "it is 7, not 37"), "it is [secret], not 3[secret]");
    }
}
