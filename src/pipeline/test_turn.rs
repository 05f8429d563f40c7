use super::*;

const FIRST: TurnId = TurnId(1);
const SECOND: TurnId = TurnId(2);
const STOP: Happened = Happened::MustStop {
    turn: SECOND,
    may_resume: false,
};
const THIRD: TurnId = TurnId(3);

fn text(turn: TurnId, text: &str) -> Happened {
    let text = text.into();
    Happened::Transcribed { turn, text }
}

fn reply(turn: TurnId, question: &str) -> Do {
    let question = question.into();
    Do::StartReply { turn, question }
}

/// A floor on which the agent answers aloud.
fn answering() -> Floor {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(text(FIRST, "a question"));
    floor.happened(Happened::Audible);
    floor
}

#[test]
fn a_question_is_answered() {
    let mut floor = Floor::new();
    assert_eq!(floor.happened(Happened::VoiceStarted), [Do::Listen(FIRST)]);
    assert!(floor.happened(Happened::Committed).is_empty());
    assert!(!floor.is_idle());
    assert_eq!(floor.happened(text(FIRST, "why")), [reply(FIRST, "why")]);
    floor.happened(Happened::Audible);
    let over = Happened::ReplyOver {
        caller_is_voiced: false,
    };
    assert!(floor.happened(over).is_empty());
    assert!(floor.is_idle());
}

#[test]
fn a_caller_who_goes_on_before_the_reply_is_heard_asks_one_question() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(text(FIRST, "tell me"));
    assert_eq!(
        floor.happened(Happened::VoiceStarted),
        [Do::Listen(SECOND), Do::DropReply(ReplyEnd::Superseded)]
    );
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "the time")),
        [reply(SECOND, "tell me the time")]
    );
}

#[test]
fn a_noise_before_the_reply_only_delays_it() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(text(FIRST, "why"));
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    assert_eq!(floor.happened(text(SECOND, "")), [reply(SECOND, "why")]);
}

#[test]
fn half_a_question_waits_while_the_other_half_is_spoken() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(Happened::VoiceStarted);
    assert_eq!(floor.happened(text(FIRST, "tell me")), [Do::NoReply(FIRST)]);
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "why")),
        [reply(SECOND, "tell me why")]
    );
}

#[test]
fn a_sound_over_the_agent_that_need_not_stop_is_not_answered() {
    let mut floor = answering();
    assert_eq!(
        floor.happened(Happened::VoiceStarted),
        [Do::Listen(SECOND), Do::WatchOverlap]
    );
    assert!(floor.happened(Happened::Committed).is_empty());
    assert_eq!(
        floor.happened(text(SECOND, "yeah")),
        [Do::EndOverlap(SECOND), Do::NoReply(SECOND)]
    );
}

#[test]
fn an_interruption_takes_the_floor_and_is_answered() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    assert_eq!(
        floor.happened(STOP),
        [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
    );
    assert!(floor.happened(STOP).is_empty());
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "no, wait")),
        [reply(SECOND, "no, wait")]
    );
}

#[test]
fn an_interruption_that_is_understood_late_still_takes_the_floor() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(STOP),
        [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
    );
    assert_eq!(
        floor.happened(text(SECOND, "wait")),
        [reply(SECOND, "wait")]
    );
}

#[test]
fn of_two_sounds_the_one_that_asks_for_it_takes_the_floor() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(Happened::VoiceStarted);
    // The first is understood while the caller makes the second.
    assert_eq!(
        floor.happened(STOP),
        [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
    );
}

#[test]
fn a_held_reply_is_let_go_for_an_earlier_sound_that_is_understood_late() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::MustStop {
        turn: THIRD,
        may_resume: true,
    });
    assert_eq!(floor.happened(STOP), [Do::LetGo, Do::EndOverlap(SECOND)]);
    floor.happened(Happened::Committed);
    assert_eq!(floor.happened(text(SECOND, "stop")), [Do::NoReply(SECOND)]);
    assert_eq!(floor.happened(text(THIRD, "")), [reply(THIRD, "stop")]);
}

/// A floor on which the agent was stopped by a sound that nobody has understood yet.
fn holding() -> Floor {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    assert_eq!(
        floor.happened(Happened::MustStop {
            turn: SECOND,
            may_resume: true
        }),
        [Do::HoldReply, Do::EndOverlap(SECOND)]
    );
    floor
}

#[test]
fn an_agent_that_stopped_for_nothing_goes_on() {
    let mut floor = holding();
    assert!(!floor.may_resume() && !floor.is_idle());
    assert!(floor.happened(Happened::NothingMore).is_empty());
    floor.happened(Happened::Committed);
    assert!(!floor.may_resume());
    assert_eq!(floor.happened(text(SECOND, "")), [Do::NoReply(SECOND)]);
    assert!(floor.may_resume());
    assert_eq!(floor.happened(Happened::NothingMore), [Do::ResumeReply]);
    let over = Happened::ReplyOver {
        caller_is_voiced: false,
    };
    assert!(floor.happened(over).is_empty() && floor.is_idle());
}

#[test]
fn an_agent_that_stopped_for_a_question_answers_that() {
    let mut floor = holding();
    let guess = Happened::Guessed {
        turn: SECOND,
        text: "no".into(),
    };
    assert_eq!(
        floor.happened(guess),
        [
            Do::LetGo,
            Do::Speculate {
                turn: SECOND,
                question: "no".into()
            }
        ]
    );
    let mut floor = holding();
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "no, wait")),
        [Do::LetGo, reply(SECOND, "no, wait")]
    );
}

#[test]
fn a_question_that_begins_over_the_last_word_is_answered() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    let over = Happened::ReplyOver {
        caller_is_voiced: true,
    };
    assert_eq!(floor.happened(over), [Do::EndOverlap(SECOND)]);
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "and then")),
        [reply(SECOND, "and then")]
    );
}

#[test]
fn a_caller_who_pauses_while_the_agent_ends_and_goes_on_is_answered() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    let over = Happened::ReplyOver {
        caller_is_voiced: false,
    };
    assert_eq!(floor.happened(over), [Do::EndOverlap(SECOND)]);
    floor.happened(Happened::VoiceResumed);
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(text(SECOND, "and then")),
        [reply(SECOND, "and then")]
    );
}

#[test]
fn what_was_prepared_in_a_pause_is_the_reply_if_that_was_all() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    let (turn, question) = (FIRST, Arc::<str>::from("why"));
    let guess = Happened::Guessed {
        turn,
        text: question.clone(),
    };
    let speculate = Do::Speculate {
        turn,
        question: question.clone(),
    };
    assert_eq!(floor.happened(guess), [speculate]);
    floor.happened(Happened::Committed);
    assert_eq!(floor.happened(text(FIRST, "why")), [Do::KeepSpeculation]);
}

#[test]
fn a_caller_who_goes_on_voids_what_was_prepared() {
    let guess = || Happened::Guessed {
        turn: FIRST,
        text: "tell me".into(),
    };
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(guess());
    assert_eq!(
        floor.happened(Happened::VoiceResumed),
        [Do::DropSpeculation]
    );
    floor.happened(guess());
    floor.happened(Happened::Committed);
    // The whole was something else.
    assert_eq!(
        floor.happened(text(FIRST, "tell me why")),
        [Do::DropSpeculation, reply(FIRST, "tell me why")]
    );
    // Committed, and not yet transcribed.
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(guess());
    floor.happened(Happened::Committed);
    assert_eq!(
        floor.happened(Happened::VoiceStarted),
        [Do::Listen(SECOND), Do::DropSpeculation]
    );
    assert_eq!(floor.happened(text(FIRST, "tell me")), [Do::NoReply(FIRST)]);
}

#[test]
fn nothing_is_prepared_for_a_sound_over_the_agent() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    assert!(!floor.may_guess());
    let (turn, text) = (SECOND, "yeah".into());
    assert!(floor.happened(Happened::Guessed { turn, text }).is_empty());
}

#[test]
fn nothing_understood_is_nothing_answered() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    assert_eq!(floor.happened(text(FIRST, "")), [Do::NoReply(FIRST)]);
    assert!(floor.is_idle());
}

#[test]
fn a_client_that_stops_the_agent_gives_the_floor_to_whoever_talks_over_it() {
    let mut floor = answering();
    floor.happened(Happened::VoiceStarted);
    assert_eq!(
        floor.happened(Happened::ToldToStop),
        [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
    );
    assert!(floor.happened(Happened::ToldToStop).is_empty());
    floor.happened(Happened::Committed);
    assert!(floor.is_understanding());
    assert_eq!(floor.happened(text(SECOND, "why")), [reply(SECOND, "why")]);
}

#[test]
fn a_question_whose_reply_was_stopped_unheard_is_asked_again_with_the_next() {
    let mut floor = Floor::new();
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    floor.happened(text(FIRST, "tell me"));
    assert_eq!(
        floor.happened(Happened::ToldToStop),
        [Do::DropReply(ReplyEnd::Stopped)]
    );
    floor.happened(Happened::VoiceStarted);
    floor.happened(Happened::Committed);
    let asked = floor.happened(text(SECOND, "the time"));
    assert_eq!(asked, [reply(SECOND, "tell me the time")]);
}
