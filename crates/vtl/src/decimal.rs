//! Decimal numbers of any precision, as `java.math.BigDecimal` computes and prints them.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};

/// The largest difference of scales that is computed with, in digits. Beyond it a number of a few characters
/// (`1e999999999`) would fill the memory.
const DIGITS_MAX: i64 = 10_000;

/// `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i64,
}

fn power(digits: i64) -> Option<BigInt> {
    (digits <= DIGITS_MAX).then(|| BigInt::from(10).pow(digits as u32))
}

impl Decimal {
    /// Reads digits with a point and an exponent; `None` where the text is no number.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let unscaled = digits.parse().ok()?;
        Some(Decimal { unscaled, scale: fraction.len() as i64 - i64::from(exponent) })
    }

    pub(crate) fn from_integer(n: BigInt) -> Decimal {
        Decimal { unscaled: n, scale: 0 }
    }

    /// The exact value of a double; `None` where it is not finite.
    pub(crate) fn from_double(d: f64) -> Option<Decimal> {
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

    pub(crate) fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    pub(crate) fn to_double(&self) -> f64 {
        format!("{}e{}", self.unscaled, -self.scale).parse().unwrap_or(f64::NAN)
    }

    fn aligned(&self, other: &Decimal) -> Option<(BigInt, BigInt, i64)> {
        let scale = self.scale.max(other.scale);
        let a = &self.unscaled * power(scale - self.scale)?;
        let b = &other.unscaled * power(scale - other.scale)?;
        Some((a, b, scale))
    }

    pub(crate) fn add(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal { unscaled: a + b, scale })
    }

    pub(crate) fn subtract(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal { unscaled: a - b, scale })
    }

    pub(crate) fn multiply(&self, other: &Decimal) -> Option<Decimal> {
        Some(Decimal { unscaled: &self.unscaled * &other.unscaled, scale: self.scale + other.scale })
    }

    /// Divides, keeping the scale of the left side and rounding half down.
    pub(crate) fn divide(&self, other: &Decimal) -> Option<Decimal> {
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

    pub(crate) fn compare(&self, other: &Decimal) -> Ordering {
        match self.aligned(other) {
            Some((a, b, _)) => a.cmp(&b),
            None => self.to_double().total_cmp(&other.to_double()),
        }
    }

    /// How many bytes its digits take, roughly.
    pub(crate) fn size(&self) -> usize {
        self.unscaled.bits() as usize / 8 + 16
    }
}

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
