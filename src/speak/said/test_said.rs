//! What is written and what is said, by kinds. The long table is in `tests/it/spoken.rs`.

use super::*;

#[track_caller]
fn check(written: &str, spoken: &str) {
    assert_eq!(aloud(written), spoken, "{written}");
}

#[test]
fn units_are_read_in_full_after_a_number() {
    check(
        "It took 300 ms, or 1 ms.",
        "It took three hundred milliseconds, or one millisecond.",
    );
    check(
        "(300ms) 1.2s 16kHz 95% 5 %",
        "(three hundred milliseconds) one point two seconds sixteen kilohertz ninety-five percent five percent",
    );
    check(
        "1-3 s, ~200 ms, -40 dB",
        "one to three seconds, about two hundred milliseconds, minus forty decibels",
    );
    check(
        "5 km at 180 °C for 4 h",
        "five kilometres at one hundred and eighty degrees for four hours",
    );
    check("He says s and h.", "He says s and h.");
}

#[test]
fn times_dates_and_days_are_said() {
    check(
        "Mon-Fri 9:00-17:00, Sat 10:30.",
        "Monday to Friday nine to five p.m., Saturday ten thirty.",
    );
    check(
        "We are there 24/7.",
        "We are there twenty-four hours a day, seven days a week.",
    );
    check("Open 9-17.", "Open nine to seventeen.");
    check(
        "24 December: closed",
        "the twenty-fourth of December: closed",
    );
    check(
        "Since 2019, on the 1st.",
        "Since twenty nineteen, on the first.",
    );
    check("On 2026-06-01.", "On the first of June twenty twenty-six.");
    check("the 2000 ms", "the two thousand milliseconds");
}

#[test]
fn prices_and_numbers_are_said() {
    check(
        "It is €4.99, or 60p.",
        "It is four euros ninety-nine, or sixty pence.",
    );
    check(
        "Ring 01632 960230 now.",
        "Ring oh one six three two nine six oh two three oh now.",
    );
    check("Call 030-12-34.", "Call oh three oh one two three four.");
    check("Bus 11A, Unit 9", "Bus eleven A, Unit nine");
}

#[test]
fn percentiles_are_ordinals_without_a_second_article() {
    check("p95 is 2 s", "the ninety-fifth percentile is two seconds");
    check(
        "The p50 and the P99.",
        "The fiftieth percentile and the ninety-ninth percentile.",
    );
    check("p0 p100", "p zero p one hundred");
}

#[test]
fn abbreviations_are_said_as_words() {
    check(
        "STT, TTS & VAD",
        "speech to text, text to speech and voice activity detection",
    );
    check(
        "e2e (WER), e.g., voicesim",
        "end to end (word error rate), for example, voice sim",
    );
    check("Use MIT/Apache → free", "Use MIT Apache to free");
}

#[test]
fn addresses_are_said_and_signs_dropped() {
    check(
        "See https://a.example/x?y=1 .",
        "See a dot example slash x.",
    );
    check(
        "Write to help@shop.example.com.",
        "Write to help at shop dot example dot com.",
    );
    check("[[ mˈmhm ]] yes [[open", "yes open");
    check("**Bold** _it_ `code` # 😀 • fine’s", "Bold it code fine's");
    check("😀 --- ***", "");
    check("snake_case", "snake case");
    check("½ cup, 3 m²", "half a cup, three square metres");
}

#[test]
fn speaking_what_is_already_spoken_changes_nothing() {
    for text in [
        "p95 of 1-3 ms, e.g. STT.",
        "the 300ms & ~2 s",
        "Yes: it's 1.2 (or 3) for £4.99 at 10:30.",
    ] {
        assert_eq!(aloud(&aloud(text)), aloud(text));
    }
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_spoken_and_has_no_digits_left(
        text in "(\\PC|\\[\\[|p9|[0-9]{1,4}(ms|:30|p|th|-|\\.|/)?|£|~1|www\\.|@|-| |\n){0,60}"
    ) {
        let spoken: Vec<String> = text.lines().map(line_aloud).collect();
        let spoken = spoken.join("\n");
        assert!(!spoken.contains("://") && !spoken.contains(['*', '#', '`']));
        assert!(!spoken.contains(char::is_numeric), "{spoken:?}");
    }
}
