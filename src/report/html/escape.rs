//! Text of others in a page: it shows up as text, whatever is in it.

use askama::filters::{Escaper, Html};
use std::borrow::Cow;
use std::fmt::{self, Write};

/// Escapes what HTML gives a meaning, and leaves out what no page may hold or what turns the letters that
/// follow. Joiners and selectors stay: emoji and some scripts need them, and `<bdi>` holds their effects.
#[derive(Debug, Clone, Copy)]
pub struct Outside;

impl Escaper for Outside {
    fn write_escaped_str<W: Write>(&self, to: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(to, &visible(text))
    }
}

/// Text of others as it stands in an element or a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = Outside.write_escaped_str(&mut escaped, text);
    escaped
}

/// Blanks for control characters but for ends of lines; nothing for what is refused or turns lines around.
fn visible(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(|c| is_control(c) || is_refused(c)) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter(|c| !is_refused(*c));
    kept.map(|c| if is_control(c) { ' ' } else { c }).collect()
}

/// Overrides of a line's direction, and code points that are no characters.
fn is_refused(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_of_others_is_text() {
        for (text, shown) in [
            (
                "<script>alert(1)</script>",
                "&#60;script&#62;alert(1)&#60;/script&#62;",
            ),
            (
                "a\" onload='x' &amp;",
                "a&#34; onload=&#39;x&#39; &#38;amp;",
            ),
            ("a\0b\u{1b}[2J\tc\nd", "a b [2J c\nd"),
            ("\u{202e}evil\u{2066}\u{fffe}\u{1ffff}", "evil"),
            ("👩‍👩‍👧 سلام\u{200c}", "👩‍👩‍👧 سلام\u{200c}"),
        ] {
            assert_eq!(escaped(text), shown, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_opens_a_tag_or_ends_an_attribute(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(escaped.split('&').skip(1).all(|entity| entity.starts_with('#')));
        }
    }
}
