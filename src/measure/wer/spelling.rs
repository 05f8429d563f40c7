//! British and American spellings of a word -> one of them.
//!
//! Both texts go through the same rules, so a rule may touch more words than it is for ("raise" becomes "raize" in both);
//! only two different words must not become one.

/// Words that no rule covers: British, American.
const WORDS: [(&str, &str); 40] = [
    ("grey", "gray"),
    ("cheque", "check"),
    ("cheques", "checks"),
    ("tyre", "tire"),
    ("tyres", "tires"),
    ("kerb", "curb"),
    ("plough", "plow"),
    ("programme", "program"),
    ("programmes", "programs"),
    ("storey", "story"),
    ("mum", "mom"),
    ("aluminium", "aluminum"),
    ("pyjamas", "pajamas"),
    ("sceptical", "skeptical"),
    ("mould", "mold"),
    ("draught", "draft"),
    ("enrol", "enroll"),
    ("fulfil", "fulfill"),
    ("skilful", "skillful"),
    ("instalment", "installment"),
    ("judgement", "judgment"),
    ("ageing", "aging"),
    ("whisky", "whiskey"),
    ("yoghurt", "yogurt"),
    ("doughnut", "donut"),
    ("doughnuts", "donuts"),
    ("practise", "practice"),
    ("cosy", "cozy"),
    ("manoeuvre", "maneuver"),
    ("jewellery", "jewelry"),
    ("marvellous", "marvelous"),
    ("woollen", "woolen"),
    ("travelled", "traveled"),
    ("travelling", "traveling"),
    ("cancelled", "canceled"),
    ("cancelling", "canceling"),
    ("labelled", "labeled"),
    ("modelling", "modeling"),
    ("learnt", "learned"),
    ("towards", "toward"),
];
/// Endings: British, American.
const ENDINGS: [(&str, &str); 15] = [
    ("isation", "ization"),
    ("isations", "izations"),
    ("ising", "izing"),
    ("ised", "ized"),
    ("ises", "izes"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("ysed", "yzed"),
    ("tre", "ter"),
    ("tres", "ters"),
    ("ogue", "og"),
    ("ogues", "ogs"),
    ("ence", "ense"),
    ("ences", "enses"),
    ("bre", "ber"),
];
/// "Our" in a shorter word is not what Americans write as "or".
const OUR_LETTERS_MIN: usize = 5;

/// The word in its American spelling, or what stands for it.
pub(super) fn american(word: &str) -> String {
    if let Some((_, one)) = WORDS.iter().find(|(british, _)| *british == word) {
        return (*one).to_owned();
    }
    let ended = ENDINGS.iter().find_map(|(british, one)| {
        let stem = word.strip_suffix(british)?;
        Some(format!("{stem}{one}"))
    });
    let word = ended.unwrap_or_else(|| word.to_owned());
    match word.len() >= OUR_LETTERS_MIN {
        true => word.replace("our", "or"),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_become_one() {
        for (british, one) in [
            ("colour", "color"),
            ("centre", "center"),
            ("organise", "organize"),
            ("grey", "gray"),
            ("licence", "license"),
            ("dialogue", "dialog"),
            ("favourites", "favorites"),
        ] {
            assert_eq!(american(british), american(one), "{british}");
        }
        for (one, other) in [
            ("our", "or"),
            ("filled", "filed"),
            ("hour", "hor"),
            ("four", "for"),
        ] {
            assert_ne!(american(one), american(other));
        }
    }
}
