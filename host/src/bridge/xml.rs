//! The little XML that COREmanager's handlers need: a document is searched, added to and passed on,
//! never rebuilt.

/// Whether a name can be an element's, to the letter of what panels use.
pub fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Whether the document holds an element of this name.
pub fn has_element(document: &str, name: &str) -> bool {
    document.split('<').skip(1).any(|tag| {
        let after = tag.strip_prefix(name).map(str::as_bytes);
        after.is_some_and(|after| {
            matches!(after.first(), Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'))
        })
    })
}

/// Adds content, which is XML, at the end of the root; everything else stays byte for byte. `None` if the bytes have
/// no root `doc`.
pub fn with_content(document: &[u8], content: &str) -> Option<Vec<u8>> {
    let last = document.iter().rposition(|&byte| byte == b'<')?;
    let (before, tag) = document.split_at(last);
    let content = content.as_bytes();
    let is_root = |name: &[u8]| {
        let after = tag.strip_prefix(name).and_then(|after| after.first());
        after.is_some_and(|byte| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace())
    };
    if is_root(b"</doc") {
        return Some([before, content, tag].concat());
    }
    // A root without content: `<doc lang="en"/>`.
    let start = tag.trim_ascii_end().strip_suffix(b"/>").filter(|_| is_root(b"<doc"))?;
    Some([before, start, b">", content, b"</doc>"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_by_its_whole_name() {
        assert!(has_element("<doc><error type=\"x\"/></doc>", "error"));
        assert!(has_element("<doc><error>", "error") && has_element("<error/", "error"));
        let others = [
            "<doc/>",
            "<doc><errors/></doc>",
            "<doc><error_text>x</error_text></doc>",
            "<doc>error</doc>",
            "<error",
        ];
        assert!(others.iter().all(|document| !has_element(document, "error")));
    }

    #[test]
    fn an_empty_root_takes_content() {
        let changed = with_content(b"<?xml version=\"1.0\"?>\n<doc lang=\"en\"/>\n", "<a/>");
        assert_eq!(
            changed.as_deref(),
            Some(&b"<?xml version=\"1.0\"?>\n<doc lang=\"en\"><a/></doc>"[..])
        );
    }

    #[test]
    fn a_text_without_a_root_takes_none() {
        assert!(
            ["", "text", "<doc>", "<html/>", "<doc><a/>", "<docs/>", "<doc></docs>"]
                .iter()
                .all(|text| with_content(text.as_bytes(), "<b/>").is_none())
        );
    }

    #[test]
    fn names_are_checked() {
        assert!(["site_rate", "_a", "a-b.c1"].iter().all(|name| is_name(name)));
        assert!(["", "1a", "a b", "a>", "é", "-a"].iter().all(|name| !is_name(name)));
    }
}
