//! What panels read, written so that nothing in a message can be anything but a message.

/// What stands before the root of every document of COREmanager.
pub const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A whole document of COREmanager with this content, which is XML.
pub fn xml_document(content: &str) -> String {
    match content {
        "" => format!("{PROLOG}<doc/>"),
        content => format!("{PROLOG}<doc>{content}</doc>"),
    }
}

/// The document by which COREmanager refuses, with the field or thing that is at fault.
pub fn xml_error(object: &str, message: &str) -> String {
    let (object, message) = (xml_escaped(object), xml_escaped(message));
    xml_document(&format!(
        r#"<error type="palisade" object="{object}" lang="en"><msg>{message}</msg></error>"#
    ))
}

/// Escapes a text for an element or an attribute, and drops the characters that XML 1.0 cannot hold.
pub fn xml_escaped(text: &str) -> String {
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

/// The text on one line of at most so many characters: white space is one space, and control characters are dropped.
pub fn one_line(text: &str, most: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some(_) => {
            let kept = line.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", line.get(..kept).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(xml_escaped("a<b>&\"c\"'d'"), "a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;");
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_dropped() {
        assert_eq!(
            xml_escaped("a\0\u{1}\u{8}\t\n\u{b}\u{1f}\u{fffe}\u{ffff}é\u{10000}\u{10ffff}"),
            "a\t\né\u{10000}\u{10ffff}"
        );
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line(" a\r\nb\0\u{1b}[31m  c\u{2028}d ", 100), "a b [31m c d");
        assert_eq!(one_line("äöü", 3), "äöü");
        assert_eq!(one_line("äöüß", 3), "äö…");
        assert_eq!(one_line("", 3), "");
    }
}
