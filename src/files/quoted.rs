//! Paths in commands that are told.

use std::path::Path;

/// A path as a shell takes it, and voicesim for no flag.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let before = if text.starts_with('-') { "./" } else { "" };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => format!("{before}{text}"),
        false => format!("'{before}{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_read_more_into_it() {
        for (path, shell) in [
            ("runs/a-1.wav", "runs/a-1.wav"),
            ("-o.wav", "./-o.wav"),
            ("my call.wav", "'my call.wav'"),
            ("it's.wav", r"'it'\''s.wav'"),
            ("$(rm).wav", "'$(rm).wav'"),
            ("~x", "'~x'"),
        ] {
            assert_eq!(quoted(Path::new(path)), shell);
        }
    }
}
