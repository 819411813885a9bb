//! The arguments of a function: JSON or paths, with commas between.

use crate::cursor::{Cursor, Fault};
use crate::literal::Literal;
use crate::step::Argument;

use super::{Parser, argument};

enum Shape {
    Json,
    Path,
}

/// What is open while the arguments are read.
#[derive(Default)]
struct Open {
    round: i64,
    square: usize,
    curly: usize,
    quotes: usize,
}

impl Open {
    fn is_none_but_round(&self) -> bool {
        self.square == 0 && self.curly == 0 && self.quotes == 0
    }
}

impl Parser {
    /// Reads behind the `(` up to and with the `)`. What starts like neither JSON (a brace, digit, minus or double
    /// quote) nor a path is passed over until something does, so `concat('a')` has no argument.
    pub(super) fn arguments(&mut self, cursor: &mut Cursor<'_>) -> Result<Vec<Argument>, Fault> {
        let mut arguments = Vec::new();
        let mut open = Open { round: 1, ..Open::default() };
        let mut shape = None;
        let mut text: Vec<u8> = Vec::new();
        let (mut start, mut before, mut over) = (cursor.at, 0_u8, false);
        while cursor.is_within(cursor.at) && !over {
            let byte = cursor.current()?;
            cursor.at += 1;
            if shape.is_none() {
                start = cursor.at - 1;
                match byte {
                    b' ' | b'\t' | b'\n' | b'\r' => continue,
                    b'{' | b'0'..=b'9' | b'"' | b'-' => shape = Some(Shape::Json),
                    b'$' | b'@' => shape = Some(Shape::Path),
                    _ => {}
                }
            }
            let unopened = || cursor.soft_at(cursor.at - 1, "a bracket closes that was not opened");
            match byte {
                b'"' if before != b'\\' && open.quotes > 0 => open.quotes -= 1,
                b'"' => open.quotes += 1,
                b'(' => open.round += 1,
                b'{' => open.curly += 1,
                b'[' => open.square += 1,
                b'}' => open.curly = open.curly.checked_sub(1).ok_or_else(unopened)?,
                b']' => open.square = open.square.checked_sub(1).ok_or_else(unopened)?,
                b')' => {
                    open.round -= 1;
                    // The call of an inner path without arguments: here the bracket belongs to the argument.
                    if before == b'(' || open.round < 0 {
                        text.push(byte);
                    }
                }
                _ => {}
            }
            let ends = (byte == b')' && matches!(open.round, 0 | 1)) || (byte == b',' && open.round == 1);
            if ends && open.is_none_but_round() {
                over = open.round == 0;
                if let Some(shape) = shape.take() {
                    arguments.push(self.argument(cursor, shape, start, std::mem::take(&mut text))?);
                }
            } else if shape.is_some() && !(byte == b',' && open.round == 1 && open.square == 0 && open.curly == 0) {
                text.push(byte);
            }
            before = byte;
        }
        if open.round != 0 || open.square != 0 || open.curly != 0 {
            return Err(cursor.soft("the function's arguments are not closed"));
        }
        Ok(arguments)
    }

    fn argument(&mut self, cursor: &mut Cursor<'_>, shape: Shape, at: usize, text: Vec<u8>) -> Result<Argument, Fault> {
        self.count_step(cursor)?;
        let text = String::from_utf8_lossy(&text);
        match shape {
            Shape::Json => Ok(Argument::Json(Literal::read(&text))),
            Shape::Path => self.inner_path(cursor, at, |parser| parser.steps(Cursor::new(&text))).map(argument),
        }
    }
}
