use super::*;
use std::slice;

fn of(caller: &[(usize, usize)], agent: &[(usize, usize)]) -> FloorHistory {
    let all = |pairs: &[(usize, usize)]| -> Vec<Stretch> {
        pairs
            .iter()
            .map(|(start, end)| Stretch::voice(*start, *end))
            .collect()
    };
    floor(&all(caller), &all(agent), 60_000)
}

fn utterances(floor: &FloorHistory) -> Vec<(usize, usize)> {
    let ranges = floor.utterances.iter().map(CallerUtterance::range);
    ranges.map(|range| (range.start, range.end)).collect()
}

use Expect::{Ignore, Respond, Stop};

#[test]
fn a_question_is_answered_and_a_greeting_answers_none() {
    let floor = of(&[(3_000, 4_000)], &[(500, 2_000), (4_700, 8_000)]);
    assert_eq!(floor.answers(&[Respond]), [None, Some(0)]);
    assert_eq!(floor.utterances[0].over, None);
}

#[test]
fn a_pause_does_not_end_an_utterance_and_a_long_one_does() {
    let floor = of(&[(0, 1_000), (2_900, 4_000)], &[(5_000, 6_000)]);
    assert_eq!(utterances(&floor), [(0, 4_000)]);
    let floor = of(&[(0, 1_000), (3_600, 4_000)], &[(5_000, 6_000)]);
    assert_eq!(utterances(&floor), [(0, 1_000), (3_600, 4_000)]);
    assert_eq!(floor.answers(&[Respond, Respond]), [Some(1)]);
}

#[test]
fn an_agent_that_begins_in_a_pause_cuts_off_who_goes_on_at_once() {
    let floor = of(&[(0, 1_000), (1_900, 4_000)], &[(1_700, 6_000)]);
    assert_eq!(utterances(&floor), [(0, 4_000)]);
    // A caller who had heard some of the answer interrupts.
    let floor = of(&[(0, 1_000), (2_400, 4_000)], &[(1_700, 6_000)]);
    assert_eq!(utterances(&floor), [(0, 1_000), (2_400, 4_000)]);
    assert_eq!(floor.utterances[1].over, Some(0));
}

#[test]
fn a_back_channel_is_not_answered_and_the_agent_goes_on_in_its_pauses() {
    let floor = of(
        &[(0, 1_000), (3_000, 3_300)],
        &[(1_700, 2_950), (3_400, 6_000)],
    );
    assert_eq!(floor.speeches.len(), 1);
    assert_eq!(floor.answers(&[Respond, Ignore]), [Some(0)]);
    assert_eq!(floor.ends(&[Respond, Ignore]), [SpeechEnd::Completed]);
}

#[test]
fn an_interruption_stops_the_agent_and_is_answered() {
    let floor = of(
        &[(0, 1_000), (3_000, 4_500)],
        &[(1_700, 3_600), (5_200, 6_000)],
    );
    let asks = [Respond, Stop];
    assert_eq!(floor.utterances[1].over, Some(0));
    let ends = [SpeechEnd::StoppedFor(1), SpeechEnd::Completed];
    assert_eq!(floor.ends(&asks), ends);
    assert_eq!(floor.answers(&asks), [Some(0), Some(1)]);
}

#[test]
fn who_begins_over_the_last_word_interrupts_nobody() {
    let floor = of(&[(0, 1_000), (3_500, 4_500)], &[(1_700, 3_600)]);
    assert_eq!(floor.utterances[1].over, None);
    assert_eq!(floor.ends(&[Respond, Respond]), [SpeechEnd::Completed]);
}

#[test]
fn after_an_interruption_a_question_is_another_utterance() {
    let agent = [(1_700, 3_060)];
    let floor = of(&[(0, 1_000), (3_000, 3_800), (5_800, 7_000)], &agent);
    assert_eq!(utterances(&floor).len(), 3);
    assert_eq!(
        (floor.utterances[1].over, floor.utterances[1].at_end),
        (None, Some(0))
    );
    let floor = of(&[(0, 1_000), (3_000, 3_800), (5_000, 7_000)], &agent);
    assert_eq!(utterances(&floor).len(), 2, "a caller who hesitates");
}

#[test]
fn an_agent_that_ends_after_a_back_channel_stopped_for_it_only_if_it_was_cut() {
    let caller = [Stretch::voice(0, 1_000), Stretch::voice(3_000, 3_300)];
    let mut speech = Stretch::voice(1_700, 3_600);
    for is_cut in [false, true] {
        speech.is_cut = is_cut;
        let floor = floor(&caller, slice::from_ref(&speech), 60_000);
        let stopped = floor.ends(&[Respond, Ignore])[0] == SpeechEnd::StoppedFor(1);
        assert_eq!(stopped, is_cut);
    }
}

#[test]
fn a_cough_alone_startles_and_one_sound_of_many_does_not() {
    let cut = Stretch {
        is_cut: true,
        ..Stretch::voice(1_700, 5_000)
    };
    let agent = [cut, Stretch::voice(6_500, 9_000)];
    let caller = [Stretch::voice(0, 1_000)];
    let startled_by = |sounds: &[Range<usize>]| startling(sounds, &caller, &agent).len();
    let (cough, click) = (4_500..4_800, 4_500..4_550);
    assert_eq!(startled_by(slice::from_ref(&cough)), 1);
    assert_eq!(startled_by(slice::from_ref(&click)), 0);
    let television = [3_000..3_300, 3_800..4_100, cough, 5_300..5_700];
    assert_eq!(startled_by(&television), 0);
}

#[test]
fn an_agent_that_breaks_off_for_a_cough_and_goes_on_later_stopped_for_it() {
    let cough = Stretch {
        sure: Vec::new(),
        ..Stretch::voice(4_500, 4_800)
    };
    let question = Stretch::voice(0, 1_000);
    for (is_cut, stops) in [(true, 2), (false, 1)] {
        let first = Stretch {
            is_cut,
            ..Stretch::voice(1_700, 5_000)
        };
        let agent = [first, Stretch::voice(6_500, 9_000)];
        let floor = floor(&[question.clone(), cough.clone()], &agent, 60_000);
        assert_eq!(floor.speeches.len(), stops);
    }
}

#[test]
fn a_cough_counts_where_the_agent_may_react_to_it() {
    let cough = |start| Stretch {
        sure: Vec::new(),
        ..Stretch::voice(start, start + 300)
    };
    let agent = [Stretch::voice(1_700, 4_000), Stretch::voice(9_000, 9_500)];
    let with = |sound| {
        floor(&[Stretch::voice(0, 1_000), sound], &agent, 60_000)
            .utterances
            .len()
    };
    assert_eq!(with(cough(2_500)), 2, "over the agent");
    assert_eq!(with(cough(8_000)), 2, "and then the agent spoke");
    assert_eq!(with(cough(1_200)), 1, "while a question waits");
}
