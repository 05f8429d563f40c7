//! What tests ask of a picture.

/// The values of an attribute (with the blank before it) in elements that begin so, as numbers.
pub(super) fn numbers(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
    let key = format!("{attribute}=\"");
    let values = svg.split(element).skip(1).filter_map(|rest| {
        let tag = rest.split('>').next()?;
        let value = tag.split(&key).nth(1)?.split('"').next()?;
        value.trim_end_matches('%').parse().ok()
    });
    values.collect()
}

/// The points of every path that is made of M, L, H, V and l, h, v, in its own units.
pub(super) fn points(svg: &str) -> Vec<(f64, f64)> {
    let mut all = Vec::new();
    for path in svg.split(" d=\"").skip(1) {
        let path = path.split('"').next().unwrap_or_default();
        let (mut x, mut y) = (0.0, 0.0);
        for part in path
            .split_inclusive(|c: char| c.is_ascii_alphabetic())
            .collect::<Vec<_>>()
            .windows(2)
        {
            let command = part[0].chars().last().unwrap_or('z');
            let spaced = part[1].replace('-', " -");
            let numbers: Vec<f64> = spaced
                .trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .split([' ', ','])
                .filter_map(|n| n.parse().ok())
                .collect();
            match (command, numbers.as_slice()) {
                ('M' | 'L', [to_x, to_y]) => (x, y) = (*to_x, *to_y),
                ('l', [by_x, by_y]) => (x, y) = (x + by_x, y + by_y),
                ('H', [to]) => x = *to,
                ('h', [by]) => x += by,
                ('V', [to]) => y = *to,
                ('v', [by]) => y += by,
                _ => continue,
            }
            all.push((x, y));
        }
    }
    all
}
