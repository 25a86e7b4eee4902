//! The usual ways to write bytes as text. Pure.

/// The bytes in a form of this name; what is not known is written as it is.
pub fn written(form: &str, bytes: &[u8]) -> String {
    match form {
        "quoted" => format!("{:?}", String::from_utf8_lossy(bytes)),
        "base64" => base64(bytes, b'+', b'/'),
        "base64url" => base64(bytes, b'-', b'_'),
        "basic" => base64(&[b"user:", bytes].concat(), b'+', b'/'),
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "hex-upper" => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        "form" => percent(bytes).replace("%20", "+"),
        "percent" => percent(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn percent(bytes: &[u8]) -> String {
    let each = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(each).collect()
}

fn base64(bytes: &[u8], plus: u8, slash: u8) -> String {
    let digit = |six: u32| {
        char::from(match six as u8 {
            six @ 0..26 => b'A' + six,
            six @ 26..52 => b'a' + six - 26,
            six @ 52..62 => b'0' + six - 52,
            62 => plus,
            _ => slash,
        })
    };
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            text.push(if at <= group.len() { digit(word >> (18 - 6 * at) & 63) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        assert_eq!(written("base64", b"a"), "YQ==");
        assert_eq!(written("base64", b"abcd"), "YWJjZA==");
        assert_eq!(written("base64", &[0xfb, 0xff]), "+/8=");
        assert_eq!(written("base64url", &[0xfb, 0xff]), "-_8=");
    }

    #[test]
    fn hex_has_two_digits_for_a_byte() {
        assert_eq!(written("hex", &[0, 0xab]), "00ab");
    }

    #[test]
    fn a_space_is_a_plus_in_a_form_alone() {
        assert_eq!(written("form", b"a b&"), "a+b%26");
        assert_eq!(written("percent", b"a b&"), "a%20b%26");
    }
}
