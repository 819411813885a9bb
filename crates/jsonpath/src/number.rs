//! Numbers as Java's `BigDecimal` reads, compares and prints them, and doubles as Java prints those.
//!
//! Filters compare decimally, so that 8.95 equals `8.95` however it came; as text a number is what Java prints.

use std::cmp::Ordering;

/// The exponents that `BigDecimal` takes are 32-bit; beyond, its text is no number.
const SCALE_MAX: i64 = i32::MAX as i64;

/// `± digits × 10^-scale`.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without leading zeros; a lone `0` for zero.
    digits: String,
    scale: i64,
}

impl Decimal {
    /// Reads what `BigDecimal` reads: a sign, digits with a point somewhere, an exponent; no blanks.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()? - exponent;
        if scale.abs() > SCALE_MAX {
            return None;
        }
        let joined = format!("{whole}{fraction}");
        let digits = match joined.trim_start_matches('0') {
            "" => "0".to_owned(),
            digits => digits.to_owned(),
        };
        Some(Decimal { negative: negative && digits != "0", digits, scale })
    }

    /// Which is larger by value; 1 and 1.0 are equal.
    pub(crate) fn order(&self, other: &Decimal) -> Ordering {
        match (self.sign(), other.sign()) {
            (0, 0) => Ordering::Equal,
            (a, b) if a != b => a.cmp(&b),
            (1, _) => self.magnitude(other),
            _ => other.magnitude(self),
        }
    }

    /// What `BigDecimal.toString` prints: plain where the scale allows it, else with an exponent.
    pub(crate) fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = &self.digits;
        let adjusted = self.exponent();
        if self.scale == 0 {
            return format!("{sign}{digits}");
        }
        if self.scale > 0 && adjusted >= -6 {
            let fraction = usize::try_from(self.scale).unwrap_or(0);
            let padded = format!("{}{digits}", "0".repeat((fraction + 1).saturating_sub(digits.len())));
            let (whole, rest) = padded.split_at(padded.len() - fraction);
            return format!("{sign}{whole}.{rest}");
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        match adjusted {
            0 => format!("{sign}{first}{point}{rest}"),
            _ => format!("{sign}{first}{point}{rest}E{adjusted:+}"),
        }
    }

    /// The whole part in 32 bits, as `intValue` gives it: the low bits of what is larger.
    pub(crate) fn int_value(&self) -> i32 {
        let keep = i64::try_from(self.digits.len()).unwrap_or(i64::MAX) - self.scale;
        if keep <= 0 || self.digits == "0" {
            return 0;
        }
        // 10^32 is a multiple of 2^32, so zeros beyond that leave nothing of the low 32 bits.
        if self.scale <= -32 {
            return 0;
        }
        let kept = self.digits.bytes().map(|byte| byte - b'0').chain(std::iter::repeat(0));
        let whole = kept
            .take(usize::try_from(keep).unwrap_or(0))
            .fold(0_i32, |sum, digit| sum.wrapping_mul(10).wrapping_add(i32::from(digit)));
        if self.negative { whole.wrapping_neg() } else { whole }
    }

    /// How many digits it has, which is what comparing it takes.
    pub(crate) fn len(&self) -> usize {
        self.digits.len()
    }

    fn sign(&self) -> i8 {
        match (self.digits.as_str(), self.negative) {
            ("0", _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    // Of the first digit.
    fn exponent(&self) -> i64 {
        i64::try_from(self.digits.len()).unwrap_or(i64::MAX) - 1 - self.scale
    }

    fn magnitude(&self, other: &Decimal) -> Ordering {
        let significant = |number: &Decimal| number.digits.trim_end_matches('0').to_owned();
        self.exponent().cmp(&other.exponent()).then_with(|| significant(self).cmp(&significant(other)))
    }
}

fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A double as `Double.toString` prints it: `1.0`, `1.0E7`, `1.0E-4`.
pub(crate) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let scientific = format!("{number:E}");
    match scientific.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Decimal, double_text};

    #[test]
    fn decimals_print_as_java_prints_them() {
        for (text, expected) in [
            ("1", "1"),
            ("007", "7"),
            ("-1.50", "-1.50"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.0E7", "1.0E+7"),
            ("1e3", "1E+3"),
            ("1.5E300", "1.5E+300"),
            ("1.0E-4", "0.00010"),
            ("1e-7", "1E-7"),
            ("1.25e-8", "1.25E-8"),
            ("0.00", "0.00"),
            ("0e3", "0E+3"),
            ("-0", "0"),
        ] {
            assert_eq!(Decimal::parse(text).map(|number| number.text()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "1 ", "0x1", "1e99999999999", "NaN", "1-2", "--1"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn decimals_compare_by_value() {
        let order = |a: &str, b: &str| Decimal::parse(a).unwrap().order(&Decimal::parse(b).unwrap());
        for (a, b) in [("1", "1.0"), ("0", "-0.00"), ("1e3", "1000"), ("0.5", ".50")] {
            assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in
            [("1", "2"), ("-2", "-1"), ("-1", "0"), ("9", "10"), ("1.1", "1.11"), ("1e-3", "1"), ("99", "1e2")]
        {
            assert_eq!(order(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(order(b, a), Ordering::Greater, "{b} {a}");
        }
    }

    #[test]
    fn the_whole_part_keeps_its_low_32_bits() {
        for (text, expected) in [
            ("2.9", 2),
            ("-2.9", -2),
            ("0.4", 0),
            ("2e1", 20),
            ("4294967297", 1),
            ("1e40", 0),
            ("1e2000000000", 0),
            ("10000000000", 1_410_065_408),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().int_value(), expected, "{text}");
        }
    }

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (number, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (14.774000000000001, "14.774000000000001"),
            (0.001, "0.001"),
            (1e7, "1.0E7"),
            (1.5e-4, "1.5E-4"),
            (1.5e300, "1.5E300"),
            (9_999_999.5, "9999999.5"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(double_text(number), expected);
        }
    }
}
