//! Amounts of money, for people.

/// Three significant digits, and at least two behind the point: calls cost cents, their parts less.
pub(super) fn money(amount: f64, currency: &str) -> String {
    let mut digits = 2;
    let mut scaled = amount.abs() * 100.0;
    while scaled > 0.0 && scaled < 100.0 && digits < 9 {
        scaled *= 10.0;
        digits += 1;
    }
    let text = format!("{amount:.digits$}");
    match currency {
        "" => text,
        currency => format!("{text} {currency}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_keep_three_digits() {
        for (amount, expected) in [
            (0.0, "0.00"),
            (12.345, "12.35"),
            (0.1234, "0.123"),
            (0.000_123_4, "0.000123"),
        ] {
            assert_eq!(money(amount, ""), expected);
        }
        assert_eq!(money(1.0, "USD"), "1.00 USD");
    }
}
