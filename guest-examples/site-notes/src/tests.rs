//! Tests of notes, without a host.

use super::*;

#[test]
fn note_is_read_as_it_was_kept() {
    assert_eq!(parse("red\nfirst\nsecond").text, "first\nsecond");
    assert_eq!(parse("red\nfirst").colour, "red");
}

#[test]
fn empty_note_is_refused_at_its_field() {
    let note = Note { colour: "red".into(), text: " \n".into() };

    assert_eq!(check(&note).unwrap_err().field.as_deref(), Some("text"));
}

#[test]
fn colour_that_is_none_is_refused_at_its_field() {
    let note = Note { colour: "mauve".into(), text: "x".into() };

    assert_eq!(check(&note).unwrap_err().field.as_deref(), Some("colour"));
}

#[test]
fn cell_has_the_beginning_of_the_first_line() {
    assert_eq!(first_line("one\ntwo"), "one");
    assert_eq!(first_line(&"ü".repeat(80)), format!("{}…", "ü".repeat(60)));
}
