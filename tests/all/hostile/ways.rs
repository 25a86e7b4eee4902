//! What the guest `misbehaving` can be told, and how each must end. One row for each way.

use palisade_tests::root;

use super::End::{Answer, Fault, Says};
use super::{End, harm_to_others, host_with_misbehaving, tell, wrong_end, wrong_verdict};
use crate::guests::logged;

/// A command of more than a word that is made when it is needed: what it repeats, and how often.
fn long(verb: &str, part: &str, times: usize) -> String {
    format!("{verb}:{}", part.repeat(times))
}

/// Every way, by its command.
fn ways() -> Vec<(String, End)> {
    let rows = [
        // What the sandbox limits.
        ("loop", Fault("fuel")),
        ("fill", Fault("fuel")),
        ("recurse", Fault("stack")),
        ("memory", Fault("memory")),
        ("grow-pages", Fault("memory")),
        ("grow-at-once", Fault("memory")),
        ("grow-shyly", Answer("proceed")),
        ("grow-to:99999999999", Says("failure", "is not a number here")),
        ("sleep:600000", Fault("deadline")),
        // Ways to end without an answer.
        ("panic", Says("trap", "told to panic")),
        ("panic-huge", Says("trap", "panicked")),
        ("unreachable", Says("trap", "unreachable")),
        ("out-of-bounds", Says("trap", "out of bounds memory access")),
        ("exit:0", Says("exit", "exited with status 0")),
        ("exit:1", Says("exit", "exited with status 1")),
        ("fail-unavailable", Says("failure", "unavailable: ")),
        ("fail-misconfigured", Says("failure", "misconfigured: ")),
        ("fail-other", Says("failure", "failed: ")),
        ("fail:\u{1b}[31m\rforged", Says("failure", "\\u{1b}[31m\\rforged")),
        // Floods.
        ("host-calls", Fault("host-calls")),
        ("log-flood", Fault("host-calls")),
        ("stdout-flood", Fault("fuel")),
        ("kv-read-flood", Fault("host-calls")),
        ("kv-list-flood", Fault("host-calls")),
        ("bucket-flood", Fault("handles")),
        ("secret-flood:password", Fault("host-calls")),
        ("reveal-flood:password", Fault("host-calls")),
        ("json-flood", Fault("host-calls")),
        ("names-flood", Fault("fuel")),
        ("settings-flood", Fault("host-calls")),
        ("context-flood", Fault("host-calls")),
        ("clock-flood", Fault("fuel")),
        ("log:1000", Answer("proceed")),
        ("log-bytes:900000", Answer("proceed")),
        ("log-bytes:1100000", Fault("host-call-bytes")),
        ("big-log-field", Answer("proceed")),
        ("stdout:\u{1b}[2J\u{7}\r\u{9b}31m", Answer("proceed")),
        ("stderr:\u{1b}]0;forged\u{7}", Answer("proceed")),
        // Answers.
        ("huge-answer", Fault("host-call-bytes")),
        ("changes:1001", Says("bad-answer", "1 to 1000 changes")),
        ("alter-empty", Says("bad-answer", "this one has 0")),
        ("alter-twice:name", Says("bad-answer", "changed twice")),
        ("bad-alter", Says("bad-answer", "secret")),
        ("alter-secret", Says("bad-answer", "never valid in an answer")),
        ("remove:password", Says("bad-answer", "secret")),
        ("alter:count=seven", Says("bad-answer", "a field of type integer")),
        ("alter-int:name=7", Says("bad-answer", "a field of type text")),
        ("alter-number:ratio=NaN", Says("bad-answer", "NaN is not a number")),
        ("alter-number:ratio=-inf", Says("bad-answer", "-inf is not a number")),
        ("alter-json:tree={", Says("bad-answer", "not JSON")),
        ("alter-json:tree={\"$secret\":\"x\"}", Says("bad-answer", "may not have a member")),
        ("alter-json:tree={\"$bytes\":\"AAE=\"}", Says("bad-answer", "may not have a member")),
        ("deep-json:10000", Says("bad-answer", "recursion limit")),
        ("big-json:1100000", Fault("host-call-bytes")),
        ("alter:=x", Says("bad-answer", "must be a name")),
        ("alter:a\u{1b}b=x", Says("bad-answer", "a\\u{1b}b")),
        ("deny-empty", Says("bad-answer", "1 to 100 problems")),
        ("deny-many", Says("bad-answer", "this one has 101")),
        ("deny-long:4097", Says("bad-answer", "the limit is 4096")),
        ("deny-code:a\nb", Says("bad-answer", "the code of a problem must be a name")),
        ("deny-field:a\u{7}=x", Says("bad-answer", "the field of a problem must be a name")),
        ("skip:{", Says("bad-answer", "the result is not JSON")),
        // Looking where nothing is to be seen.
        ("wasi", Answer("proceed")),
        ("mark", Answer("proceed")),
        ("look", Answer("proceed")),
    ];
    let made = [
        (long("alter", "n", 257) + "=x", Says("bad-answer", "the limit is 256")),
        (long("skip-reason", "r", 4_097), Says("bad-answer", "the limit is 4096")),
        (long("deny-code", "c", 257), Says("bad-answer", "the limit is 256")),
        (long("alter-json:tree=", "[", 10_000), Says("bad-answer", "not JSON")),
    ];
    let rows = rows.map(|(command, end)| (command.to_owned(), end));
    rows.into_iter().chain(made).collect()
}

#[tokio::test]
async fn every_way_to_misbehave_ends_as_it_must_and_harms_nobody() {
    let host = host_with_misbehaving("log = \"warn\"").await;
    let mut wrong = Vec::new();
    for (command, end) in ways() {
        let name: String = command.chars().take(40).flat_map(char::escape_default).collect();
        let mut note = |problem: Option<String>| {
            wrong.extend(problem.map(|problem| format!("{name}: {problem}")));
        };
        let verdict = tell(&host, "lenient", &command).await;
        note(wrong_end(&verdict, "lenient", end));
        note(wrong_verdict(&verdict, "proceed", &command));
        if !matches!(end, End::Answer(_)) {
            let verdict = tell(&host, "strict", &command).await;
            note(wrong_end(&verdict, "strict", end));
            note(wrong_verdict(&verdict, "deny", &command));
        }
        note(harm_to_others(&host).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_flood_of_writes_ends_at_the_number_of_calls_and_what_was_written_stays() {
    let limits = "host-calls = 50\ndeadline-ms = 30000";
    let chain = "[limits.before]\nfuel = 10000000\ndeadline-ms = 30000\nchain-deadline-ms = 60000";
    let config = format!("[extension.lenient.limits]\n{limits}\n{chain}");
    let host = host_with_misbehaving(&config).await;
    let verdict = tell(&host, "lenient", "kv-write-flood").await;
    assert_eq!(wrong_end(&verdict, "lenient", Fault("host-calls")), None);
    assert_eq!(harm_to_others(&host).await, None);
    let verdict = tell(&host, "lenient", "kv-get:again").await;
    assert_eq!(logged(&host, &verdict).await, ["info kv-get result=\"x\""]);
}

#[test]
fn there_are_forty_ways_and_the_readme_of_the_guest_lists_each() {
    let readme = root().join("guest-examples/misbehaving/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let mut verbs: Vec<String> =
        ways().iter().map(|(command, _)| command.split(':').next().unwrap().to_owned()).collect();
    verbs.dedup();
    let unlisted: Vec<&String> = verbs
        .iter()
        .filter(|verb| !["`", ":"].iter().any(|end| readme.contains(&format!("`{verb}{end}"))))
        .collect();
    assert!(
        verbs.len() >= 40 && unlisted.is_empty(),
        "{} ways, not listed: {unlisted:?}",
        verbs.len()
    );
}
