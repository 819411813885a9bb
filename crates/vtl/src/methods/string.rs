//! The methods of strings.

use std::borrow::Cow;
use std::cmp::Ordering;

use java::{Pattern, trim, utf16};

use super::failure::{incomparable, null, out_of_range, surplus};
use super::format;
use crate::halt::Halt;
use crate::limits::Meter;
use crate::patterns::Compiled;
use crate::print::to_text;
use crate::shared::Text;
use crate::value::{ListKind, Value};

/// Methods that take nothing and have no other form.
const WITHOUT_ARGUMENTS: [&str; 7] = ["length", "isEmpty", "trim", "intern", "hashCode", "toString", "toCharArray"];

pub(super) fn bytes(text: &str) -> Value {
    let bytes = text.bytes().map(|b| Value::Int(i32::from(b as i8))).collect();
    Value::list(ListKind::Primitive, bytes)
}

fn int(n: usize) -> Value {
    Value::integer(n as i64)
}

pub(super) fn call(
    text: &Text,
    name: &str,
    args: &[Value],
    pattern: Option<&Compiled>,
    meter: &mut Meter,
) -> Result<Value, Halt> {
    // Every method may look at the whole text.
    meter.steps(text.len() / if pattern.is_some() { 4 } else { 64 })?;
    let result = match args {
        _ if name == "join" => join(args, meter)?,
        [] => without_arguments(text, name, meter)?,
        [Value::Text(pattern), rest @ ..] if name == "format" => {
            Some(Value::from(format::format(pattern, rest, meter)?))
        }
        _ if WITHOUT_ARGUMENTS.contains(&name) => return Err(surplus(name)),
        [Value::Int(_)] if name == "compareTo" => return Err(incomparable()),
        [Value::Int(n)] => with_int(text, name, i64::from(*n), meter)?,
        [Value::Text(other)] => with_text(text, name, other, pattern, meter)?,
        [Value::Null] => with_null(name)?,
        [Value::Int(a), Value::Int(b)] => match name {
            "substring" | "subSequence" => Some(substring(text, name, i64::from(*a), i64::from(*b))?),
            "indexOf" | "lastIndexOf" => {
                Some(char::from_u32(*a as u32).map_or(Value::Int(-1), |c| find(text, name, &c.to_string(), Some(*b))))
            }
            _ => None,
        },
        [Value::Text(other), Value::Int(n)] => match name {
            "indexOf" | "lastIndexOf" => Some(find(text, name, other, Some(*n))),
            "startsWith" => {
                let from = usize::try_from(*n).ok().filter(|n| *n <= utf16::len(text));
                Some(Value::Bool(from.is_some_and(|n| text[utf16::byte_at(text, n)..].starts_with(&**other))))
            }
            "split" => Some(split(text, *n, pattern, meter)?),
            _ => None,
        },
        [from, to] => match (name, from, to) {
            ("replace", Value::Text(from), Value::Text(to)) => {
                let found = text.matches(&**from).take(meter.limits.string_bytes).count();
                check_growth(text, found, to, meter)?;
                Some(Value::from(text.replace(&**from, to)))
            }
            ("replace", Value::Char(from), Value::Char(to)) => {
                Some(Value::from(text.replace(*from, to.encode_utf8(&mut [0; 4]))))
            }
            ("replaceAll" | "replaceFirst", Value::Text(_), Value::Text(to)) => {
                let max = if name == "replaceAll" { usize::MAX } else { 1 };
                let pattern = regular(pattern)?;
                // Counting the matches and replacing them.
                meter.steps(2 * pattern.steps(text.len()))?;
                if max == usize::MAX && to.len() > 1 {
                    let found = pattern.spans(text, usize::MAX).map_err(Halt::eval)?.len();
                    let each = if to.contains('$') { to.len() * text.len().max(1) } else { to.len() };
                    meter.string(found.saturating_mul(each).saturating_add(text.len()))?;
                }
                Some(Value::from(pattern.replace(text, to, max).map_err(Halt::eval)?))
            }
            ("replace" | "replaceAll" | "replaceFirst", Value::Null, _) => return Err(null(name)),
            ("replace" | "replaceAll" | "replaceFirst", _, Value::Null) => return Err(null(name)),
            _ => None,
        },
        [_] if name == "compareTo" => return Err(incomparable()),
        [only] if name == "valueOf" => Some(Value::text(&to_text(only, meter)?)),
        _ => None,
    };
    let result = result.unwrap_or_default();
    if let Value::Text(text) = &result {
        meter.string(text.len())?;
    }
    Ok(result)
}

/// `String.join`: a text between the texts of a collection, an array, or the other arguments.
fn join(args: &[Value], meter: &mut Meter) -> Result<Option<Value>, Halt> {
    let (between, parts) = match args {
        [Value::Null, ..] => return Err(null("join")),
        [Value::Text(between), Value::List(list)] => match list.kind {
            ListKind::Array | ListKind::Primitive | ListKind::Iterator => return Ok(None),
            _ => (between, list.items()),
        },
        [Value::Text(between), parts @ ..] if parts.iter().all(|part| matches!(part, Value::Text(_) | Value::Null)) => {
            (between, parts.to_vec())
        }
        _ => return Ok(None),
    };
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str(between);
        }
        match part {
            Value::Text(text) => out.push_str(text),
            Value::Null => out.push_str("null"),
            _ => return Err(Halt::eval("join() takes texts only")),
        }
        meter.steps(1)?;
        if out.len() > meter.limits.string_bytes {
            meter.string(out.len())?;
        }
    }
    Ok(Some(Value::from(out)))
}

/// Refuses a replacement that would be too long before it is made.
fn check_growth(text: &str, found: usize, to: &str, meter: &mut Meter) -> Result<(), Halt> {
    meter.string(found.saturating_mul(to.len()).saturating_add(text.len()))
}

/// The regular expression, which every method that asks for one was given.
fn regular(pattern: Option<&Compiled>) -> Result<&Pattern, Halt> {
    match pattern {
        Some(Ok(pattern)) => Ok(pattern),
        Some(Err(message)) => Err(Halt::eval(message.clone())),
        None => Err(Halt::eval("no regular expression was given")),
    }
}

fn without_arguments(text: &Text, name: &str, meter: &mut Meter) -> Result<Option<Value>, Halt> {
    Ok(Some(match name {
        "length" => int(utf16::len(text)),
        "isEmpty" => Value::Bool(text.is_empty()),
        "trim" => Value::text(trim(text)),
        "intern" => Value::Text(text.clone()),
        "toUpperCase" => Value::from(text.to_uppercase()),
        "toLowerCase" => Value::from(text.to_lowercase()),
        "strip" => Value::text(text.trim()),
        "isBlank" => Value::Bool(text.trim().is_empty()),
        "getBytes" => {
            meter.make(text.len() * 16)?;
            bytes(text)
        }
        "toCharArray" => {
            meter.make(text.len() * 16)?;
            let chars = char::decode_utf16(text.encode_utf16()).map(|c| Value::Char(c.unwrap_or('?'))).collect();
            Value::list(ListKind::Primitive, chars)
        }
        _ => return Ok(None),
    }))
}

fn with_int(text: &str, name: &str, n: i64, meter: &mut Meter) -> Result<Option<Value>, Halt> {
    Ok(Some(match name {
        "substring" => substring(text, name, n, utf16::len(text) as i64)?,
        "charAt" | "codePointAt" => {
            let len = utf16::len(text);
            let Some(index) = usize::try_from(n).ok().filter(|index| *index < len) else {
                return Err(out_of_range(name, n, len));
            };
            if name == "charAt" {
                Value::Char(utf16::slice(text, index, index + 1).chars().next().unwrap_or('?'))
            } else {
                let units: Vec<u16> = text.encode_utf16().skip(index).take(2).collect();
                let code = match char::decode_utf16(units.iter().copied()).next() {
                    Some(Ok(c)) => c as i32,
                    _ => units.first().map_or(0, |unit| i32::from(*unit)),
                };
                Value::Int(code)
            }
        }
        "indexOf" | "lastIndexOf" => u32::try_from(n)
            .ok()
            .and_then(char::from_u32)
            .map_or(Value::Int(-1), |c| find(text, name, &c.to_string(), None)),
        "valueOf" => Value::from(n.to_string()),
        "repeat" => {
            let times = usize::try_from(n).map_err(|_| out_of_range(name, n, usize::MAX))?;
            meter.string(text.len().saturating_mul(times))?;
            Value::from(text.repeat(times))
        }
        _ => return Ok(None),
    }))
}

fn with_text(
    text: &Text,
    name: &str,
    other: &Text,
    pattern: Option<&Compiled>,
    meter: &mut Meter,
) -> Result<Option<Value>, Halt> {
    Ok(Some(match name {
        "contains" => Value::Bool(text.contains(&**other)),
        "startsWith" => Value::Bool(text.starts_with(&**other)),
        "endsWith" => Value::Bool(text.ends_with(&**other)),
        "indexOf" | "lastIndexOf" => find(text, name, other, None),
        "equalsIgnoreCase" => Value::Bool(folded(text) == folded(other)),
        "contentEquals" => Value::Bool(text == other),
        "compareTo" => Value::Int(compare(text, other)),
        "compareToIgnoreCase" => Value::Int(compare(&folded(text), &folded(other))),
        "concat" => {
            meter.string(text.len() + other.len())?;
            Value::from(format!("{text}{other}"))
        }
        "matches" => {
            let pattern = regular(pattern)?;
            meter.steps(pattern.steps(text.len()) + other.len())?;
            Value::Bool(pattern.is_match(text).map_err(Halt::eval)?)
        }
        "split" => split(text, 0, pattern, meter)?,
        "valueOf" => Value::Text(other.clone()),
        _ => return Ok(None),
    }))
}

fn with_null(name: &str) -> Result<Option<Value>, Halt> {
    match name {
        "equalsIgnoreCase" => Ok(Some(Value::Bool(false))),
        "valueOf" => Ok(Some(Value::text("null"))),
        "contains"
        | "startsWith"
        | "endsWith"
        | "indexOf"
        | "lastIndexOf"
        | "compareTo"
        | "compareToIgnoreCase"
        | "concat"
        | "matches"
        | "split"
        | "format"
        | "contentEquals"
        | "getBytes"
        | "toUpperCase"
        | "toLowerCase" => Err(null(name)),
        _ => Ok(None),
    }
}

/// Java compares without case by upper case, then lower case, character by character.
fn folded(text: &str) -> Cow<'_, str> {
    fn single(mut chars: impl Iterator<Item = char>, or: char) -> char {
        match (chars.next(), chars.next()) {
            (Some(c), None) => c,
            _ => or,
        }
    }
    let fold = |c: char| {
        let upper = single(c.to_uppercase(), c);
        single(upper.to_lowercase(), upper)
    };
    Cow::Owned(text.chars().map(fold).collect())
}

fn compare(a: &str, b: &str) -> i32 {
    let (mut left, mut right) = (a.encode_utf16(), b.encode_utf16());
    loop {
        match (left.next(), right.next()) {
            (Some(x), Some(y)) => match x.cmp(&y) {
                Ordering::Equal => {}
                _ => return i32::from(x) - i32::from(y),
            },
            _ => return utf16::len(a) as i32 - utf16::len(b) as i32,
        }
    }
}

fn substring(text: &str, name: &str, from: i64, to: i64) -> Result<Value, Halt> {
    let len = utf16::len(text);
    if from < 0 || from > len as i64 {
        return Err(out_of_range(name, from, len));
    }
    if to < from || to > len as i64 {
        return Err(out_of_range(name, to, len));
    }
    Ok(Value::from(utf16::slice(text, from as usize, to as usize)))
}

fn find(text: &str, name: &str, wanted: &str, from: Option<i32>) -> Value {
    let found = if name == "indexOf" {
        let start = utf16::byte_at(text, usize::try_from(from.unwrap_or(0)).unwrap_or(0));
        text[start..].find(wanted).map(|at| start + at)
    } else {
        match from {
            Some(n) if n < 0 => None,
            Some(n) => {
                // The last match that begins at or before the index.
                let last = utf16::byte_at(text, n as usize);
                let mut end = last.saturating_add(wanted.len()).min(text.len());
                // Within a character no match ends.
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text[..end].rfind(wanted)
            }
            None => text.rfind(wanted),
        }
    };
    found.map_or(Value::Int(-1), |at| int(utf16::index_at(text, at)))
}

/// Java's `split`: an empty match at the start gives no part; with limit 0 trailing empty parts go.
fn split(text: &str, limit: i32, pattern: Option<&Compiled>, meter: &mut Meter) -> Result<Value, Halt> {
    let pattern = regular(pattern)?;
    meter.steps(pattern.steps(text.len()))?;
    let max = usize::try_from(limit).ok().filter(|max| *max > 0);
    let mut parts = Vec::new();
    let mut last = 0;
    for (start, end) in pattern.spans(text, usize::MAX).map_err(Halt::eval)? {
        if max.is_some_and(|max| parts.len() + 1 >= max) {
            break;
        }
        if end == 0 || start == end && start == text.len() {
            continue;
        }
        parts.push(Value::text(&text[last..start]));
        last = end;
    }
    if parts.is_empty() {
        parts.push(Value::text(text));
    } else {
        parts.push(Value::text(&text[last..]));
        if limit == 0 {
            while parts.last().and_then(Value::as_text) == Some("") {
                parts.pop();
            }
        }
    }
    meter.make(text.len() + parts.len() * 48)?;
    Ok(Value::list(ListKind::Strings, parts))
}
