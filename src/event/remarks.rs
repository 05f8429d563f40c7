//! What was odd about work that was done all the same.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Something about an answer, a transcript or a sound that came, and that whoever reads its figures should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// The model had used up the tokens that it may write, and stopped in the middle.
    CutAtLimit,
    /// A content filter of the server stopped the answer in the middle.
    Filtered,
    /// The model declined to answer, and its words for that are the answer.
    Refused,
    /// The model called a tool besides what it said.
    CalledTool,
    /// The server ended the answer without saying that this was its end, so that there may be more.
    EndNotTold,
    /// The answer came whole, and not piece by piece as it was asked for.
    NotStreamed,
    /// Something that could not be understood came among the rest, and was left out.
    Skipped,
    /// The server refused a key of the request, and was asked again without it.
    AskedAgain,
    /// A program wrote something when nothing was asked, which was left out.
    Late,
    /// The sound came in another form than it was asked for, and was decoded when all of it was there.
    OtherSound,
}

impl Remark {
    /// Every remark.
    pub const ALL: [Remark; 10] = [
        Remark::CutAtLimit,
        Remark::Filtered,
        Remark::Refused,
        Remark::CalledTool,
        Remark::EndNotTold,
        Remark::NotStreamed,
        Remark::Skipped,
        Remark::AskedAgain,
        Remark::Late,
        Remark::OtherSound,
    ];

    /// The name in reports and files: `cut_at_limit`.
    pub const fn name(self) -> &'static str {
        match self {
            Remark::CutAtLimit => "cut_at_limit",
            Remark::Filtered => "filtered",
            Remark::Refused => "refused",
            Remark::CalledTool => "called_tool",
            Remark::EndNotTold => "end_not_told",
            Remark::NotStreamed => "not_streamed",
            Remark::Skipped => "skipped",
            Remark::AskedAgain => "asked_again",
            Remark::Late => "late",
            Remark::OtherSound => "other_sound",
        }
    }

    /// What it means, for people.
    pub const fn told(self) -> &'static str {
        match self {
            Remark::CutAtLimit => {
                "the answer is cut: the model had written as many tokens as it may (max_tokens)"
            }
            Remark::Filtered => "the answer is cut: the server's content filter stopped it",
            Remark::Refused => "the model declined to answer; its words for that were spoken",
            Remark::CalledTool => "the model called a tool besides, which nobody ran",
            Remark::EndNotTold => {
                "the server closed the connection without saying that the answer was at its end"
            }
            Remark::NotStreamed => {
                "not streamed: the answer came whole, so its first words waited for its last"
            }
            Remark::Skipped => "something that could not be understood was left out of the answer",
            Remark::AskedAgain => {
                "the server refused a key of the request and was asked again without it, which took time"
            }
            Remark::Late => {
                "the program wrote something when nothing was asked, which was left out"
            }
            Remark::OtherSound => {
                "the sound came in another form than plain samples, and waited until all of it was there"
            }
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of remarks, each once.
///
/// # Example
/// ```
/// use voicesim::event::{Remark, Remarks};
///
/// let mut remarks = Remarks::default();
/// remarks.add(Remark::NotStreamed);
/// remarks.add(Remark::CutAtLimit);
/// remarks.add(Remark::NotStreamed);
/// let all: Vec<Remark> = remarks.iter().collect();
/// assert_eq!(all, [Remark::CutAtLimit, Remark::NotStreamed]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remarks(u16);

impl Remarks {
    /// Adds a remark, unless it is there.
    pub fn add(&mut self, remark: Remark) {
        self.0 |= bit(remark);
    }

    /// The remarks of both.
    pub fn plus(self, other: Remarks) -> Remarks {
        Remarks(self.0 | other.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether a remark is there.
    pub fn has(self, remark: Remark) -> bool {
        self.0 & bit(remark) != 0
    }

    /// The remarks, in the order of [`Remark::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Remark> {
        Remark::ALL
            .into_iter()
            .filter(move |remark| self.has(*remark))
    }
}

fn bit(remark: Remark) -> u16 {
    1 << remark as u16
}

impl From<Remark> for Remarks {
    fn from(remark: Remark) -> Remarks {
        Remarks(bit(remark))
    }
}

impl Serialize for Remarks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Remarks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Remarks, D::Error> {
        let all = Vec::<Remark>::deserialize(deserializer)?;
        let mut remarks = Remarks::default();
        all.into_iter().for_each(|remark| remarks.add(remark));
        Ok(remarks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_written_by_their_names_and_read_back() {
        let mut all = Remarks::default();
        for remark in Remark::ALL {
            assert!(!all.has(remark));
            all.add(remark);
            let json = serde_json::to_string(&Remarks::from(remark)).expect("JSON");
            assert_eq!(json, format!("[\"{remark}\"]"));
        }
        let json = serde_json::to_string(&all).expect("JSON");
        assert_eq!(serde_json::from_str::<Remarks>(&json).expect("read"), all);
    }
}
