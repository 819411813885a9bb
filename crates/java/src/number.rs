//! Numbers as text.

use std::fmt::Write as _;

use num_bigint::BigInt;

/// Writes a whole number in digits, as `Long.toString` does.
pub fn write_integer(n: i64, out: &mut String) {
    // The digits from the last to the first; 20 are enough for 64 bits and a sign.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = n.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        out.push('-');
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Writes a double as `Double.toString` of Java 19 and later does: `1.0`, `1.0E7`, `1.0E-4`, `NaN`, `-Infinity`.
pub fn write_double(d: f64, out: &mut String) {
    if d.is_nan() {
        return out.push_str("NaN");
    }
    if d.is_infinite() {
        return out.push_str(if d > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let start = out.len();
    let magnitude = d.abs();
    // Writing to a string cannot fail.
    if d == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let _ = write!(out, "{d}");
        if !out[start..].contains('.') {
            out.push_str(".0");
        }
        return;
    }
    let _ = write!(out, "{d:E}");
    if !out[start..].contains('.') {
        // Of the texts with two digits the nearest, where one digit would do: 4.9E-324.
        out.truncate(start);
        let _ = write!(out, "{d:.1E}");
    }
}

/// A double as [`write_double`] writes it.
pub fn double_text(d: f64) -> String {
    let mut out = String::new();
    write_double(d, &mut out);
    out
}

/// The double nearest to a whole number, as `BigInteger.doubleValue` gives it; infinite beyond all doubles.
pub fn big_to_double(n: &BigInt) -> f64 {
    // Digits are read and rounded once; they always are a number.
    n.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (number, expected) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (14.774000000000001, "14.774000000000001"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e7, "1.0E7"),
            (1.5e-4, "1.5E-4"),
            (1.5e300, "1.5E300"),
            (9_999_999.5, "9999999.5"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(number), expected);
        }
    }

    #[test]
    fn whole_numbers_print_in_digits() {
        for n in [0, 7, -7, 10, i64::MAX, i64::MIN] {
            let mut out = String::from("n=");
            write_integer(n, &mut out);
            assert_eq!(out, format!("n={n}"));
        }
    }

    #[test]
    fn big_numbers_become_the_nearest_double() {
        for (digits, expected) in [("-12", -12.0), ("9007199254740993", 9_007_199_254_740_992.0), ("1", 1.0)] {
            assert_eq!(big_to_double(&digits.parse().unwrap()), expected);
        }
        assert_eq!(big_to_double(&"1".repeat(400).parse().unwrap()), f64::INFINITY);
    }
}
