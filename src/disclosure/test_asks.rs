use super::*;

/// Ways to ask that the table was written by.
const KNOWN: [&str; 211] = [
    "Am I talking to a person?",
    "Are you a robot?",
    "Are you human?",
    "Is this a real person?",
    "Is this a recording?",
    "Am I speaking with a machine?",
    "You're a bot, right?",
    "You're not a real person, are you?",
    "Are you an A.I.?",
    "Are you AI or a human being?",
    "Is there a human on the line?",
    "Is anybody real there?",
    "Hello, wait, am I actually speaking to a live person right now?",
    "Do I hear a recording?",
    "Is your voice real?",
    "What am I talking to?",
    "Is that a computer I'm talking to?",
    "Have I reached a human being or an answering machine?",
    "am i talking to a real human or a computer",
    "Tell me honestly whether you are a person.",
    "Why am I talking to a machine?",
    "You sound like a robot.",
    "Are you chatgpt?",
    "Is a real person listening to this?",
    "Do you breathe?",
    "Are you some kind of artificial intelligence?",
    "Is this an automated system?",
    "Could I be talking to a chatbot?",
    "so you are a machine",
    "Are you real?",
    "Is it a human I'm speaking to?",
    "Hang on, are you an actual human being?",
    "Is this one of those AI things?",
    "Just so I know, am I chatting with software here?",
    "Are you a living, breathing person?",
    "This isn't a person, is it?",
    "Am I dealing with a bot right now?",
    "Are you a man or a machine?",
    "Is there somebody real on the other end?",
    "Can you tell me if you're a computer?",
    "Be straight with me, is this a robot?",
    "Am I on the phone with a human?",
    "Sorry, but are you a virtual assistant?",
    "Do you happen to be a computer program?",
    "I'd like to know whether I'm speaking to a human or not.",
    "Are you, like, a real lady?",
    "You're an automated voice, aren't you?",
    "Is that a human voice or is it generated?",
    "Did I get a machine again?",
    "Is it a machine that I am talking to?",
    "Are you alive?",
    "So I'm talking to a computer then?",
    "Are you a real one or an AI?",
    "Have I been talking to a robot all this time?",
    "Is someone human answering my questions?",
    "Wait a minute, you aren't human, are you?",
    "Is this call with a real human?",
    "Are you a language model?",
    "Are you flesh and blood?",
    "Is there an actual person there?",
    "Prove to me that you are not a robot.",
    "Quick question before we go on, are you a machine?",
    "Are you even human?",
    "Is this an actual human talking?",
    "I think I'm talking to a bot, am I right?",
    "You are a computer, correct?",
    "Are you a bot or a person?",
    "Is there a real human being behind this?",
    "Am I speaking with an AI assistant or with a member of staff?",
    "Who am I talking to, a person or a machine?",
    "Are you one of those robots?",
    "Hey, is this automated?",
    "Please tell me you're not a robot.",
    "Is that really a person speaking?",
    "Am I being answered by a computer?",
    "Is a human on this call?",
    "Are you just a recording?",
    "Be honest, are you real or not?",
    "Is this some kind of AI?",
    "Are you a real woman?",
    "Are you actually a person called Anna?",
    "Is it a bot I'm speaking with?",
    "Does a real person sit there?",
    "I can't tell if you're human or a machine.",
    "Am I talking to artificial intelligence?",
    "Is this a live agent or a bot?",
    "Are you an android?",
    "Could you be a robot?",
    "Are you programmed to say that?",
    "Would you say you are a person?",
    "This is a machine, isn't it?",
    "Are you really a human, or are you faking it?",
    "Did I end up with a machine?",
    "Is this voice a computer?",
    "Am I having a conversation with a robot?",
    "Would a robot be answering me right now?",
    "Is the person I'm talking to real?",
    "You aren't a computer, are you?",
    "Is it AI that's answering?",
    "Hello? Is there a person there?",
    "Are you a human operator or a bot?",
    "Sorry to ask, but am I speaking with an actual person?",
    "Are you some sort of program?",
    "Do I have a real person on the phone?",
    "I want to know if you're a robot.",
    "Are you a human agent?",
    "I feel like I'm speaking to a machine.",
    "Is this an A.I. or a human?",
    "Are you one of those chatbots?",
    "Can you confirm that you are human?",
    "Who's this, a bot?",
    "Is this a real human voice?",
    "So you're just software?",
    "Is a machine answering me?",
    "Are you a virtual agent?",
    "Are you a real guy?",
    "Honestly, are you a computer or a man?",
    "Am I talking to Alexa or what?",
    "Would you be a bot by any chance?",
    "Can you prove you're a person?",
    "Am I connected with a live agent or an automated system?",
    "Hold on, is this a real person or not?",
    "Are you definitely human?",
    "Okay, am I talking to a machine or what?",
    "Can you tell me, are you an AI?",
    "You're a recording, aren't you?",
    "Is a person reading this out?",
    "I need to know if I'm talking to a real person.",
    "Are you an automated assistant?",
    "Is this a chatbot?",
    "Hi, are you a real human or a bot?",
    "Am I speaking to a human?",
    "Do you have a heartbeat?",
    "What are you exactly, a robot?",
    "Is there a live person there?",
    "Are you a bot, honestly?",
    "Wait, you're an AI?",
    "Is this computer generated?",
    "Are you a human or just a program?",
    "Have I got a real person here?",
    "Is that a bot on the line?",
    "You're human, right?",
    "Are you someone real?",
    "This sounds like a robot, is it?",
    "So are you a person or artificial?",
    "Am I chatting with a human being at the moment?",
    "Did I reach a robot?",
    "Are you really there or are you a recording?",
    "Who exactly am I speaking to, a human?",
    "Is this the AI talking?",
    "Tell me, are you a real lady or a computer?",
    "Are you seriously a robot?",
    "Am I talking with somebody real?",
    "Is this a bot answering?",
    "I'm sorry, are you a real person?",
    "Do I talk to a human or an AI here?",
    "Are you a computer voice?",
    "Is there any human on this line?",
    "You are an AI, aren't you?",
    "Is it possible that I'm talking to a machine?",
    "Are you artificial?",
    "Is this line automated?",
    "So there's no human there, right?",
    "Am I really speaking to a woman?",
    "Are you an actual employee or a bot?",
    "Before I give you my card number, are you human?",
    "Is this Siri?",
    "Are you a program or what?",
    "Tell me the truth, is this a machine?",
    "Is your voice computer generated?",
    "Could this be a recording?",
    "Are you a person, please?",
    "Was that a robot?",
    "Would I be speaking to a human?",
    "Are you not a human being?",
    "Who am I speaking with, is it a bot?",
    "Are you even a real person?",
    "Are you human, yes or no?",
    "Is this an AI call?",
    "Have I reached a bot?",
    "What kind of robot are you?",
    "Are you a robot or a human?",
    "Am I speaking to a real human being?",
    "Is this an automated message?",
    "Are you a real person, or is this a computer?",
    "Hello, am I talking to a bot?",
    "You're not human, are you?",
    "Is there an actual human I'm talking to?",
    "Are you an artificial intelligence?",
    "Is it a person or a machine?",
    "Is this call from a robot?",
    "Do you know that you are a machine?",
    "Could you tell me whether this is an AI?",
    "Am I talking to a living person?",
    "So you're not a real person?",
    "May I ask if you are human?",
    "Is this a robot voice?",
    "Are you AI powered?",
    "Are you a virtual assistant or an actual person?",
    "Can I ask, are you a machine?",
    "Is anyone real on the line?",
    "Am I in a conversation with an AI?",
    "What is this, a robot?",
    "Is a bot talking to me?",
    "Are you a computer pretending to be a woman?",
    "Is that a recorded voice?",
    "Are you, by any chance, an AI?",
    "You sound like a machine, are you one?",
    "Would it be fair to say you're a bot?",
    "Is the person speaking real or AI?",
    "Am I talking to a human at your company?",
];

/// Ways that the table was not written by.
const KEPT_BACK: [&str; 30] = [
    "Sorry, is this a machine I'm talking to?",
    "Are you a human or AI?",
    "Am I speaking to an actual human?",
    "Are you an actual robot?",
    "Is anybody human there?",
    "You're a machine, right?",
    "Are you a real human being or just a computer?",
    "Is this an AI assistant?",
    "Are you, in fact, a person?",
    "Do I hear a machine?",
    "Am I connected to a human or a bot?",
    "Are you some robot?",
    "Is this a person speaking?",
    "Hello, is there a human there?",
    "Am I talking to a voice assistant?",
    "Is it a real person on the phone?",
    "Is your voice artificial?",
    "Are you an automated agent?",
    "Are you a living being?",
    "Is this a pre-recorded message?",
    "Can you tell me whether I'm speaking with a bot?",
    "Are you not a person?",
    "I'm talking to a human, right?",
    "What am I talking to here?",
    "Are you a large language model?",
    "Does a human hear this?",
    "Are you a guy or a robot?",
    "Could you be an AI?",
    "Is this ChatGPT?",
    "Are you telling me you're a real person?",
];

#[test]
fn the_ways_to_ask_that_it_was_written_by_are_seen() {
    for question in KNOWN {
        assert_ne!(asked(question), Asked::Otherwise, "{question}");
    }
}

#[test]
fn nearly_all_ways_to_ask_that_were_kept_back_are_seen() {
    let missed: Vec<&str> = KEPT_BACK
        .into_iter()
        .filter(|question| asked(question) == Asked::Otherwise)
        .collect();
    assert!(missed.len() <= 2, "{missed:#?}");
}

#[test]
fn ordinary_questions_are_not_taken_for_it() {
    let questions: Vec<&str> = include_str!("ordinary.txt").lines().collect();
    assert!(questions.len() >= 200, "{}", questions.len());
    let wrong: Vec<&str> = questions
        .into_iter()
        .filter(|question| asked(question) != Asked::Otherwise)
        .collect();
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

#[test]
fn what_is_asked_besides_is_still_to_be_answered() {
    let besides = |question| match asked(question) {
        Asked::WhoAnswers { besides } => besides,
        Asked::Otherwise => panic!("not seen"),
    };
    assert_eq!(besides("Hello. Are you a robot?"), "");
    assert_eq!(
        besides("Are you a robot? When do you open on Sunday?"),
        "When do you open on Sunday?"
    );
    assert_eq!(
        besides("When do you open? And am I talking to a person?"),
        "When do you open?"
    );
    assert_eq!(
        besides("Are you an A.I.? It costs $3.50, right?"),
        "It costs $3.50, right?"
    );
}

#[test]
fn nothing_takes_it_long() {
    let long = "are you really actually just like ".repeat(2_000);
    assert_eq!(asked(&long), Asked::Otherwise);
    // As a recogniser has it that has lost itself: each of these words is light in two ways.
    let lost = format!("are you {}open", "really ".repeat(250));
    assert_eq!(asked(&lost), Asked::Otherwise);
    assert_eq!(asked(""), Asked::Otherwise);
    assert_eq!(asked("?!... ..."), Asked::Otherwise);
}
