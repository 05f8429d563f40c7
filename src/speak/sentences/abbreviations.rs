//! Words that end in a full stop which may end nothing. All in small letters, without the last stop.

/// What has to follow an abbreviation that may end a sentence, so that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// A word that begins sentences: any other capitalised word may belong to a name.
    Name,
    /// Any capitalised word but a day or a time zone.
    Anything,
}

/// Titles and the like, behind which a sentence always goes on.
pub(super) const NEVER_LAST: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "vs", "e.g", "i.e", "approx", "sgt", "capt", "lt", "col",
    "gen", "rev", "hon", "gov", "sen", "rep", "pres", "supt", "insp", "mt", "ft", "cf", "viz",
    "incl", "excl", "esp", "a.k.a", "messrs", "fr", "sr", "sra", "dra", "ud", "uds", "mme", "mlle",
    "hr", "frl", "z.b", "d.h", "u.a", "bzw", "ca", "evtl", "ggf", "inkl", "zzgl", "str", "tel",
    "ext", "eg", "ie", "p.ej", "p.ex", "env", "aprox", "dott", "sig", "dhr", "mevr", "bijv", "o.ä",
    "s.o", "vgl", "sog", "adm", "cmdr",
];

/// What stands before a number: "No. 5", "Fig. 2".
pub(super) const NUMBERED: &[&str] = &[
    "no", "nos", "nr", "fig", "figs", "vol", "vols", "p", "pp", "ch", "sec", "art", "op", "ver",
    "v", "eq", "ed", "núm", "par", "ref", "apt", "ste", "bldg", "kl",
];

/// Days in short, where they begin with a capital.
pub(super) const DAYS: &[&str] = &[
    "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun",
];

/// Months, short and long, in English and its neighbours: they go on with a day, and German days end in a stop.
pub(super) const MONTHS: &[&str] = &[
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "januar",
    "jänner",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "okt",
    "dez",
    "january",
    "february",
    "march",
    "may",
    "june",
    "july",
    "october",
    "december",
    "januari",
    "februari",
    "maart",
    "mei",
    "augustus",
    "leden",
    "února",
    "tammikuuta",
    "marts",
];

/// Abbreviations that end a sentence now and then.
pub(super) const SOMETIMES_LAST: &[(&str, Then)] = &[
    ("st", Then::Name),
    ("inc", Then::Name),
    ("ltd", Then::Name),
    ("co", Then::Name),
    ("corp", Then::Name),
    ("llc", Then::Name),
    ("plc", Then::Name),
    ("bros", Then::Name),
    ("jr", Then::Name),
    ("esq", Then::Name),
    ("univ", Then::Name),
    ("dept", Then::Name),
    ("assn", Then::Name),
    ("gmbh", Then::Name),
    ("phd", Then::Name),
    ("etc", Then::Anything),
    ("usw", Then::Anything),
    ("a.m", Then::Anything),
    ("p.m", Then::Anything),
    ("am", Then::Anything),
    ("pm", Then::Anything),
    ("ave", Then::Name),
    ("rd", Then::Name),
    ("blvd", Then::Name),
    ("ln", Then::Name),
    ("sq", Then::Anything),
    ("lb", Then::Anything),
    ("lbs", Then::Anything),
    ("oz", Then::Anything),
    ("hrs", Then::Anything),
    ("min", Then::Anything),
    ("max", Then::Anything),
    ("mins", Then::Anything),
    ("secs", Then::Anything),
    ("yrs", Then::Anything),
    ("kg", Then::Anything),
    ("km", Then::Anything),
    ("cm", Then::Anything),
    ("mm", Then::Anything),
];

/// Words before a single letter that is no initial: "plan B."
pub(super) const LABELS: &[&str] = &[
    "plan",
    "vitamin",
    "option",
    "type",
    "grade",
    "section",
    "part",
    "gate",
    "room",
    "seat",
    "row",
    "group",
    "class",
    "hepatitis",
    "model",
    "letter",
    "line",
    "platform",
    "appendix",
    "terminal",
    "block",
    "zone",
    "level",
    "building",
    "answer",
    "step",
];

/// Words that begin a sentence and are hardly ever part of a name.
pub(super) const STARTERS: &[&str] = &[
    "The", "A", "An", "We", "You", "He", "She", "It", "They", "I", "This", "That", "These",
    "Those", "There", "Here", "My", "Your", "Our", "His", "Her", "Its", "Their", "If", "When",
    "While", "After", "Before", "Since", "As", "But", "And", "Or", "So", "Then", "Now", "Please",
    "For", "In", "On", "At", "From", "With", "To", "By", "Is", "Are", "Was", "Were", "Do", "Does",
    "Did", "Can", "Could", "Will", "Would", "Should", "What", "Where", "Who", "Why", "How",
    "Which", "Yes", "No", "Not", "All", "Some", "Both", "However", "It's", "That's", "I'm",
    "We're", "You're", "Let", "Let's", "Call", "Ask", "Bring", "Come", "Would", "Have", "Just",
];

/// What follows a time of day and belongs to it.
pub(super) const TIME_WORDS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Mon",
    "Tue",
    "Wed",
    "Thu",
    "Fri",
    "Sat",
    "Sun",
    "EST",
    "EDT",
    "PST",
    "PDT",
    "CST",
    "CDT",
    "MST",
    "GMT",
    "BST",
    "UTC",
    "CET",
    "CEST",
];
