//! Stage directions and the names of speakers, which models write and nobody says: "(smiles warmly)", "*clears throat*",
//! "[laughs]", "Assistant:".

/// What stands around emphasis where Markdown was taken off, so that "*sighs*" can be told from "sighs".
pub(super) const EMPHASIS: [char; 2] = ['\u{e001}', '\u{e002}'];

/// First words of directions, in small letters.
const WORDS: [&str; 74] = [
    "smiles",
    "smiling",
    "smile",
    "laughs",
    "laughing",
    "laugh",
    "laughter",
    "sighs",
    "sighing",
    "sigh",
    "clears",
    "clearing",
    "nods",
    "nodding",
    "chuckles",
    "chuckling",
    "chuckle",
    "giggles",
    "giggling",
    "giggle",
    "pauses",
    "pausing",
    "pause",
    "grins",
    "grinning",
    "winks",
    "winking",
    "coughs",
    "coughing",
    "cough",
    "whispers",
    "whispering",
    "whisper",
    "gasps",
    "gasp",
    "shrugs",
    "shrugging",
    "leans",
    "beams",
    "beaming",
    "blushes",
    "hums",
    "humming",
    "sniffs",
    "sniffles",
    "yawns",
    "bows",
    "waves",
    "softly",
    "warmly",
    "cheerfully",
    "excitedly",
    "gently",
    "quietly",
    "enthusiastically",
    "sadly",
    "happily",
    "thoughtfully",
    "nervously",
    "sarcastically",
    "playfully",
    "sincerely",
    "laughingly",
    "breathes",
    "inhales",
    "exhales",
    "applause",
    "claps",
    "snorts",
    "groans",
    "sobs",
    "cries",
    "mutters",
    "thinking",
];
/// First words that are directions between asterisks or square brackets, and may be text between round ones.
const WORDS_OF_TEXT: [&str; 10] = [
    "takes", "looks", "music", "sound", "silence", "beat", "typing", "types", "checks", "in",
];
/// Who is named before what the agent says.
const AGENTS: [&str; 10] = [
    "assistant",
    "ai",
    "agent",
    "bot",
    "ai assistant",
    "voice assistant",
    "model",
    "answer",
    "response",
    "final answer",
];
/// Who is named before what a model makes up for the caller.
const CALLERS: [&str; 4] = ["user", "human", "caller", "customer"];
/// The longest name of a speaker, and the longest direction, in bytes.
const NAME_BYTES_MAX: usize = 16;
const DIRECTION_BYTES_MAX: usize = 80;

/// Whether a word begins a direction between asterisks; `word` may be its beginning only.
pub(super) fn may_begin_direction(word: &str, is_whole: bool) -> bool {
    may_be_one_of(&WORDS, word, is_whole) || may_be_one_of(&WORDS_OF_TEXT, word, is_whole)
}

fn may_be_one_of(known: &[&str], word: &str, is_whole: bool) -> bool {
    let word = word.to_lowercase();
    known.iter().any(|known| match is_whole {
        true => *known == word,
        false => known.starts_with(&word),
    })
}

/// Takes directions and names of speakers out of text as it comes.
#[derive(Debug)]
pub(super) struct Directions {
    leaves_out: bool,
    /// The beginning of a line, which may be a name.
    name: String,
    is_at_name: bool,
    /// A direction so far, with its opening bracket.
    held: String,
    has_spoken: bool,
    /// A model goes on as the caller: nothing of that is spoken.
    is_over: bool,
    /// The blank behind a direction is dropped with it.
    drops_blank: bool,
}

impl Directions {
    /// `leaves_out` says whether directions and names are left out; marks of emphasis always are.
    pub(super) fn new(leaves_out: bool) -> Directions {
        Directions {
            leaves_out,
            name: String::new(),
            is_at_name: leaves_out,
            held: String::new(),
            has_spoken: false,
            is_over: false,
            drops_blank: false,
        }
    }

    pub(super) fn push(&mut self, text: &str, plain: &mut String) {
        for c in text.chars() {
            if self.is_over {
                return;
            }
            if self.is_at_name {
                self.name.push(c);
                self.begin_line(plain);
            } else {
                self.through(c, plain);
            }
        }
    }

    /// What is left when the text is over.
    pub(super) fn finish(&mut self, plain: &mut String) {
        let name = std::mem::take(&mut self.name);
        self.is_at_name = false;
        for c in name.chars() {
            self.through(c, plain);
        }
        self.release(plain);
    }

    /// Decides whether a line begins with the name of a speaker.
    fn begin_line(&mut self, plain: &mut String) {
        let bare = self
            .name
            .trim_matches(|c: char| c.is_whitespace() || EMPHASIS.contains(&c))
            .to_lowercase();
        if let Some(name) = bare.strip_suffix(':') {
            if CALLERS.contains(&name) && self.has_spoken {
                self.is_over = true;
                self.name.clear();
                return;
            }
            let is_agent = AGENTS.contains(&name)
                && (!self.has_spoken || !name.ends_with("answer") && name != "response");
            if is_agent {
                self.name.clear();
                self.is_at_name = false;
                self.drops_blank = true;
                return;
            }
        }
        let may_be_name = bare.len() <= NAME_BYTES_MAX
            && !self.name.contains('\n')
            && AGENTS
                .iter()
                .chain(&CALLERS)
                .any(|name| name.starts_with(&bare));
        if !may_be_name {
            let name = std::mem::take(&mut self.name);
            self.is_at_name = false;
            for c in name.chars() {
                self.through(c, plain);
            }
        }
    }

    fn through(&mut self, c: char, plain: &mut String) {
        if self.held.is_empty() {
            match c {
                '(' | '[' | '\u{e001}' if self.leaves_out => self.held.push(c),
                '\u{e001}' | '\u{e002}' => {}
                ' ' if self.drops_blank => {}
                _ => self.say(c, plain),
            }
            return;
        }
        self.held.push(c);
        let is_end = matches!(
            (self.held.chars().next(), c),
            (Some('('), ')') | (Some('['), ']') | (Some('\u{e001}'), '\u{e002}')
        );
        if is_end && self.is_direction() {
            self.held.clear();
            self.drops_blank = plain.ends_with(char::is_whitespace) || plain.is_empty();
        } else if is_end
            || c == '\n'
            || self.held.len() > DIRECTION_BYTES_MAX
            || !self.may_be_direction()
        {
            self.release(plain);
        }
    }

    fn say(&mut self, c: char, plain: &mut String) {
        self.drops_blank = false;
        self.has_spoken |= c.is_alphanumeric();
        plain.push(c);
        self.is_at_name |= c == '\n' && self.leaves_out;
    }

    fn release(&mut self, plain: &mut String) {
        for c in std::mem::take(&mut self.held).chars() {
            if !EMPHASIS.contains(&c) {
                self.say(c, plain);
            }
        }
    }

    /// Whether the words so far may be a direction.
    fn may_be_direction(&self) -> bool {
        let inner = self.held.trim_start_matches(['(', '[', EMPHASIS[0]]);
        if inner.is_empty() {
            return true;
        }
        if self.held.chars().filter(|c| "([".contains(*c)).count() > 1
            || inner.contains(|c: char| c.is_ascii_digit())
        {
            return false;
        }
        let end = inner.find(|c: char| !c.is_alphabetic());
        let word = &inner[..end.unwrap_or(inner.len())];
        match self.held.starts_with('(') {
            true => may_be_one_of(&WORDS, word, end.is_some()),
            false => may_begin_direction(word, end.is_some()),
        }
    }

    fn is_direction(&self) -> bool {
        let inner = self
            .held
            .trim_matches(['(', ')', '[', ']', EMPHASIS[0], EMPHASIS[1]]);
        // "In" begins "in a low voice", and much that is no direction.
        let begins_in = inner.to_lowercase().starts_with("in ");
        !inner.is_empty()
            && self.may_be_direction()
            && (!begins_in || inner.ends_with("voice") || inner.ends_with("tone"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut directions = Directions::new(true);
        let mut plain = String::new();
        let [opens, closes] = EMPHASIS;
        let mut is_open = false;
        for c in text.chars() {
            let c = match c {
                '*' => {
                    is_open = !is_open;
                    if is_open { opens } else { closes }
                }
                c => c,
            };
            directions.push(&c.to_string(), &mut plain);
        }
        directions.finish(&mut plain);
        assert_eq!(plain, expected, "{text}");
    }

    #[test]
    fn directions_and_names_of_speakers_are_left_out() {
        check(
            "(smiles warmly) *clears throat* We open. [laughs] Come by.",
            "We open. Come by.",
        );
        check("Assistant: We open.\nUser: thanks", "We open.\n");
        check("Well, *sighs* all right. (pauses)", "Well, all right. ");
    }

    #[test]
    fn brackets_emphasis_and_colons_of_the_text_are_kept() {
        check(
            "We sell rolls (takes a minute) and *rye* bread [fresh].",
            "We sell rolls (takes a minute) and rye bread [fresh].",
        );
        check(
            "Users: ten. Agents wait (in a row).",
            "Users: ten. Agents wait (in a row).",
        );
        check("As", "As");
        check("(smiles", "(smiles");
    }
}
