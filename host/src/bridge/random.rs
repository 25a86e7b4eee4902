//! Random calls, thrown at every dialect: each is read or refused, and whatever is answered is valid for its panel.
//!
//! The seed is fixed, so that a run of the tests is the same everywhere. `cargo xtask fuzz dialects` runs it for as
//! long as it is told with one seed after another, which it gives in `PALISADE_FUZZ_SEED` and `PALISADE_FUZZ_SECONDS`.

use std::time::{Duration, Instant};

use palisade_hook::{OnFailure, fallback};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::*;
use crate::hook::catalogue::catalogue;
use crate::hook::{Pattern, looks_secret};

/// The seed of a run that is given none, and the calls of such a run.
const SEED: u64 = 1;
const CALLS: usize = 6_000;
/// Calls between two looks at the clock.
const ROUND: usize = 1_000;
/// What may be seen nowhere.
const CANARY: &str = "canary-7c1e";
/// Texts that somebody could trip over.
const TEXTS: [&str; 30] = [
    "",
    "0",
    "1",
    "on",
    "50",
    "-9223372036854775809",
    "1e309",
    "007",
    "info@example.com",
    "@",
    "example.com",
    "bücher.example",
    "xn--\u{0}",
    "..",
    "例え.テスト",
    "a=1&b=%20&c=%ff%",
    "a b\r\nc\0",
    "</doc><!--",
    "]]>&\"'<",
    "{\"a\":[",
    "u1, u2,,u3",
    "null",
    "\u{feff}\u{202e}\u{1f71a}",
    "0 BAILOUT x",
    "$bytes",
    "-----BEGIN CERTIFICATE-----",
    "../../etc/passwd",
    "%s%n",
    "*.example.com",
    "a,b;c|d",
];
/// Documents to begin with.
const DOCUMENTS: [&str; 8] = [
    "",
    r#"<?xml version="1.0" encoding="UTF-8"?><doc lang="en"><name>x</name></doc>"#,
    "<doc/>",
    r#"{"context":{"category":"Whostmgr","event":"Accounts::Create","stage":"pre","blocking":"1"},"data":{"user":"u","args":{}}}"#,
    r#"{"context":{"category":"Cpanel","event":"Api2::SubDomain::addsubdomain","stage":"post"},"data":{"output":[{"result":0}]}}"#,
    r#"{"phase":"before","action":"mailbox.create","actor":"joe","params":{"quota":"5"},"old":{}}"#,
    r#"{"phase":"after","action":"x","status":"failed","result":{"a":[1]},"object":{"kind":"a","id":1}}"#,
    "[[[[[[[[[[",
];

/// Makes calls and answers.
struct Maker {
    /// The dialect of all calls; any if there is none here.
    dialect: Option<Dialect>,
    random: StdRng,
}

impl Maker {
    fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit.max(1))
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn text(&mut self) -> String {
        match self.below(8) {
            0 => {
                let length = self.below(40);
                (0..length).map(|_| self.random.random::<char>()).collect()
            }
            1 => self.one_of(&TEXTS).repeat(self.below(300)),
            _ => self.one_of(&TEXTS).to_owned(),
        }
    }

    fn bytes(&mut self) -> Raw {
        match self.below(12) {
            0 => {
                let length = self.below(60);
                Raw((0..length).map(|_| self.random.random()).collect())
            }
            1 if self.once_in(40) => Raw(vec![b'a'; 1 << 20]),
            _ => self.text().into(),
        }
    }

    /// A name of the panel's for an action, or something else.
    fn native(&mut self, panel: &str) -> String {
        let natives: Vec<&String> = catalogue()
            .actions()
            .filter_map(|action| action.panels.get(panel))
            .flat_map(|native| native.names.iter().chain(&native.unverified))
            .collect();
        match natives.is_empty() || self.once_in(6) {
            true => self.text(),
            false => self.one_of(&natives).clone(),
        }
    }

    /// A key under which the panel delivers a field, or something else.
    fn key(&mut self, panel: &str) -> String {
        let fields = catalogue().actions().flat_map(|action| &action.fields);
        let keys: Vec<&String> =
            fields.filter_map(|field| field.native.get(panel)).flatten().collect();
        match keys.is_empty() || self.once_in(5) {
            true => {
                self.one_of(&["sok", "elid", "x", "PASS", "A_B", "é", "result", "error"]).into()
            }
            false => self.one_of(&keys).clone(),
        }
    }

    /// A value for this key. The canary stands where a secret is meant to.
    fn value(&mut self, panel: &str, key: &str) -> Raw {
        match catalogue().is_secret_key(panel, key) || looks_secret(key) {
            true => CANARY.into(),
            false => self.bytes(),
        }
    }

    fn call(&mut self) -> PanelCall {
        let dialect = self.dialect.unwrap_or_else(|| self.one_of(&Dialect::ALL));
        let panel = fields::panel(dialect);
        let arguments = self.arguments(dialect);
        let mut env = IndexMap::new();
        for _ in 0..self.below(12) {
            let prefix = match dialect {
                Dialect::Plesk => self.one_of(&["OLD_", "NEW_"]),
                Dialect::Coremanager | Dialect::Billmanager => "PARAM_",
                Dialect::Virtualmin => self.one_of(&[
                    "VIRTUALSERVER_",
                    "VIRTUALSERVER_NEWSERVER_",
                    "VIRTUALSERVER_OLDSERVER_",
                    "RESELLER_",
                    "ALIAS_",
                    "PARENT_VIRTUALSERVER_",
                ]),
                _ => "",
            };
            let key = self.key(panel);
            let value = self.value(panel, &key);
            env.insert(format!("{prefix}{key}"), value);
        }
        let names: &[&str] = match dialect {
            Dialect::Coremanager | Dialect::Billmanager => &["PARAM_func"],
            Dialect::Virtualmin => &["VIRTUALSERVER_ACTION", "ALIAS_ACTION", "RESELLER_ACTION"],
            _ => &[],
        };
        for name in names {
            if !self.once_in(4) {
                env.insert((*name).to_owned(), self.native(dialect.name()).into());
            }
        }
        PanelCall { dialect, arguments, env, stdin: self.stdin(dialect) }
    }

    fn arguments(&mut self, dialect: Dialect) -> Vec<Raw> {
        let native = self.native(dialect.name());
        let mut arguments: Vec<Raw> = match dialect {
            Dialect::Coremanager | Dialect::Billmanager => {
                vec![self.one_of(&["before", "after"]).into(), self.one_of(&["cgi", "xml"]).into()]
            }
            Dialect::Cpanel => match self.below(4) {
                0 => vec![self.one_of(&["--describe", "check", "rollback"]).into()],
                _ => Vec::new(),
            },
            Dialect::Directadmin => {
                let phase = self.one_of(&["_pre", "_post", "_fail_post", ""]);
                vec![format!("{native}{phase}").into()]
            }
            Dialect::Virtualmin => match self.below(3) {
                0 => vec![
                    self.one_of(&["pre", "post"]).into(),
                    self.one_of(&["alias", "reseller"]).into(),
                ],
                _ => vec![self.one_of(&["pre", "post"]).into()],
            },
            Dialect::Generic => Vec::new(),
            Dialect::Whmcs | Dialect::Ispconfig => vec![native.into()],
            _ => vec![native.into(), self.bytes(), self.bytes(), self.bytes(), self.bytes()],
        };
        match self.below(12) {
            0 => arguments.push(self.bytes()),
            1 => drop(arguments.pop()),
            _ => {}
        }
        arguments
    }

    fn stdin(&mut self, dialect: Dialect) -> Raw {
        let well_formed = match dialect {
            Dialect::Cpanel => self.cpanel().to_string(),
            Dialect::Generic => self.generic().to_string(),
            Dialect::Whmcs | Dialect::Ispconfig => self.php(dialect.name()).to_string(),
            _ => self.one_of(&DOCUMENTS).to_owned(),
        };
        match self.below(4) {
            // A damaged name of a secret is none any more.
            0 => self.damaged(well_formed.replace(CANARY, "x").into_bytes()),
            1 => {
                let document = self.one_of(&DOCUMENTS);
                self.damaged(document.into())
            }
            _ => well_formed.into(),
        }
    }

    /// The document with bytes changed, taken out or doubled.
    fn damaged(&mut self, mut bytes: Vec<u8>) -> Raw {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            match self.below(4) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] = self.random.random(),
                2 => {
                    let piece = bytes[at / 2..at].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    let text = self.text();
                    bytes.splice(at..at, text.into_bytes());
                }
            }
        }
        Raw(bytes)
    }

    fn cpanel(&mut self) -> serde_json::Value {
        let native = self.native("cpanel");
        let (category, event) = native.split_once("::").unwrap_or(("Cpanel", &native));
        let data = self.object("cpanel");
        let data = match self.below(4) {
            0 => json!({ "user": self.text(), "args": data, "output": self.json(3) }),
            1 => self.json(2),
            _ => data,
        };
        let stage = self.one_of(&["pre", "post", "pre", "post", "x"]);
        let blocking = self.one_of(&[json!("1"), json!(1), json!(0), json!(null), json!([])]);
        json!({
            "context": { "category": category, "event": event, "stage": stage },
            "data": data,
            "hook": { "blocking": blocking }
        })
    }

    fn generic(&mut self) -> serde_json::Value {
        let mut call =
            json!({ "phase": self.one_of(&["before", "after"]), "action": self.native("plesk") });
        for member in ["params", "old", "result", "actor", "object", "attributes", "status"] {
            if self.once_in(3) {
                call[member] = match member {
                    "params" | "old" => self.object("generic"),
                    "actor" => json!({ "id": self.text(), "role": "reseller" }),
                    "status" => json!(self.one_of(&["succeeded", "failed", "denied", "x"])),
                    "object" => json!({ "kind": "mailbox", "id": self.below(9) }),
                    "attributes" => json!({ "a": self.text() }),
                    _ => self.json(3),
                };
            }
        }
        call
    }

    /// The document of a PHP file.
    fn php(&mut self, panel: &str) -> serde_json::Value {
        let mut vars = self.object(panel);
        if self.once_in(2) {
            vars = json!({ "params": vars, "olddata": self.object(panel), "x": self.json(3) });
        }
        if self.once_in(3) {
            vars["password"] = json!({ "$secret": CANARY });
            vars["notes"] = json!({ "$bytes": self.one_of(&["", "/w==", "?"]) });
        }
        let mut call = json!({ "phase": self.one_of(&["before", "after"]), "vars": vars });
        for member in ["old", "actor", "address", "object", "cut"] {
            if self.once_in(3) {
                call[member] = match member {
                    "old" => self.object(panel),
                    "actor" => json!({ "role": self.text(), "id": self.text() }),
                    "cut" => json!([self.text()]),
                    _ => json!(self.text()),
                };
            }
        }
        call
    }

    fn object(&mut self, panel: &str) -> serde_json::Value {
        let mut members = serde_json::Map::new();
        for _ in 0..self.below(8) {
            let key = self.key(panel);
            let value = match catalogue().is_secret_key(panel, &key) || looks_secret(&key) {
                true => json!(CANARY),
                false => self.json(2),
            };
            members.insert(key, value);
        }
        members.into()
    }

    /// Any JSON of this depth, with secrets under names that say so.
    fn json(&mut self, depth: usize) -> serde_json::Value {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => json!(null),
            1 => json!(self.random.random::<i64>()),
            2 => json!(self.random.random::<f64>() * 1e6),
            3 => json!(self.once_in(2)),
            4 => json!(self.text()),
            5 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            6 => json!({ "password": CANARY, "x": self.json(depth - 1) }),
            _ => json!({ self.text().replace('$', ""): self.json(depth - 1) }),
        }
    }

    fn answer(&mut self) -> Answer {
        let problems = (0..self.below(3)).map(|_| Problem {
            code: self.text(),
            field: self.once_in(2).then(|| self.key("coremanager")),
            message: self.text(),
        });
        let problems = problems.collect();
        let changes = (0..self.below(4)).map(|_| Change {
            name: if self.once_in(2) { self.text() } else { "site_rate".to_owned() },
            value: (!self.once_in(4)).then(|| self.json(2).into()),
        });
        let changes = changes.collect();
        Answer {
            decision: self.one_of(&[Decision::Proceed, Decision::Skip, Decision::Deny]),
            problems,
            changes,
            result: self.once_in(2).then(|| json!({ "a": self.text() })),
        }
    }
}

/// Checks that the panel can read this.
fn check(call: &PanelCall, printed: &Printed) {
    let Printed { stdout, status, .. } = printed;
    let is_line = |line: &str| {
        line.strip_suffix('\n').is_some_and(|line| {
            !line.chars().any(|c| c.is_control() || matches!(c, '<' | '>'))
                && !line.is_empty()
                && line.chars().count() <= 200 + "0 BAILOUT ".len()
        })
    };
    let text = stdout.text();
    let valid = match call.dialect {
        Dialect::Plesk | Dialect::Hestia => text.is_empty() && *status == 0,
        Dialect::Coremanager | Dialect::Billmanager => {
            let is_xml = |raw: &Raw| {
                std::str::from_utf8(&raw.0)
                    .is_ok_and(|text| roxmltree::Document::parse(text).is_ok())
            };
            // What was no document comes back as it is, or with something added to it.
            let as_it_came = *stdout == call.stdin
                || call.argument(1).is_some_and(|kind| kind == "xml") && !is_xml(&call.stdin);
            *status == 0 && (is_xml(stdout) || as_it_came)
        }
        Dialect::Cpanel if call.argument(0).is_some_and(|first| first == "--describe") => true,
        Dialect::Cpanel => {
            *status == 0 && (text == "1 ok\n" || text.starts_with("0 BAILOUT ") && is_line(&text))
        }
        Dialect::Directadmin | Dialect::Virtualmin => match *status {
            0 => text.is_empty(),
            1 => is_line(&text),
            _ => false,
        },
        Dialect::Bitrix => true,
        Dialect::Whmcs | Dialect::Ispconfig => {
            let document = serde_json::from_slice::<serde_json::Value>(&stdout.0);
            *status == 0 && document.is_ok() && text.matches('\n').count() == 1
        }
        Dialect::Generic => {
            let document: serde_json::Value = serde_json::from_slice(&stdout.0).unwrap();
            let verdict = document["verdict"].as_str();
            *status == 0
                && matches!(verdict, Some("proceed" | "skip" | "deny"))
                && text.matches('\n').count() == 1
        }
    };
    assert!(valid, "{}: {status} {text:?}", call.dialect);
}

/// Throws one call, with some answers, and returns whether it could be read.
fn throw(maker: &mut Maker) -> bool {
    let call = maker.call();
    let asked = read(&call);
    let shown = match &asked {
        Ok(asked) => format!("{asked:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains(CANARY), "{}: {shown}", call.dialect);
    let number = hooks_of(&asked).len().max(maker.below(3));
    let answers: Vec<Answer> = (0..number).map(|_| maker.answer()).collect();
    let on_failure = maker.one_of(&[OnFailure::Proceed, OnFailure::Deny]);
    for printed in [
        answer(&call, &answers),
        answer(&call, &[]),
        fallback(&call, on_failure, "The host is\naway <1>"),
    ] {
        check_without_markup(&call, &printed);
        assert!(!printed.note.contains(CANARY), "{}: {}", call.dialect, printed.note);
    }
    if powers(&call).contains(&Power::Deny) && !hooks_of(&asked).is_empty() {
        let [proceed, deny] = [Decision::Proceed, Decision::Deny]
            .map(|decision| answer(&call, &[Answer { decision, ..Answer::PROCEED }]));
        assert_ne!(proceed, deny, "{} does not heed a denial: {shown}", call.dialect);
    }
    let patterns = [Phase::Before, Phase::After]
        .map(|phase| HookPattern { phase, pattern: Pattern::Under(String::new()) });
    if maker.once_in(100) {
        let listed = registration(&call, &patterns, &patterns);
        assert!(listed.stdout.text().matches('\n').count() <= 1);
    }
    asked.is_ok()
}

/// The hook calls that a call asks for.
fn hooks_of(asked: &Result<Asked, BridgeError>) -> &[Translated] {
    match asked {
        Ok(Asked::Hooks(hooks)) => hooks,
        Ok(_) | Err(_) => &[],
    }
}

/// Checks an answer. That of a bridge without a host has words of the operator's program, which need no care.
fn check_without_markup(call: &PanelCall, printed: &Printed) {
    match printed.stdout.text().contains("The host is away <1>") {
        true => assert!(printed.stdout.text().ends_with('\n')),
        false => check(call, printed),
    }
}

fn number(variable: &str) -> Option<u64> {
    let number = std::env::var(variable).ok()?;
    Some(number.parse().unwrap_or_else(|_| panic!("`{variable}` is no number: `{number}`")))
}

#[test]
fn every_random_call_is_read_or_refused_and_its_answer_is_valid() {
    let seed = number("PALISADE_FUZZ_SEED").unwrap_or(SEED);
    let Some(seconds) = number("PALISADE_FUZZ_SECONDS") else {
        let mut maker = Maker { dialect: None, random: StdRng::seed_from_u64(seed) };
        let readable = (0..CALLS).filter(|_| throw(&mut maker)).count();
        assert!(readable > CALLS / 4 && readable < CALLS, "{readable} of {CALLS}");
        return;
    };
    // Each dialect for the whole time, on a core of its own.
    let time = Duration::from_secs(seconds);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for dialects in Dialect::ALL.chunks(cores) {
        std::thread::scope(|scope| {
            for &dialect in dialects {
                scope.spawn(move || {
                    let begun = Instant::now();
                    let random = StdRng::seed_from_u64(seed);
                    let mut maker = Maker { dialect: Some(dialect), random };
                    let (mut thrown, mut readable) = (0, 0);
                    while begun.elapsed() < time {
                        readable += (0..ROUND).filter(|_| throw(&mut maker)).count();
                        thrown += ROUND;
                    }
                    println!("{dialect}: {thrown} calls with the seed {seed}, {readable} readable");
                });
            }
        });
    }
}
