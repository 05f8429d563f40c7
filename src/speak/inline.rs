//! Markdown and HTML inside of a line -> the text that is read.
//!
//! Text is held until nothing in it is open that what follows could close: a link, a code span, a tag, a stage
//! direction. What is settled is parsed by pulldown-cmark, a few words at a time, so that the first clause does not wait
//! for the end of its paragraph. Bold and italics need no partner: their signs are dropped wherever they stand.

use super::directions::{EMPHASIS, may_begin_direction};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Stands before the parsed words, so that they are never the beginning of a block.
const SENTINEL: &str = "\u{e000} ";
/// The longest text that is held for a sign that something may close, in bytes: that of a link with its address, and
/// that of everything else.
const LINK_BYTES_MAX: usize = 2_000;
const OPEN_BYTES_MAX: usize = 300;

/// Tags that end a line.
const LINES: [&str; 22] = [
    "br",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "hr",
    "blockquote",
    "dd",
    "dt",
    "summary",
    "s-break",
];
/// Tags whose content nobody reads out.
const UNREAD: [&str; 8] = [
    "script", "style", "svg", "audio", "video", "template", "head", "title",
];

/// Takes the markup out of the text of lines as it comes.
#[derive(Debug, Default)]
pub(super) struct Inline {
    chunk: String,
    /// The tag whose content is left out.
    unread: Option<String>,
}

impl Inline {
    /// Adds a character, never a line end; what is settled by it goes to `text`.
    pub(super) fn push(&mut self, c: char, text: &mut String) {
        self.chunk.push(c);
        let is_boundary = c.is_whitespace()
            || ('\u{3000}'..='\u{3002}').contains(&c)
            || ('\u{ff01}'..='\u{ff1f}').contains(&c);
        if !is_boundary {
            return;
        }
        let settled = settled_bytes(&self.chunk);
        // Behind a sign that was open for too long stands another, perhaps: what is settled is not held for that one.
        if settled == self.chunk.len() || self.chunk.len() > OPEN_BYTES_MAX {
            self.flush(settled, text);
        }
    }

    /// Ends the line: nothing open is closed any more.
    pub(super) fn end_line(&mut self, text: &mut String) {
        self.flush(self.chunk.len(), text);
    }

    /// Hands on the first bytes of what is held.
    fn flush(&mut self, bytes: usize, text: &mut String) {
        let open = self.chunk.split_off(bytes);
        let chunk = std::mem::replace(&mut self.chunk, open);
        if !chunk.contains(is_special) {
            if self.unread.is_none() {
                text.extend(chunk.chars().filter(|c| !is_dropped(*c)));
            }
            return;
        }
        self.parse(&chunk, text);
    }

    fn parse(&mut self, chunk: &str, text: &mut String) {
        let bare = chunk.trim_end();
        let source = format!("{SENTINEL}{bare}");
        let mut read = String::new();
        let mut images = 0_usize;
        let mut struck = 0_usize;
        let mut is_first = true;
        for event in Parser::new_ext(&source, Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::Image { .. }) => images += 1,
                Event::End(TagEnd::Image) => images = images.saturating_sub(1),
                Event::Start(Tag::Strikethrough) => struck += 1,
                Event::End(TagEnd::Strikethrough) => struck = struck.saturating_sub(1),
                Event::Start(Tag::Emphasis) => read.push(EMPHASIS[0]),
                Event::End(TagEnd::Emphasis) => read.push(EMPHASIS[1]),
                Event::InlineHtml(tag) | Event::Html(tag) => self.tag(&tag, &mut read),
                Event::Text(words) | Event::Code(words) => {
                    let words = match is_first {
                        true => words
                            .strip_prefix(SENTINEL)
                            .or(words.strip_prefix('\u{e000}'))
                            .unwrap_or(&words)
                            .to_owned(),
                        false => words.to_string(),
                    };
                    is_first = false;
                    if images == 0 && struck == 0 && self.unread.is_none() {
                        read.push_str(&words);
                    }
                }
                Event::SoftBreak | Event::HardBreak => read.push(' '),
                _ => {}
            }
        }
        text.push_str(&tidied(&read));
        text.push_str(&chunk[bare.len()..]);
    }

    /// What a tag of HTML or SSML does to the text.
    fn tag(&mut self, tag: &str, read: &mut String) {
        let inner = tag.trim_matches(['<', '>']);
        let name: String = inner
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect::<String>()
            .to_lowercase();
        if let Some(unread) = &self.unread {
            if inner.starts_with('/') && *unread == name {
                self.unread = None;
            }
            return;
        }
        if UNREAD.contains(&name.as_str()) && !inner.starts_with('/') && !inner.ends_with('/') {
            self.unread = Some(name);
        } else if LINES.contains(&name.as_str()) {
            read.push('\n');
        } else if name == "break" {
            read.push(' ');
        } else if let Some(said) = alias(inner, &name) {
            // What stands inside of the tag is its written form.
            read.push_str(said);
            self.unread = Some(name);
        }
    }
}

/// What SSML's `<sub alias="…">` says.
fn alias<'a>(inner: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = inner.split_once("alias=\"").filter(|_| name == "sub")?;
    rest.split_once('"').map(|(said, _)| said)
}

fn is_special(c: char) -> bool {
    matches!(
        c,
        '*' | '_' | '`' | '[' | ']' | '<' | '>' | '&' | '\\' | '~' | '!' | '【'
    )
}

/// Pictures and what only changes their look; arrows are read.
fn is_dropped(c: char) -> bool {
    super::said::is_pictorial(c) && !('\u{2190}'..='\u{21ff}').contains(&c) || c == '\u{feff}'
}

/// How many bytes of the text come before the first sign that what follows could close.
fn settled_bytes(chunk: &str) -> usize {
    let mut at = 0;
    while let Some(c) = chunk[at..].chars().next() {
        let rest = &chunk[at..];
        let closed = match c {
            '\\' => Some(1 + rest.chars().nth(1).map_or(0, char::len_utf8)),
            '`' => code(rest),
            '<' => tag(rest),
            '[' => link(rest),
            '【' => rest
                .find('】')
                .map(|end| end + '】'.len_utf8())
                .or(bounded(rest, OPEN_BYTES_MAX)),
            '*' | '_' => emphasis(rest, chunk[..at].chars().next_back()),
            '~' if rest.starts_with("~~") => rest[2..]
                .find("~~")
                .map(|end| end + 4)
                .or(bounded(rest, OPEN_BYTES_MAX)),
            _ => Some(c.len_utf8()),
        };
        match closed {
            Some(bytes) => at += bytes,
            None => return at,
        }
    }
    at
}

/// One byte on, if what is open has become too long to be what it seemed.
fn bounded(rest: &str, most: usize) -> Option<usize> {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    (rest.len() > most).then_some(first)
}

fn code(rest: &str) -> Option<usize> {
    let ticks = rest.bytes().take_while(|b| *b == b'`').count();
    let mark = &rest[..ticks];
    let close = rest[ticks..].find(mark).map(|end| end + 2 * ticks);
    close.or(if rest.len() > OPEN_BYTES_MAX {
        Some(ticks)
    } else {
        None
    })
}

fn tag(rest: &str) -> Option<usize> {
    let second = rest[1..].chars().next();
    let is_tag = second.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c));
    if !is_tag {
        return Some(1);
    }
    let end = if rest.starts_with("<!--") { "-->" } else { ">" };
    rest.find(end)
        .map(|at| at + end.len())
        .or(bounded(rest, LINK_BYTES_MAX))
}

fn link(rest: &str) -> Option<usize> {
    let Some(end) = closing(rest, '[', ']') else {
        return bounded(rest, OPEN_BYTES_MAX);
    };
    match rest[end..].starts_with('(') {
        false => Some(end),
        true => closing(&rest[end..], '(', ')')
            .map(|target| end + target)
            .or(bounded(rest, LINK_BYTES_MAX)),
    }
}

/// The end of what a bracket opens at the beginning of a text.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(at + close.len_utf8());
            }
        }
    }
    None
}

/// A single sign that may open a direction is held to its partner; all others need none.
fn emphasis(rest: &str, before: Option<char>) -> Option<usize> {
    let sign = rest.chars().next()?;
    let run = rest.chars().take_while(|c| *c == sign).count();
    if run > 1 || before.is_some_and(char::is_alphanumeric) {
        return Some(run);
    }
    let inner = &rest[1..];
    let end = inner.find(|c: char| !c.is_alphabetic());
    let word = &inner[..end.unwrap_or(inner.len())];
    if word.is_empty() || !may_begin_direction(word, end.is_some()) {
        return Some(1);
    }
    inner
        .find(sign)
        .map(|close| close + 2)
        .or(bounded(rest, OPEN_BYTES_MAX))
}

/// Text without signs of emphasis that found no partner, marks of sources, boxes to tick and pictures.
fn tidied(read: &str) -> String {
    let mut kept = String::with_capacity(read.len());
    let mut rest = read;
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        let skipped = match c {
            '[' => source(rest, ']').or_else(|| reference(rest, &kept)),
            '【' => source(rest, '】').or(rest.find('】').map(|end| end + '】'.len_utf8())),
            '*' | '_' => stray(rest, kept.chars().next_back()),
            '<' => unknown_tag(rest),
            _ if is_dropped(c) => Some(c.len_utf8()),
            _ => None,
        };
        match skipped {
            Some(bytes) => {
                // "nine [1]." loses the blank too.
                let next = rest[bytes..].chars().next();
                if c != '*'
                    && c != '_'
                    && kept.ends_with(' ')
                    && next.is_none_or(|c| ".,;:!?".contains(c))
                    && "[【".contains(c)
                {
                    kept.pop();
                }
                rest = &rest[bytes..];
            }
            None => {
                kept.push(c);
                rest = behind;
            }
        }
    }
    kept
}

/// The length of "[1]", "[2, 3]", `[^1]`, "[x]", "[ ]" at the beginning of a text.
fn source(rest: &str, close: char) -> Option<usize> {
    let end = rest.find(close)?;
    let inner = rest.get(rest.chars().next()?.len_utf8()..end)?;
    let is_numbers = inner
        .chars()
        .all(|c| c.is_ascii_digit() || " ,^–-".contains(c));
    (is_numbers || matches!(inner, "x" | "X")).then_some(end + close.len_utf8())
}

/// The length of the label behind the text of a link: "[our menu][menu]".
fn reference(rest: &str, before: &str) -> Option<usize> {
    before
        .ends_with(']')
        .then(|| rest.find(']'))?
        .map(|end| end + 1)
}

/// The length of a tag with a name that HTML does not allow, such as `<my_tag>`.
fn unknown_tag(rest: &str) -> Option<usize> {
    let end = rest.find('>')?;
    let name = rest.get(1..end)?;
    let name = name.strip_prefix('/').unwrap_or(name);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c));
    is_name.then_some(end + 1)
}

/// The length of a run of signs that stand at the edge of a word.
fn stray(rest: &str, before: Option<char>) -> Option<usize> {
    let sign = rest.chars().next()?;
    let run = rest.chars().take_while(|c| *c == sign).count();
    let next = rest[run..].chars().next();
    let is_word = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
    let is_inside =
        before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
    match (sign, run) {
        (_, 2..) => Some(run),
        ('*', _) => (is_word(before) || is_word(next)).then_some(1),
        _ => ((is_word(before) || is_word(next)) && !is_inside).then_some(1),
    }
}

/// The text of a whole piece of Markdown within a line.
pub(super) fn plain(written: &str) -> String {
    let mut inline = Inline::default();
    let mut text = String::new();
    written.chars().for_each(|c| inline.push(c, &mut text));
    inline.end_line(&mut text);
    text
}

/// The text of a block of HTML, without tags and comments.
#[cfg(feature = "retrieval")]
pub(crate) fn without_tags(html: &str) -> String {
    let mut rest = html;
    let mut shown = String::with_capacity(html.len());
    while let Some((before, after)) = rest.split_once("<!--") {
        shown.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, behind)| behind);
    }
    shown.push_str(rest);
    let mut inline = Inline::default();
    let mut text = String::new();
    for c in shown.chars() {
        inline.push(if c == '\n' { ' ' } else { c }, &mut text);
    }
    inline.end_line(&mut text);
    text.retain(|c| !EMPHASIS.contains(&c));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, read: &str) {
        let text = plain(written).replace(EMPHASIS, "");
        assert_eq!(text, read, "{written}");
    }

    #[test]
    fn signs_go_and_words_stay() {
        check(
            "The **large** cake costs *twenty* pounds, `twelve` slices.",
            "The large cake costs twenty pounds, twelve slices.",
        );
        check(
            "**We open at nine. Come by.** Yes",
            "We open at nine. Come by. Yes",
        );
        check(
            "See [our menu](https://www.example.com/menu?id=12&x=y) now.",
            "See our menu now.",
        );
        check("An ![picture of it](a.png) image", "An  image");
        check(
            "We are <b>open</b> &amp; happy&nbsp;now.",
            "We are open & happy\u{a0}now.",
        );
        check("Nine[1][2] or ten [^3].", "Nine or ten .");
        check("~~£30~~ £25", " £25");
        check(
            "5 * 3 and 2 < 3 and snake_case [sic]",
            "5 * 3 and 2 < 3 and snake_case [sic]",
        );
        check(
            "<sub alias=\"World Wide Web\">WWW</sub> now",
            "World Wide Web now",
        );
        check("a <script>x y</script> b", "a   b");
        check(
            "1. not a list, # not a heading",
            "1. not a list, # not a heading",
        );
    }

    #[test]
    fn words_come_as_soon_as_nothing_is_open() {
        let mut inline = Inline::default();
        let mut text = String::new();
        "**We open at "
            .chars()
            .for_each(|c| inline.push(c, &mut text));
        assert_eq!(text, "We open at ");
        "[our shop](http://a "
            .chars()
            .for_each(|c| inline.push(c, &mut text));
        assert_eq!(text, "We open at ");
    }

    #[test]
    fn signs_that_nothing_closes_hold_little_text() {
        for open in ["[a ", "<think ", "*sighs ", "`a [b ~~c "] {
            let (mut inline, mut text) = (Inline::default(), String::new());
            let written = open.repeat(2_000);
            written.chars().for_each(|c| inline.push(c, &mut text));
            assert!(inline.chunk.len() <= 2 * LINK_BYTES_MAX, "{open}");
        }
    }
}
