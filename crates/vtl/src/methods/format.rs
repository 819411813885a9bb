//! `String.format`: the conversions that templates use.

use crate::halt::Halt;
use crate::limits::Meter;
use crate::number::{small, to_big, to_double};
use crate::print::to_text;
use crate::value::Value;

/// The widest field, in characters.
const WIDTH_MAX: usize = 10_000;

#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    group: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats `args` by `pattern`.
///
/// # Errors
/// Fails for a missing argument, one that does not fit, and for conversions other than `s S d x X o f e c b n %`.
pub(super) fn format(pattern: &str, args: &[Value], meter: &mut Meter) -> Result<String, Halt> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        let mut digits = String::new();
        let mut explicit = None;
        let conversion = loop {
            let Some(c) = chars.next() else { return Err(Halt::eval("format(): `%` without a conversion")) };
            match c {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.blank = true,
                ',' => spec.group = true,
                '0' if digits.is_empty() => spec.zero = true,
                '0'..='9' => digits.push(c),
                '$' => explicit = std::mem::take(&mut digits).parse::<usize>().ok(),
                '.' => {
                    let mut precision = String::new();
                    while let Some(c) = chars.next_if(char::is_ascii_digit) {
                        precision.push(c);
                    }
                    spec.precision = Some(precision.parse::<usize>().unwrap_or(0).min(WIDTH_MAX));
                }
                c => break c,
            }
        };
        spec.width = digits.parse::<usize>().unwrap_or(0).min(WIDTH_MAX);
        match conversion {
            '%' => pad(&mut out, "%", &spec),
            'n' => out.push('\n'),
            conversion => {
                let index = explicit.map_or(next, |n| n.saturating_sub(1));
                if explicit.is_none() {
                    next += 1;
                }
                let arg =
                    args.get(index).ok_or_else(|| Halt::eval(format!("format(): no argument for `%{conversion}`")))?;
                let text = convert(conversion, arg, &spec, meter)?;
                pad(&mut out, &text, &spec);
            }
        }
        if out.len() > meter.limits.string_bytes {
            return Err(Halt::limit("format(): too long a text"));
        }
    }
    Ok(out)
}

fn convert(conversion: char, arg: &Value, spec: &Spec, meter: &mut Meter) -> Result<String, Halt> {
    let misfit = || Halt::eval(format!("format(): `%{conversion}` does not fit its argument"));
    match conversion {
        's' | 'S' => {
            let text = to_text(arg, meter)?;
            let text: String = match spec.precision {
                Some(max) => text.chars().take(max).collect(),
                None => text.into_owned(),
            };
            Ok(if conversion == 'S' { text.to_uppercase() } else { text })
        }
        'b' => Ok(match arg {
            Value::Bool(b) => b.to_string(),
            other => (!other.is_null()).to_string(),
        }),
        'c' => match arg {
            Value::Char(c) => Ok(c.to_string()),
            Value::Int(n) => u32::try_from(*n).ok().and_then(char::from_u32).map(String::from).ok_or_else(misfit),
            _ => Err(misfit()),
        },
        _ if arg.is_null() => Ok("null".to_owned()),
        'd' => {
            let digits = to_big(arg).ok_or_else(misfit)?.to_string();
            Ok(signed(&digits, spec))
        }
        'x' | 'X' | 'o' => {
            let n = small(arg).ok_or_else(misfit)?;
            let n = if let Value::Int(n) = arg { u64::from(*n as u32) } else { n as u64 };
            Ok(zeros(
                match conversion {
                    'x' => format!("{n:x}"),
                    'X' => format!("{n:X}"),
                    _ => format!("{n:o}"),
                },
                spec,
            ))
        }
        'f' | 'e' => {
            if !matches!(arg, Value::Double(_) | Value::Decimal(_)) {
                return Err(misfit());
            }
            let d = to_double(arg).ok_or_else(misfit)?;
            let precision = spec.precision.unwrap_or(6);
            if !d.is_finite() {
                return Ok(if d.is_nan() {
                    "NaN"
                } else if d > 0.0 {
                    "Infinity"
                } else {
                    "-Infinity"
                }
                .to_owned());
            }
            let digits = if conversion == 'f' { half_up(d, precision) } else { exponential(d, precision) };
            Ok(signed(&digits, spec))
        }
        _ => Err(Halt::eval(format!("format(): the conversion `%{conversion}` is not known"))),
    }
}

/// Java rounds the shortest digits of a double half up.
fn half_up(d: f64, precision: usize) -> String {
    let shortest = format!("{}", d.abs());
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let wanted = whole.len() + precision;
    let up = digits.get(wanted).is_some_and(|d| *d >= b'5');
    digits.resize(wanted, b'0');
    let mut carry = up;
    for digit in digits.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == b'9';
        *digit = if carry { b'0' } else { *digit + 1 };
    }
    let mut text: String = digits.into_iter().map(char::from).collect();
    let mut point = whole.len();
    if carry {
        text.insert(0, '1');
        point += 1;
    }
    if precision > 0 {
        text.insert(point, '.');
    }
    if d.is_sign_negative() { format!("-{text}") } else { text }
}

fn exponential(d: f64, precision: usize) -> String {
    let text = format!("{d:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn signed(digits: &str, spec: &Spec) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None if spec.plus => ("+", digits),
        None if spec.blank => (" ", digits),
        None => ("", digits),
    };
    let mut grouped = String::new();
    if spec.group {
        let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(c);
        }
        grouped.push_str(rest);
    } else {
        grouped.push_str(digits);
    }
    if spec.zero && !spec.left {
        let width = spec.width.saturating_sub(sign.len());
        return format!("{sign}{grouped:0>width$}");
    }
    format!("{sign}{grouped}")
}

fn zeros(digits: String, spec: &Spec) -> String {
    let width = spec.width;
    if spec.zero && !spec.left { format!("{digits:0>width$}") } else { digits }
}

fn pad(out: &mut String, text: &str, spec: &Spec) {
    let missing = spec.width.saturating_sub(text.chars().count());
    if spec.left {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(' ', missing));
    if !spec.left {
        out.push_str(text);
    }
}
