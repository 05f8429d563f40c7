//! A row of a table as a person would read it out.

/// "Large loaf: price £4.60, weight 800 g.": read out, a row has to carry the head of its table.
pub(crate) fn row(head: &[String], cells: &[String]) -> String {
    let named = cells.iter().zip(head).skip(1);
    let rest: Vec<String> = named
        .filter(|(cell, _)| !matches!(cell.trim(), "" | "-" | "–" | "—"))
        .map(|(cell, head)| format!("{} {}", head.trim(), cell.trim()).trim().to_owned())
        .collect();
    let first = cells.first().map_or("", |cell| cell.trim());
    let first = match head.first().map(|head| head.trim()) {
        // A figure alone does not say what it counts.
        Some(head) if first.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{head} {first}")
        }
        _ => first.to_owned(),
    };
    match (first.is_empty(), rest.is_empty()) {
        (false, false) => format!("{first}: {}.", rest.join(", ")),
        (true, _) => rest.join(", "),
        (false, true) => first,
    }
}
