//! What stands in `[?( … )]`: comparisons, questions whether a thing is there, and their logic.

use java::{Decimal, FilterPattern};

use crate::cursor::{Cursor, Fault, Weight};
use crate::limits::PATTERNS_MAX;
use crate::literal::{Literal, unescape};
use crate::step::{Operand, Operator, Predicate};

use super::{Parser, limit};

/// An operand, and whether a `!` stands before it; that `!` counts only where nothing is compared.
struct Value {
    operand: Operand,
    negated: bool,
}

impl Parser {
    /// Reads a filter from its `(` to its `)`.
    pub(super) fn filter(&mut self, mut cursor: Cursor<'_>) -> Result<Predicate, Fault> {
        let predicate = self.any(&mut cursor)?;
        cursor.skip_blanks();
        match cursor.is_within(cursor.at) {
            true => Err(cursor.soft("expected the end of the filter")),
            false => Ok(predicate),
        }
    }

    fn any(&mut self, cursor: &mut Cursor<'_>) -> Result<Predicate, Fault> {
        let mut parts = vec![self.all(cursor)?];
        while take(cursor, "||") {
            parts.push(self.all(cursor)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Predicate::Any(parts) })
    }

    fn all(&mut self, cursor: &mut Cursor<'_>) -> Result<Predicate, Fault> {
        let mut parts = vec![self.part(cursor)?];
        while take(cursor, "&&") {
            parts.push(self.part(cursor)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Predicate::All(parts) })
    }

    fn part(&mut self, cursor: &mut Cursor<'_>) -> Result<Predicate, Fault> {
        cursor.skip_blanks();
        let start = cursor.at;
        if cursor.current()? == b'!' {
            cursor.at += 1;
            cursor.skip_blanks();
            if !matches!(cursor.current()?, b'$' | b'@') {
                return self.nested(cursor, Parser::part).map(|part| Predicate::Not(Box::new(part)));
            }
            cursor.at = start;
        }
        if cursor.current()? != b'(' {
            return self.comparison(cursor);
        }
        cursor.at += 1;
        let inside = self.nested(cursor, Parser::any)?;
        cursor.skip_blanks();
        if cursor.current()? != b')' {
            return Err(cursor.soft("expected `)`, `&&` or `||`"));
        }
        cursor.at += 1;
        Ok(inside)
    }

    fn comparison(&mut self, cursor: &mut Cursor<'_>) -> Result<Predicate, Fault> {
        self.count_step(cursor)?;
        let left = self.value(cursor)?;
        let start = cursor.at;
        let fault = match self.operator_and_right(cursor) {
            Ok((operator, right)) => return Ok(Predicate::Compare(left.operand, operator, right)),
            Err(fault) if fault.weight != Weight::Soft => return Err(fault),
            Err(fault) => fault,
        };
        cursor.at = start;
        match left.operand {
            Operand::Path(path) => Ok(Predicate::Exists(path, !left.negated)),
            _ => Err(fault),
        }
    }

    fn operator_and_right(&mut self, cursor: &mut Cursor<'_>) -> Result<(Operator, Operand), Fault> {
        cursor.skip_blanks();
        let start = cursor.at;
        let symbols = is_symbol(cursor.current()?);
        while cursor.is_within(cursor.at) {
            let byte = cursor.current()?;
            if if symbols { !is_symbol(byte) } else { byte == b' ' } {
                break;
            }
            cursor.at += 1;
        }
        let word = &cursor.text[start..cursor.at];
        let operator = operator(word).ok_or_else(|| cursor.soft_at(start, &format!("`{word}` is no operator")))?;
        Ok((operator, self.value(cursor)?.operand))
    }

    fn value(&mut self, cursor: &mut Cursor<'_>) -> Result<Value, Fault> {
        cursor.skip_blanks();
        let mut negated = false;
        if cursor.current()? == b'!' {
            cursor.at += 1;
            cursor.skip_blanks();
            if !matches!(cursor.current()?, b'$' | b'@') {
                return Err(cursor.soft("expected a path behind `!`"));
            }
            negated = true;
        }
        let operand = match cursor.current()? {
            b'$' | b'@' => self.path_operand(cursor)?,
            quote @ (b'\'' | b'"') => text(cursor, quote)?,
            b't' => word(cursor, "true", Operand::Bool(true))?,
            b'f' => word(cursor, "false", Operand::Bool(false))?,
            b'n' => word(cursor, "null", Operand::Null)?,
            b'{' | b'[' => json(cursor)?,
            b'/' => self.pattern(cursor)?,
            _ => number(cursor)?,
        };
        Ok(Value { operand, negated })
    }

    // A path ends at a blank, at a comparison or at a bracket that closes what is around it.
    fn path_operand(&mut self, cursor: &mut Cursor<'_>) -> Result<Operand, Fault> {
        let start = cursor.at;
        cursor.at += 1;
        while cursor.is_within(cursor.at) {
            if cursor.current()? == b'[' {
                let close = cursor.closing(cursor.at, false)?;
                cursor.at = 1 + close.ok_or_else(|| cursor.soft("the bracket is not closed"))?;
            }
            let byte = cursor.current()?;
            let outer = byte == b')' && !closes_call(cursor, start);
            if !cursor.is_within(cursor.at) || is_symbol(byte) || byte == b' ' || outer {
                break;
            }
            cursor.at += 1;
        }
        let text = &cursor.text[start..cursor.at];
        self.inner_path(cursor, start, |parser| parser.path(text)).map(Operand::Path)
    }

    fn pattern(&mut self, cursor: &mut Cursor<'_>) -> Result<Operand, Fault> {
        let start = cursor.at;
        let close = cursor.find_unescaped(start, b'/');
        let close = close.ok_or_else(|| cursor.soft("the regular expression is not closed"))?;
        cursor.at = close + 1;
        while cursor.is_within(cursor.at) && cursor.peek(cursor.at).is_some_and(FilterPattern::is_flag) {
            cursor.at += 1;
        }
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(limit(cursor, format!("more than {PATTERNS_MAX} regular expressions")));
        }
        let (source, flags) = (&cursor.text[start + 1..close], &cursor.text[close + 1..cursor.at]);
        match FilterPattern::compile(source, flags) {
            Ok(pattern) => Ok(Operand::Pattern(pattern)),
            Err(detail) => Err(Fault { detail, at: start, weight: Weight::Hard }),
        }
    }
}

fn take(cursor: &mut Cursor<'_>, token: &str) -> bool {
    let start = cursor.at;
    cursor.skip_blanks();
    let within = cursor.is_within(cursor.at + token.len() - 1);
    let found = within && cursor.text.as_bytes()[cursor.at..].starts_with(token.as_bytes());
    cursor.at = if found { cursor.at + token.len() } else { start };
    found
}

fn is_symbol(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'=' | b'~' | b'!')
}

// Whether the `)` here belongs to a call without arguments that the path from `start` makes.
fn closes_call(cursor: &Cursor<'_>, start: usize) -> bool {
    let before = cursor.text[..cursor.at].trim_end_matches(' ');
    before.ends_with('(') && before.len() > start + 1 && before[start + 1..before.len() - 1].contains('.')
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_uppercase().as_str() {
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "===" => Operator::SameKindEqual,
        "!==" => Operator::SameKindNotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "=~" => Operator::Matches,
        "IN" => Operator::In,
        "NIN" => Operator::NotIn,
        "CONTAINS" => Operator::Contains,
        "SIZE" => Operator::Size,
        "EMPTY" => Operator::Empty,
        "SUBSETOF" => Operator::SubsetOf,
        "ANYOF" => Operator::AnyOf,
        "NONEOF" => Operator::NoneOf,
        "EXISTS" => Operator::Exists,
        "ALL" | "TYPE" | "MATCHES" => Operator::Never,
        _ => return None,
    })
}

fn text(cursor: &mut Cursor<'_>, quote: u8) -> Result<Operand, Fault> {
    let start = cursor.at;
    let close = cursor.find_unescaped(start, quote).ok_or_else(|| cursor.soft("the quote is not closed"))?;
    cursor.at = close + 1;
    let text = unescape(&cursor.text[start + 1..close]);
    text.map(Operand::Text).ok_or_else(|| cursor.hard("`\\u` needs four hexadecimal digits"))
}

fn word(cursor: &mut Cursor<'_>, word: &str, operand: Operand) -> Result<Operand, Fault> {
    if !cursor.text[cursor.at..cursor.end].starts_with(word) {
        return Err(cursor.soft(&format!("expected `{word}`, a number, a path or quotes")));
    }
    cursor.at += word.len();
    Ok(operand)
}

fn json(cursor: &mut Cursor<'_>) -> Result<Operand, Fault> {
    let start = cursor.at;
    let close = cursor.closing(start, false)?.ok_or_else(|| cursor.soft("the bracket is not closed"))?;
    cursor.at = close + 1;
    let text = &cursor.text[start..cursor.at];
    Ok(Operand::Json(text.to_owned(), Literal::read(text)))
}

fn number(cursor: &mut Cursor<'_>) -> Result<Operand, Fault> {
    let start = cursor.at;
    while cursor.is_within(cursor.at) && matches!(cursor.current()?, b'0'..=b'9' | b'-' | b'.' | b'e' | b'E') {
        cursor.at += 1;
    }
    let number = Decimal::parse(&cursor.text[start..cursor.at]).map(Operand::Number);
    number.ok_or_else(|| Fault { at: start, ..cursor.hard("expected a number, a path or quotes") })
}
