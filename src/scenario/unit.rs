//! Times that were written with their unit, as `300ms`, though the key names the unit already.

/// What is wrong with the text that was given for a key: `300ms`, `0.3s` or `"300"` for a key that ends with `_ms` or
/// `_s`. `None` if the key names no unit, or the text is nothing of the kind.
pub(crate) fn fix(key: &str, text: &str) -> Option<String> {
    let key = key.trim();
    let (wanted_ms, name) = match key {
        _ if key.ends_with("_ms") => (1.0, "milliseconds"),
        _ if key.ends_with("_s") => (1e3, "seconds"),
        _ => return None,
    };
    let text = text.trim();
    let bare = text.trim_matches(['"', '\'']).trim();
    let is_inside = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    let end = bare.find(|c| !is_inside(c)).unwrap_or(bare.len());
    let (number, unit) = bare.split_at(end);
    let number: f64 = number.replace('_', "").parse().ok()?;
    let unit_ms = match unit.trim().to_ascii_lowercase().as_str() {
        "" if bare != text => return Some(format!("write {number} without quotes ({name})")),
        "us" | "µs" | "μs" | "microseconds" => 1e-3,
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
        "m" | "min" | "mins" | "minute" | "minutes" => 60e3,
        "h" | "hour" | "hours" => 3_600e3,
        _ => return None,
    };
    let meant = (number * unit_ms / wanted_ms * 1e6).round() / 1e6;
    Some(format!("write {meant} without a unit ({name})"))
}

/// The first key of a line of TOML, also in a table written in one line, whose value has a unit; with what to write.
pub(super) fn in_line(line: &str) -> Option<(String, String)> {
    let line = line.split(" #").next().unwrap_or_default();
    line.split(['{', ',', '}']).find_map(|pair| {
        let (key, value) = pair.rsplit_once('=')?;
        let key = key.rsplit('=').next().unwrap_or_default().trim();
        fix(key, value).map(|fix| (key.to_owned(), fix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_is_told_without_it() {
        for (key, given, cure) in [
            (
                "silence_ms",
                "300ms",
                "write 300 without a unit (milliseconds)",
            ),
            (
                "silence_ms",
                "\"300 ms\"",
                "write 300 without a unit (milliseconds)",
            ),
            (
                "silence_ms",
                "'0.3s'",
                "write 300 without a unit (milliseconds)",
            ),
            (
                "silence_ms",
                "1_200 MS",
                "write 1200 without a unit (milliseconds)",
            ),
            ("duration_s", "500ms", "write 0.5 without a unit (seconds)"),
            ("duration_s", "10 min", "write 600 without a unit (seconds)"),
            (
                "silence_ms",
                "\"300\"",
                "write 300 without quotes (milliseconds)",
            ),
        ] {
            assert_eq!(fix(key, given).as_deref(), Some(cure), "{key} = {given}");
        }
    }

    #[test]
    fn what_is_no_such_number_is_left_to_others() {
        for (key, given) in [
            ("silence_ms", "300"),
            ("silence_ms", "-300ms"),
            ("silence_ms", "ms"),
            ("silence_ms", "1.2.3ms"),
            ("silence_ms", "300 parrots"),
            ("silence_ms", ""),
            ("name", "\"300ms\""),
        ] {
            assert_eq!(fix(key, given), None, "{key} = {given}");
        }
    }

    #[test]
    fn a_table_in_one_line_is_looked_through() {
        let found = in_line("latency = { uniform = { min_ms = 90, max_ms = 1.5s } } # \"2s\"");
        let (key, fix) = found.expect("a unit");
        assert_eq!(key, "max_ms");
        assert_eq!(fix, "write 1500 without a unit (milliseconds)");
        assert_eq!(in_line("text = \"wait_ms is long, 300ms\""), None);
        assert_eq!(in_line("[turn]"), None);
    }
}
