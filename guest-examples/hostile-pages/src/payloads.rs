//! Texts that would be markup or script, if a page were not escaped.
//!
//! Where one of them is not shown as text, it calls `pwned` with its number, makes an element, or asks another host for
//! something.

/// All of them. The first is a plain text to compare with.
pub const ALL: [&str; 41] = [
    "plain",
    "<script>pwned(1)</script>",
    "\"><script>pwned(2)</script>",
    "'><img src=x onerror=pwned(3)>",
    "\"><svg onload=pwned(4)>",
    "</title><script>pwned(5)</script>",
    "</textarea><script>pwned(6)</script>",
    "</style><script>pwned(7)</script>",
    "</script><script>pwned(8)</script>",
    "<!--><script>pwned(9)</script>-->",
    "\" onfocus=pwned(10) autofocus x=\"",
    "' onmouseover=pwned(11) x='",
    "javascript:pwned(12)",
    "java&#09;script:pwned(13)",
    "data:text/html,<script>parent.pwned(14)</script>",
    "[x](javascript:pwned(15))",
    "![x](javascript:pwned(16))",
    "<javascript:pwned(17)>",
    "[x](JaVaScRiPt&colon;pwned(18))",
    "<iframe srcdoc=\"<script>parent.pwned(19)</script>\"></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=pwned(20)></math>",
    "{{constructor.constructor('pwned(21)')()}}",
    "${pwned(22)} #{pwned(22)} <%= pwned(22) %>",
    "&lt;script&gt;pwned(23)&lt;/script&gt;",
    "%3Cscript%3Epwned(24)%3C/script%3E",
    "\\u003cscript\\u003epwned(25)\\u003c/script\\u003e",
    "<a href=\"javascript:pwned(26)\">x</a>",
    "<form action=\"javascript:pwned(27)\"><button>x</button></form>",
    "<base href=\"https://evil.example/\">",
    "<meta http-equiv=\"refresh\" content=\"0;url=javascript:pwned(29)\">",
    "<link rel=\"stylesheet\" href=\"https://evil.example/x.css\">",
    "<object data=\"javascript:pwned(31)\"></object>",
    "<details open ontoggle=pwned(32)>x</details>",
    "<video><source onerror=pwned(33)></video>",
    "]]><![CDATA[<script>pwned(34)</script>",
    "x\" style=\"background:url(https://evil.example/x)",
    "\u{202e}<script>pwned(36)</script>",
    "\u{ff1c}script\u{ff1e}pwned(37)\u{ff1c}/script\u{ff1e}",
    "![x](https://evil.example/x.png)",
    "<template><script>pwned(39)</script></template>",
    "</option></select></datalist><script>pwned(40)</script>",
];

/// The one of this number; the first if there is none.
pub fn of(number: &str) -> &'static str {
    number.parse().ok().and_then(|number: usize| ALL.get(number)).unwrap_or(&ALL[0])
}
