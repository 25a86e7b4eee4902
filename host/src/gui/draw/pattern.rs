//! Regular expressions for browsers. The contract's are those that ECMAScript and RE2 share; in the attribute
//! `pattern`, ECMAScript reads them with its flag `v`, which wants some characters of a class escaped.

/// What needs a backslash in a class under the flag `v`.
const SYNTAX: &str = "()[]{}/-|";

/// The expression as a browser reads it. Nothing if it is one that a browser may read in another way: then the
/// extension alone checks it.
pub(super) fn for_browsers(pattern: &str) -> Option<String> {
    if ["(?", "\\A", "\\z", "\\Q", "[:", "\\x{", "\\a", "&&", "--", "~~"]
        .iter()
        .any(|other| pattern.replace("(?:", "(").contains(other))
    {
        return None;
    }
    let mut written = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    // Where the class began whose characters are read now.
    let mut class_began: Option<usize> = None;
    while let Some(c) = chars.next() {
        match (c, class_began) {
            ('\\', _) => {
                written.push(c);
                written.push(chars.next()?);
            }
            ('[', None) => {
                written.push(c);
                if chars.peek() == Some(&'^') {
                    written.extend(chars.next());
                }
                class_began = Some(written.len());
            }
            (']', Some(began)) if written.len() > began => {
                class_began = None;
                written.push(c);
            }
            ('-', Some(began)) if written.len() > began && chars.peek() != Some(&']') => {
                written.push(c);
            }
            (c, Some(_)) if SYNTAX.contains(c) => written.extend(['\\', c]),
            (c, _) => written.push(c),
        }
    }
    class_began.is_none().then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_stays() {
        for pattern in [r"^[a-z0-9]+$", r"a{1,3}|b", r"(?:x|y)\.z", r"[^\]]*", r"\d+"] {
            assert_eq!(for_browsers(pattern).as_deref(), Some(pattern));
        }
    }

    #[test]
    fn characters_of_a_class_are_escaped() {
        assert_eq!(for_browsers("[a-z-]").as_deref(), Some(r"[a-z\-]"));
        assert_eq!(for_browsers("[-a(/]").as_deref(), Some(r"[\-a\(\/]"));
        assert_eq!(for_browsers("[]a]").as_deref(), Some(r"[\]a]"));
        assert_eq!(for_browsers("[^]|]").as_deref(), Some(r"[^\]\|]"));
    }

    #[test]
    fn what_a_browser_may_read_in_another_way_is_left_out() {
        for pattern in ["(?i)a", r"\Aa\z", "[[:alpha:]]", "[a&&b]", "[a", r"a\"] {
            assert_eq!(for_browsers(pattern), None, "{pattern}");
        }
    }
}
