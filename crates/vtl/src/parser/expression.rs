//! Expressions of `#set` and `#if`, and the values that stand as arguments.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Parsed, Parser};
use crate::ast::{Arithmetic, Comparison, Expr, Operator, Relation, Root};
use crate::token::{Token, TokenKind};

/// How tightly an operator binds; of equal strength the left one goes first.
fn strength(kind: TokenKind) -> u8 {
    match kind {
        TokenKind::Or => 1,
        TokenKind::And => 2,
        TokenKind::Equal | TokenKind::NotEqual => 3,
        TokenKind::Less | TokenKind::LessEqual | TokenKind::Greater | TokenKind::GreaterEqual => 4,
        TokenKind::Plus | TokenKind::Minus => 5,
        TokenKind::Times | TokenKind::Divide | TokenKind::Modulo => 6,
        _ => 0,
    }
}

impl Parser<'_, '_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.climb(1)
    }

    /// An expression of operators at least as strong as `weakest`.
    fn climb(&mut self, weakest: u8) -> Parsed<Expr> {
        let mut left = self.nested(Parser::unary)?;
        loop {
            self.skip_space()?;
            let kind = self.peek()?;
            let power = strength(kind);
            if power < weakest || power == 0 {
                return Ok(left);
            }
            let operator = self.bump()?;
            let right = self.nested(|p| p.climb(power + 1))?;
            // What stands for the whole where it is null is what follows the operator. Source: observed.
            let literal = &self.text[operator.end..self.last_end];
            left = combine(kind, left, right, literal, (self.base + operator.start) as u32);
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.skip_space()?;
        match self.peek()? {
            TokenKind::Not => {
                self.bump()?;
                Ok(Expr::Not(Box::new(self.nested(Parser::unary)?)))
            }
            TokenKind::Open => {
                let start = self.bump()?.start;
                let open = self.last_end;
                let (mut inner, close) = self.until(")", "(", start, |p| {
                    let inner = p.nested(|p| p.climb(1))?;
                    Ok((inner, p.expect(TokenKind::Close)?))
                })?;
                if let Expr::Arithmetic(arithmetic) = &mut inner {
                    arithmetic.literal = self.text[open..close.start].into();
                }
                Ok(inner)
            }
            _ => self.operand(),
        }
    }

    /// A value as an argument or a member of a literal, white space around it.
    pub(super) fn parameter(&mut self) -> Parsed<Expr> {
        self.skip_space()?;
        let value = self.nested(Parser::operand)?;
        self.skip_space()?;
        Ok(value)
    }

    /// A literal or a reference.
    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        match self.peek()? {
            TokenKind::Str => {
                let token = self.bump()?;
                self.string(&token)
            }
            TokenKind::Integer => {
                let token = self.bump()?;
                Ok(integer(self.image(&token)))
            }
            TokenKind::Float => {
                let token = self.bump()?;
                Ok(Expr::Double(self.image(&token).parse().unwrap_or(f64::NAN)))
            }
            TokenKind::True | TokenKind::False => Ok(Expr::Bool(self.bump()?.kind == TokenKind::True)),
            TokenKind::Identifier | TokenKind::LCurly => {
                let reference = self.reference()?;
                Ok(match reference.root {
                    Root::Runt(_) => Expr::Null,
                    _ => Expr::Reference(Box::new(reference)),
                })
            }
            TokenKind::BracketOpen => self.list(),
            TokenKind::CurlyOpen => self.map(),
            _ => Err(self.unexpected()),
        }
    }

    fn list(&mut self) -> Parsed<Expr> {
        let open = self.bump()?;
        self.until("]", "[", open.start, |p| p.items(&open))
    }

    fn items(&mut self, open: &Token) -> Parsed<Expr> {
        let mut items = Vec::new();
        if self.peek()? != TokenKind::BracketClose {
            items.push(self.parameter()?);
            if self.peek()? == TokenKind::DoubleDot
                && matches!(items[0], Expr::Reference(_) | Expr::Int(_) | Expr::Long(_) | Expr::Big(_))
            {
                self.bump()?;
                self.skip_space()?;
                if !matches!(self.peek()?, TokenKind::Integer | TokenKind::Identifier | TokenKind::LCurly) {
                    return Err(self.unexpected());
                }
                let to = self.parameter()?;
                self.expect(TokenKind::BracketClose)?;
                let from = items.swap_remove(0);
                return Ok(Expr::Range(Box::new(from), Box::new(to), (self.base + open.start) as u32));
            }
            while self.peek()? == TokenKind::Comma {
                self.bump()?;
                items.push(self.parameter()?);
            }
        }
        self.expect(TokenKind::BracketClose)?;
        Ok(Expr::List(items.into()))
    }

    fn map(&mut self) -> Parsed<Expr> {
        let open = self.bump()?;
        self.until("}", "{", open.start, Parser::members)
    }

    fn members(&mut self) -> Parsed<Expr> {
        let mut members = Vec::new();
        self.skip_space()?;
        if !matches!(self.peek()?, TokenKind::CurlyClose | TokenKind::RCurly) {
            loop {
                let key = self.parameter()?;
                self.expect(TokenKind::Colon)?;
                members.push((key, self.parameter()?));
                if self.peek()? != TokenKind::Comma {
                    break;
                }
                self.bump()?;
            }
        }
        // A `}` directly after a reference was read as the reference's.
        match self.peek()? {
            TokenKind::CurlyClose | TokenKind::RCurly => self.bump()?,
            _ => return Err(self.unexpected()),
        };
        Ok(Expr::Map(members.into()))
    }
}

fn combine(kind: TokenKind, left: Expr, right: Expr, literal: &str, at: u32) -> Expr {
    let operator = match kind {
        TokenKind::Or => return Expr::Or(Box::new(left), Box::new(right)),
        TokenKind::And => return Expr::And(Box::new(left), Box::new(right)),
        TokenKind::Plus => Operator::Add,
        TokenKind::Minus => Operator::Subtract,
        TokenKind::Times => Operator::Multiply,
        TokenKind::Divide => Operator::Divide,
        TokenKind::Modulo => Operator::Modulo,
        _ => {
            let relation = match kind {
                TokenKind::NotEqual => Relation::NotEqual,
                TokenKind::Less => Relation::Less,
                TokenKind::LessEqual => Relation::LessEqual,
                TokenKind::Greater => Relation::Greater,
                TokenKind::GreaterEqual => Relation::GreaterEqual,
                _ => Relation::Equal,
            };
            return Expr::Compare(Box::new(Comparison { relation, left, right }));
        }
    };
    Expr::Arithmetic(Box::new(Arithmetic { operator, left, right, literal: literal.into(), at }))
}

fn integer(image: &str) -> Expr {
    if let Ok(n) = image.parse::<i32>() {
        return Expr::Int(n);
    }
    if let Ok(n) = image.parse::<i64>() {
        return Expr::Long(n);
    }
    Expr::Big(Arc::new(image.parse::<BigInt>().unwrap_or_default()))
}
