//! The name that somebody may have meant by one that there is not.

/// The name in `all` that is most like `name`; `None` if each is less alike than `alike_min`: 0 has nothing in common, 1
/// is the same.
pub(crate) fn nearest<T: AsRef<str>>(
    name: &str,
    all: impl IntoIterator<Item = T>,
    alike_min: f64,
) -> Option<T> {
    let alike = |other: &T| strsim::normalized_damerau_levenshtein(name, other.as_ref());
    all.into_iter()
        .map(|other| (alike(&other), other))
        .filter(|(alike, _)| *alike >= alike_min)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_is_chosen_if_it_is_alike_enough() {
        let names = ["live", "load", "limits"];
        assert_eq!(nearest("loda", names, 0.7), Some("load"));
        assert_eq!(nearest("limit", names, 0.7), Some("limits"));
        assert_eq!(nearest("lode", names, 0.7), None);
        assert_eq!(nearest("", names, 0.7), None);
    }
}
