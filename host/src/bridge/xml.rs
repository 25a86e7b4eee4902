//! The little XML that COREmanager's handlers need: a document is searched, added to and passed on,
//! never rebuilt.

/// What stands before the root of every document.
const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Returns a whole document with this content, which is XML.
pub fn document(content: &str) -> String {
    match content {
        "" => format!("{PROLOG}<doc/>"),
        content => format!("{PROLOG}<doc>{content}</doc>"),
    }
}

/// Escapes a text for an element or an attribute, and drops the characters that XML 1.0 cannot
/// hold.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => escaped.push(character),
            _ => {}
        }
    }
    escaped
}

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

/// Adds content, which is XML, at the end of the root; everything else stays byte for byte. `None`
/// if the text has no root `doc`.
pub fn with_content(document: &str, content: &str) -> Option<String> {
    let last = document.rfind('<')?;
    let (before, tag) = document.split_at(last);
    if tag.starts_with("</doc") {
        return Some(format!("{before}{content}{tag}"));
    }
    // A root without content: `<doc lang="en"/>`.
    let start = tag.strip_prefix("<doc").and(tag.trim_end().strip_suffix("/>"))?;
    Some(format!("{before}{start}>{content}</doc>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("a<b>&\"c\"'d'"), "a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;");
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_dropped() {
        assert_eq!(
            escaped("a\0\u{1}\u{8}\t\n\u{b}\u{1f}\u{fffe}\u{ffff}é\u{10000}\u{10ffff}"),
            "a\t\né\u{10000}\u{10ffff}"
        );
    }

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
        let changed = with_content("<?xml version=\"1.0\"?>\n<doc lang=\"en\"/>\n", "<a/>");
        assert_eq!(
            changed.as_deref(),
            Some("<?xml version=\"1.0\"?>\n<doc lang=\"en\"><a/></doc>")
        );
    }

    #[test]
    fn a_text_without_a_root_takes_none() {
        assert!(
            ["", "text", "<doc>", "<html/>", "<doc><a/>"]
                .iter()
                .all(|text| with_content(text, "<b/>").is_none())
        );
    }

    #[test]
    fn names_are_checked() {
        assert!(["site_rate", "_a", "a-b.c1"].iter().all(|name| is_name(name)));
        assert!(["", "1a", "a b", "a>", "é", "-a"].iter().all(|name| !is_name(name)));
    }
}
