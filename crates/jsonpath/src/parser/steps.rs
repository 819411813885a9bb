//! The steps of a path: names, indexes, slices, wildcards, scans and where filters and functions begin.

use crate::cursor::{Cursor, Fault};
use crate::literal::unescape;
use crate::step::{Call, Program, Slice, Step};

use super::{Parser, program};

impl Parser {
    /// Reads from `$` or `@` to the end.
    pub(super) fn steps(&mut self, mut cursor: Cursor<'_>) -> Result<Program, Fault> {
        while matches!(cursor.peek(cursor.at), Some(b' ' | b'\t' | b'\n' | b'\r')) && cursor.is_within(cursor.at) {
            cursor.at += 1;
        }
        let from_root = match cursor.current()? {
            b'$' => true,
            b'@' => false,
            _ => return Err(cursor.soft("a path starts with `$` or `@`")),
        };
        let mut steps = Vec::new();
        if cursor.is_at_tail() {
            return Ok(program(from_root, steps));
        }
        cursor.at += 1;
        if !matches!(cursor.current()?, b'.' | b'[') {
            return Err(cursor.soft("expected `.` or `[`"));
        }
        loop {
            if cursor.current()? == b'.' {
                self.dots(&mut cursor, &mut steps)?;
            }
            self.count_step(&cursor)?;
            let step = match cursor.current()? {
                b'[' => self.bracket(&mut cursor)?,
                b'*' => {
                    cursor.at += 1;
                    Step::Wildcard
                }
                _ => self.name_or_call(&mut cursor)?,
            };
            steps.push(step);
            if cursor.is_at_tail() {
                return Ok(program(from_root, steps));
            }
        }
    }

    fn dots(&mut self, cursor: &mut Cursor<'_>, steps: &mut Vec<Step>) -> Result<(), Fault> {
        if cursor.is_within(cursor.at + 1) && cursor.peek(cursor.at + 1) == Some(b'.') {
            self.count_step(cursor)?;
            steps.push(Step::Scan);
            cursor.at += 2;
        } else if cursor.is_within(cursor.at + 1) {
            cursor.at += 1;
        } else {
            return Err(cursor.soft("a name is missing behind the last `.`"));
        }
        match cursor.current()? {
            b'.' => Err(cursor.soft("a name is missing between dots")),
            _ => Ok(()),
        }
    }

    fn name_or_call(&mut self, cursor: &mut Cursor<'_>) -> Result<Step, Fault> {
        let start = cursor.at;
        let rest = &cursor.text.as_bytes()[start.min(cursor.end)..cursor.end];
        let length = rest.iter().position(|byte| matches!(byte, b'.' | b'[' | b'(' | b' ')).unwrap_or(rest.len());
        let stop = start + length;
        if cursor.is_within(stop) && cursor.peek(stop) == Some(b' ') {
            cursor.at = stop;
            return Err(cursor.soft("a name with a blank needs brackets: ['a b']"));
        }
        let Some(name) = cursor.text.get(start..stop).filter(|_| cursor.is_within(start)) else {
            return Err(cursor.soft("expected a name"));
        };
        cursor.at = stop;
        if !cursor.is_within(stop) || cursor.peek(stop) != Some(b'(') {
            return Ok(Step::Names(vec![name.to_owned()]));
        }
        let mut open = 0_usize;
        let closes = rest[length..].iter().any(|byte| {
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            open == 0
        });
        if !closes {
            return Err(cursor.soft("the function's arguments are not closed"));
        }
        cursor.at += 1;
        let name = name.to_owned();
        // The bracket of a call without arguments stays: where steps follow, Jayway reads it as a name.
        let arguments = if cursor.current()? == b')' { Vec::new() } else { self.arguments(cursor)? };
        Ok(Step::Call(Call { name, arguments }))
    }

    fn bracket(&mut self, cursor: &mut Cursor<'_>) -> Result<Step, Fault> {
        match cursor.significant_after(cursor.at) {
            Some((_, quote @ (b'\'' | b'"'))) => names(cursor, quote),
            Some((_, b'0'..=b'9' | b'-' | b':')) => positions(cursor),
            Some((star, b'*')) => {
                let close = cursor.next_if(star, b']').ok_or_else(|| cursor.soft_at(star + 1, "expected `]`"))?;
                cursor.at = close + 1;
                Ok(Step::Wildcard)
            }
            Some((mark, b'?')) => self.filter_step(cursor, mark),
            _ => Err(cursor.soft_at(cursor.at + 1, "expected a quoted name, an index, `*` or `?(`")),
        }
    }

    fn filter_step(&mut self, cursor: &mut Cursor<'_>, mark: usize) -> Result<Step, Fault> {
        let open = cursor.next_if(mark, b'(').ok_or_else(|| cursor.soft_at(mark + 1, "expected `(`"))?;
        let close = cursor.closing(open, true)?;
        let close = close.ok_or_else(|| cursor.soft_at(open, "the bracket is not closed"))?;
        let end = cursor.next_if(close, b']').ok_or_else(|| cursor.soft_at(close + 1, "expected `]`"))?;
        // Within the filter one can look as far as its `]` and no further.
        let inside = Cursor { text: &cursor.text[..=end], at: open, end: close + 1 };
        let predicate = self.filter(inside)?;
        cursor.at = end + 1;
        Ok(Step::Filter(predicate))
    }
}

// `['a']`, `["a", "b"]`. Between the names all but commas and the quote itself is passed over.
fn names(cursor: &mut Cursor<'_>, quote: u8) -> Result<Step, Fault> {
    let mut names = Vec::new();
    let (mut open, mut close) = (None, cursor.at);
    let (mut escaped, mut after_comma) = (false, false);
    for at in cursor.at + 1..cursor.end {
        let byte = cursor.text.as_bytes()[at];
        match (byte, open) {
            _ if escaped => escaped = false,
            (b'\\', _) => escaped = true,
            (b']', None) if after_comma => return Err(cursor.soft_at(at, "a name is missing")),
            (b']', None) => break,
            (_, Some(start)) if byte == quote => {
                if !matches!(cursor.significant_after(at), Some((_, b']' | b','))) {
                    return Err(cursor.soft_at(at + 1, "expected `,` or `]`"));
                }
                let name = unescape(&cursor.text[start..at]);
                names.push(name.ok_or_else(|| cursor.soft_at(start, "`\\u` needs four hexadecimal digits"))?);
                (open, close) = (None, at);
            }
            (_, None) if byte == quote => {
                open = Some(at + 1);
                after_comma = false;
            }
            (b',', None) if after_comma => return Err(cursor.soft_at(at, "a name is missing")),
            (b',', None) => after_comma = true,
            _ => {}
        }
    }
    if let Some(start) = open {
        return Err(cursor.soft_at(start - 1, "the quote is not closed"));
    }
    let end = cursor.next_if(close, b']').ok_or_else(|| cursor.soft_at(close + 1, "expected `]`"))?;
    if names.is_empty() {
        return Err(cursor.soft("a name is missing"));
    }
    cursor.at = end + 1;
    Ok(Step::Names(names))
}

// `[0]`, `[0, -1]`, `[1:]`, `[:2]`, `[1:2]`; a third part of a slice is passed over.
fn positions(cursor: &mut Cursor<'_>) -> Result<Step, Fault> {
    let start = cursor.at + 1;
    let end = cursor.find_from(start, b']').ok_or_else(|| cursor.soft_at(cursor.end, "expected `]`"))?;
    let text = java::trim(&cursor.text[start..end]);
    let wrong = || cursor.soft_at(start, &format!("`{text}` is no index, list of indexes or slice"));
    let number = |part: &str| part.parse::<i32>().map_err(|_| wrong());
    if text.contains('+') {
        return Err(wrong());
    }
    let step = if text.contains(':') {
        let mut parts = text.split(':').map(|part| if part.is_empty() { Ok(None) } else { number(part).map(Some) });
        let first = parts.next().unwrap_or(Ok(None))?;
        let second = parts.next().unwrap_or(Ok(None))?;
        let all = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b':'));
        Step::Slice(match (first, second) {
            _ if !all => return Err(wrong()),
            (Some(from), Some(to)) => Slice::Between(from, to),
            (Some(from), None) => Slice::From(from),
            (None, Some(to)) => Slice::To(to),
            (None, None) => return Err(wrong()),
        })
    } else {
        Step::Indexes(text.split(',').map(|part| number(part.trim_matches(' '))).collect::<Result<_, _>>()?)
    };
    cursor.at = end + 1;
    Ok(step)
}
