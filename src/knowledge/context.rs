//! The line that puts a chunk into its document: title › heading › heading.
//!
//! Cut out of its document, a chunk does not say what it is about ("It costs £5"); with this line it does.

use super::passages::Passage;

/// The titles above a chunk, outermost first.
pub(super) fn line(passage: &Passage) -> String {
    let trail = passage.trail.iter().map(String::as_str);
    let titles: Vec<&str> = std::iter::once(passage.document.as_str())
        .chain(trail)
        .collect();
    titles.join(" › ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_where_it_stands() {
        let passage = |trail: &[&str]| Passage {
            file: "a.md".into(),
            document: "Hours".into(),
            trail: trail.iter().map(|&heading| heading.to_owned()).collect(),
            body: String::new(),
        };
        assert_eq!(line(&passage(&["Quay", "Sunday"])), "Hours › Quay › Sunday");
        assert_eq!(line(&passage(&[])), "Hours");
    }
}
