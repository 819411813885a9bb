//! Decimal numbers of any precision, as `java.math.BigDecimal` reads, computes, compares and prints them.

use std::cmp::Ordering;
use std::f64::consts::LOG10_2;
use std::fmt;

use num_bigint::{BigInt, Sign};

/// The largest difference of scales that is computed with, in digits. Beyond it a number of a few characters
/// (`1e999999999`) would fill the memory.
const DIGITS_MAX: i64 = 10_000;

/// The scales that `BigDecimal` takes are of 32 bits; beyond, its text is no number.
const SCALES: std::ops::RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;

/// The most digits of an exponent, zeros in front of it aside.
const EXPONENT_DIGITS_MAX: usize = 10;

/// `unscaled × 10^-scale`. Two are equal as Java's `equals` has it: 1 and 1.0 are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i64,
}

fn power(digits: i64) -> Option<BigInt> {
    (digits <= DIGITS_MAX).then(|| ten_to(digits))
}

fn ten_to(digits: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(digits).unwrap_or(0))
}

impl Decimal {
    /// Reads what `new BigDecimal(text)` reads: a sign, digits with a point somewhere, an exponent; no blanks. `None` where
    /// the text is no number.
    pub fn parse(text: &str) -> Option<Decimal> {
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
        if !SCALES.contains(&scale) {
            return None;
        }
        let unscaled: BigInt =
            if fraction.is_empty() { whole.parse().ok()? } else { format!("{whole}{fraction}").parse().ok()? };
        Some(Decimal { unscaled: if negative { -unscaled } else { unscaled }, scale })
    }

    /// A whole number.
    pub fn from_integer(n: impl Into<BigInt>) -> Decimal {
        Decimal { unscaled: n.into(), scale: 0 }
    }

    /// The exact value of a double; `None` where it is not finite.
    pub fn from_double(d: f64) -> Option<Decimal> {
        if !d.is_finite() {
            return None;
        }
        let bits = d.to_bits();
        let exponent = (bits >> 52 & 0x7FF) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mut mantissa, mut exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        if mantissa == 0 {
            return Some(Decimal { unscaled: BigInt::ZERO, scale: 0 });
        }
        while mantissa & 1 == 0 {
            mantissa >>= 1;
            exponent += 1;
        }
        let sign = if d < 0.0 { Sign::Minus } else { Sign::Plus };
        let mantissa = BigInt::from_biguint(sign, mantissa.into());
        Some(if exponent >= 0 {
            Decimal { unscaled: mantissa << exponent, scale: 0 }
        } else {
            Decimal { unscaled: mantissa * BigInt::from(5).pow(-exponent as u32), scale: -exponent }
        })
    }

    /// Whether it is zero, of whatever scale.
    pub fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    /// The nearest double; infinite beyond all doubles.
    pub fn to_double(&self) -> f64 {
        format!("{}e{}", self.unscaled, -self.scale).parse().unwrap_or(f64::NAN)
    }

    /// The whole part in 32 bits, as `intValue` gives it: the low bits of what is larger.
    pub fn int_value(&self) -> i32 {
        // 10^32 is a multiple of 2^32, so zeros beyond that leave nothing of the low 32 bits.
        if self.scale <= -32 || self.scale > self.digits_max() {
            return 0;
        }
        let whole = match self.scale {
            0 => self.unscaled.clone(),
            scale @ ..0 => &self.unscaled * ten_to(-scale),
            scale => &self.unscaled / ten_to(scale),
        };
        let low = whole.iter_u32_digits().next().unwrap_or(0) as i32;
        if whole.sign() == Sign::Minus { low.wrapping_neg() } else { low }
    }

    fn aligned(&self, other: &Decimal) -> Option<(BigInt, BigInt, i64)> {
        let scale = self.scale.max(other.scale);
        let a = &self.unscaled * power(scale - self.scale)?;
        let b = &other.unscaled * power(scale - other.scale)?;
        Some((a, b, scale))
    }

    /// The sum; `None` where the scales differ too much to be computed with.
    pub fn add(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal { unscaled: a + b, scale })
    }

    /// The difference; `None` where the scales differ too much to be computed with.
    pub fn subtract(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal { unscaled: a - b, scale })
    }

    /// The product.
    pub fn multiply(&self, other: &Decimal) -> Decimal {
        Decimal { unscaled: &self.unscaled * &other.unscaled, scale: self.scale + other.scale }
    }

    /// Divides by what is not zero, keeping the scale of the left side and rounding half down; `None` where the right side's
    /// scale is too large to be computed with.
    pub fn divide(&self, other: &Decimal) -> Option<Decimal> {
        let (numerator, denominator) = if other.scale >= 0 {
            (&self.unscaled * power(other.scale)?, other.unscaled.clone())
        } else {
            (self.unscaled.clone(), &other.unscaled * power(-other.scale)?)
        };
        let quotient = &numerator / &denominator;
        let rest = &numerator - &quotient * &denominator;
        let away = rest.magnitude() * 2u32 > *denominator.magnitude();
        let step = i32::from(away) * if numerator.sign() == denominator.sign() { 1 } else { -1 };
        Some(Decimal { unscaled: quotient + step, scale: self.scale })
    }

    /// Which is larger by value; 1 and 1.0 are equal. It takes no longer than the two have digits, whatever their scales.
    pub fn order(&self, other: &Decimal) -> Ordering {
        let (sign, by_sign) = (self.unscaled.sign(), self.unscaled.sign().cmp(&other.unscaled.sign()));
        if by_sign.is_ne() || sign == Sign::NoSign {
            return by_sign;
        }
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        // By their size first: one number may have a billion zeros that the other has not.
        let ((least, most), (other_least, other_most)) = (self.log10(), other.log10());
        let by_size = if most < other_least {
            Ordering::Less
        } else if other_most < least {
            Ordering::Greater
        } else {
            Ordering::Equal
        };
        match (by_size, sign) {
            (Ordering::Equal, _) => {
                // As large as each other, so the scales differ by no more than the digits do.
                let scale = self.scale.max(other.scale);
                let (a, b) = (ten_to(scale - self.scale), ten_to(scale - other.scale));
                (&self.unscaled * a).cmp(&(&other.unscaled * b))
            }
            (by_size, Sign::Minus) => by_size.reverse(),
            (by_size, _) => by_size,
        }
    }

    /// How many digits it has, give or take one: what comparing it takes.
    pub fn digits(&self) -> usize {
        usize::try_from(self.digits_max()).unwrap_or(usize::MAX)
    }

    /// How many bytes its digits take, roughly.
    pub fn size(&self) -> usize {
        self.unscaled.bits() as usize / 8 + 16
    }

    // At least as many as it has digits.
    fn digits_max(&self) -> i64 {
        (self.unscaled.bits() as f64 * LOG10_2) as i64 + 1
    }

    // Between which its magnitude's decimal logarithm is, give or take what a double does not hold.
    fn log10(&self) -> (f64, f64) {
        const INEXACT: f64 = 0.001;
        let (bits, scale) = (self.unscaled.bits() as f64, self.scale as f64);
        ((bits - 1.0) * LOG10_2 - scale - INEXACT, bits * LOG10_2 - scale + INEXACT)
    }
}

/// `BigDecimal.toString`: plain where the scale allows it, else with an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        if self.unscaled.sign() == Sign::Minus {
            f.write_str("-")?;
        }
        let adjusted = digits.len() as i64 - 1 - self.scale;
        if self.scale >= 0 && adjusted >= -6 {
            if self.scale == 0 {
                return f.write_str(&digits);
            }
            let scale = self.scale as usize;
            if digits.len() > scale {
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                return write!(f, "{whole}.{fraction}");
            }
            return write!(f, "0.{digits:0>scale$}");
        }
        f.write_str(&digits[..1])?;
        if digits.len() > 1 {
            write!(f, ".{}", &digits[1..])?;
        }
        if adjusted != 0 { write!(f, "E{adjusted:+}") } else { Ok(()) }
    }
}

fn exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.trim_start_matches('0') {
        "" => Some(0),
        significant if significant.len() > EXPONENT_DIGITS_MAX => None,
        significant => significant.parse::<i64>().ok().map(|exponent| sign * exponent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_print_as_java_prints_them() {
        for (text, expected) in [
            ("1", "1"),
            ("007", "7"),
            ("-1.50", "-1.50"),
            ("+2", "2"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.0E7", "1.0E+7"),
            ("1e3", "1E+3"),
            ("1e+0000000000003", "1E+3"),
            ("1.5E300", "1.5E+300"),
            ("1.0E-4", "0.00010"),
            ("1e-7", "1E-7"),
            ("1.25e-8", "1.25E-8"),
            ("0.00", "0.00"),
            ("0e3", "0E+3"),
            ("-0", "0"),
        ] {
            assert_eq!(number(text).to_string(), expected, "{text}");
        }
        for text in
            ["", "-", ".", "e5", "1e", "1e+", "1 ", "0x1", "1e99999999999", "1e3000000000", "NaN", "1-2", "--1", "1_0"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn decimals_compare_by_value() {
        let long = "9".repeat(20_000);
        for (a, b) in
            [("1", "1.0"), ("0", "-0.00"), ("1e3", "1000"), ("0.5", ".50"), ("0e9", "0e-9"), ("1e20000", "10e19999")]
        {
            assert_eq!(number(a).order(&number(b)), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in [
            ("1", "2"),
            ("-2", "-1"),
            ("-1", "0"),
            ("9", "10"),
            ("1.1", "1.11"),
            ("1e-3", "1"),
            ("99", "1e2"),
            ("1e2000000000", "2e2000000000"),
            ("1e-2000000000", "1e2000000000"),
            ("-1e2000000000", "-1e-2000000000"),
            ("1e400", "1.00000000000000000001e400"),
            (long.as_str(), "1e20000"),
        ] {
            assert_eq!(number(a).order(&number(b)), Ordering::Less, "{a} {b}");
            assert_eq!(number(b).order(&number(a)), Ordering::Greater, "{b} {a}");
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
            ("-4294967297", -1),
            ("2147483648", i32::MIN),
            ("1e31", i32::MIN),
            ("1e40", 0),
            ("1e2000000000", 0),
            ("1e-2000000000", 0),
            ("10000000000", 1_410_065_408),
        ] {
            assert_eq!(number(text).int_value(), expected, "{text}");
        }
    }

    #[test]
    fn decimals_are_computed_exactly() {
        let text = |number: Option<Decimal>| number.map(|number| number.to_string()).unwrap_or_default();
        let (a, b) = (number("1.10"), number("-0.3"));
        assert_eq!(text(a.add(&b)), "0.80");
        assert_eq!(text(a.subtract(&b)), "1.40");
        assert_eq!(a.multiply(&b).to_string(), "-0.330");
        assert_eq!(text(a.divide(&b)), "-3.67");
        assert_eq!(text(number("1").divide(&number("2"))), "0");
        assert_eq!(text(number("3").divide(&number("4"))), "1");
        assert_eq!(text(number("1").divide(&number("5e1"))), "0");
        assert_eq!(text(number("1").add(&number("1e20000"))), "");
        assert_eq!(text(Decimal::from_double(0.1)), "0.1000000000000000055511151231257827021181583404541015625");
        assert_eq!(text(Decimal::from_double(-1e22)), "-10000000000000000000000");
        assert!(Decimal::from_double(f64::NAN).is_none());
        assert_eq!((number("1.5e3").to_double(), number("1e999").to_double()), (1500.0, f64::INFINITY));
    }
}
