//! What an error says of a text that is wrong: its beginning, and the known name nearest to it.

/// The beginning of a text, on one line and without control characters.
pub fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

/// The candidate most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A hint for serde's ``unknown field `x`, expected one of `a`, `b` ``, whose text names the candidates.
pub fn for_unknown_field(message: &str) -> Option<String> {
    let rest =
        message.split_once("unknown field ").or_else(|| message.split_once("unknown variant "))?.1;
    let mut names = rest.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    let near = nearest(wrong, names)?;
    Some(format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let message = "unknown field `prioritty`, expected one of `hook`, `priority`, `powers`";
        assert_eq!(for_unknown_field(message).as_deref(), Some("did you mean `priority`?"));
    }

    #[test]
    fn nothing_is_suggested_for_a_name_unlike_all() {
        assert_eq!(
            for_unknown_field("unknown field `zzz`, expected one of `hook`, `powers`"),
            None
        );
        assert_eq!(for_unknown_field("missing field `hook`"), None);
    }
}
