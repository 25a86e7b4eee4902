//! The one line by which a script refuses, for panels that read a line.

use palisade_hook::write::one_line;

use super::{Answer, Dialect, title};
use crate::hook::Decision;

/// Characters of the line. DirectAdmin shows it in a small box, and a longer one helps nobody.
const LINE: usize = 200;

/// Why the panel may not go on, in plain text on one line; `None` if it may. None of these panels can leave its
/// standard action out and report success, so that a skip becomes a refusal: going on would do what an extension took
/// over.
pub(super) fn refusal(dialect: Dialect, answers: &[Answer]) -> Option<String> {
    let decides = |decision| answers.iter().any(|answer| answer.decision == decision);
    let line = match (decides(Decision::Deny), decides(Decision::Skip)) {
        (true, _) => denial(answers),
        (false, true) => format!(
            "An extension takes this action over, but {} cannot leave it out; so it is refused.",
            title(dialect)
        ),
        (false, false) => return None,
    };
    Some(line)
}

/// What the problems say.
fn denial(answers: &[Answer]) -> String {
    let denials = answers.iter().filter(|answer| answer.decision == Decision::Deny);
    let mut messages: Vec<String> = denials
        .flat_map(|answer| &answer.problems)
        .map(|problem| plain(&problem.message))
        .collect();
    messages.retain(|message| !message.is_empty());
    messages.dedup();
    match messages.is_empty() {
        true => "An extension refuses this action.".to_owned(),
        false => one_line(&messages.join("; "), LINE),
    }
}

/// A text on one line that no page takes for markup: these panels show it as it is.
fn plain(text: &str) -> String {
    let plain = |c| match c {
        '<' => '\u{2039}',
        '>' => '\u{203a}',
        c => c,
    };
    one_line(&text.chars().map(plain).collect::<String>(), LINE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::tests::{denied, skipped};

    fn line(answers: &[Answer]) -> String {
        refusal(Dialect::Directadmin, answers).unwrap()
    }

    #[test]
    fn who_proceeds_is_not_refused() {
        assert_eq!(refusal(Dialect::Cpanel, &[]), None);
        assert_eq!(refusal(Dialect::Cpanel, &[Answer::PROCEED]), None);
    }

    #[test]
    fn all_that_is_wrong_stands_on_one_line() {
        let answers = [denied("Name is\nreserved"), denied("Name is reserved"), denied("No room")];
        assert_eq!(line(&answers), "Name is reserved; No room");
    }

    #[test]
    fn a_long_message_is_cut() {
        let line = line(&[denied(&"ä".repeat(500))]);
        assert_eq!(line.chars().count(), 200);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn nothing_in_a_message_is_markup() {
        assert_eq!(line(&[denied("<b>no</b>")]), "\u{2039}b\u{203a}no\u{2039}/b\u{203a}");
    }

    #[test]
    fn a_denial_without_words_has_some() {
        let silent = Answer { problems: Vec::new(), ..denied("") };
        assert_eq!(line(&[silent]), "An extension refuses this action.");
        assert_eq!(line(&[denied(" \n")]), "An extension refuses this action.");
    }

    #[test]
    fn a_skip_is_a_denial_that_says_so() {
        assert_eq!(
            refusal(Dialect::Cpanel, &[Answer::PROCEED, skipped()]).unwrap(),
            "An extension takes this action over, but cPanel cannot leave it out; so it is refused."
        );
        assert_eq!(line(&[skipped(), denied("No")]), "No");
    }
}
