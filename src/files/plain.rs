//! Text of others, made fit for a terminal: names of files, transcripts, reasons out of a record.

/// `text` with nothing in it that can move the cursor, or hide or turn what follows: blanks for control
/// characters but for ends of lines, and no invisible ones.
pub(crate) fn plain(text: &str) -> String {
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let blank = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    visible.map(blank).collect()
}

/// Characters that show nothing and change how others are shown.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_clear_the_screen_or_turn_the_line() {
        assert_eq!(plain("a\x1b[2J\u{202e}b\r\nc\tü日"), "a [2Jb \nc ü日");
    }
}
