//! Text of others in Markdown.

use crate::files::is_invisible;
use std::fmt::Write;

/// Text that is shown as it is, whatever it holds: no table, link, mention, tag or line of its own. What cannot
/// be seen is spelled out.
pub(super) fn literal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(safe, "&#92;u&#123;{:x}&#125;", u32::from(c));
            }
            // An address is only made a link with these in it.
            '.' if safe.to_ascii_lowercase().ends_with("www") => safe.push_str("&#46;"),
            ',' | '-' | '.' | '%' | ';' => safe.push(c),
            // Colons make links only before slashes, which are spelled out.
            ':' | '(' | ')' | '+' | '\'' => safe.push(c),
            c if c.is_ascii_punctuation() => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn nothing_in_a_name_is_markup() {
        let hostile =
            "a|b\n# <script>`x`</script> [c](http://d) @e #1 **f** _g_ ~h~ \\ &amp; \u{202e}";
        let safe = literal(hostile);
        for mark in [
            '|', '\n', '<', '>', '`', '[', '/', '@', '*', '_', '~', '\\', '\u{202e}',
        ] {
            assert!(!safe.contains(mark), "{mark:?} in {safe}");
        }
        assert!(safe.contains("u&#123;202e&#125;"), "{safe}");
        assert_eq!(literal("WWW.evil.example"), "WWW&#46;evil.example");
        assert_eq!(literal("+41.0 ms (95 %)"), "+41.0 ms (95 %)");
    }
}
