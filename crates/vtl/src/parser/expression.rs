//! Expressions of `#set` and `#if`, and the values that stand as arguments.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Parsed, Parser};
use crate::ast::{Arithmetic, Comparison, Expr, Operator, Relation, Root};
use crate::token::{Kind, Token};

/// How tightly an operator binds; of equal strength the left one goes first.
fn strength(kind: Kind) -> u8 {
    match kind {
        Kind::Or => 1,
        Kind::And => 2,
        Kind::Equal | Kind::NotEqual => 3,
        Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual => 4,
        Kind::Plus | Kind::Minus => 5,
        Kind::Times | Kind::Divide | Kind::Modulo => 6,
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
            Kind::Not => {
                self.bump()?;
                Ok(Expr::Not(Box::new(self.nested(Parser::unary)?)))
            }
            Kind::Open => {
                let start = self.bump()?.start;
                let open = self.last_end;
                let (mut inner, close) = self.until(")", "(", start, |p| {
                    let inner = p.nested(|p| p.climb(1))?;
                    Ok((inner, p.expect(Kind::Close)?))
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
            Kind::Str => {
                let token = self.bump()?;
                self.string(&token)
            }
            Kind::Integer => {
                let token = self.bump()?;
                Ok(integer(self.image(&token)))
            }
            Kind::Float => {
                let token = self.bump()?;
                Ok(Expr::Double(self.image(&token).parse().unwrap_or(f64::NAN)))
            }
            Kind::True | Kind::False => Ok(Expr::Bool(self.bump()?.kind == Kind::True)),
            Kind::Identifier | Kind::LCurly => {
                let reference = self.reference()?;
                Ok(match reference.root {
                    Root::Runt(_) => Expr::Null,
                    _ => Expr::Reference(Box::new(reference)),
                })
            }
            Kind::BracketOpen => self.list(),
            Kind::CurlyOpen => self.map(),
            _ => Err(self.unexpected()),
        }
    }

    fn list(&mut self) -> Parsed<Expr> {
        let open = self.bump()?;
        self.until("]", "[", open.start, |p| p.items(&open))
    }

    fn items(&mut self, open: &Token) -> Parsed<Expr> {
        let mut items = Vec::new();
        if self.peek()? != Kind::BracketClose {
            items.push(self.parameter()?);
            if self.peek()? == Kind::DoubleDot
                && matches!(items[0], Expr::Reference(_) | Expr::Int(_) | Expr::Long(_) | Expr::Big(_))
            {
                self.bump()?;
                self.skip_space()?;
                if !matches!(self.peek()?, Kind::Integer | Kind::Identifier | Kind::LCurly) {
                    return Err(self.unexpected());
                }
                let to = self.parameter()?;
                self.expect(Kind::BracketClose)?;
                let from = items.swap_remove(0);
                return Ok(Expr::Range(Box::new(from), Box::new(to), (self.base + open.start) as u32));
            }
            while self.peek()? == Kind::Comma {
                self.bump()?;
                items.push(self.parameter()?);
            }
        }
        self.expect(Kind::BracketClose)?;
        Ok(Expr::List(items.into()))
    }

    fn map(&mut self) -> Parsed<Expr> {
        let open = self.bump()?;
        self.until("}", "{", open.start, Parser::members)
    }

    fn members(&mut self) -> Parsed<Expr> {
        let mut members = Vec::new();
        self.skip_space()?;
        if !matches!(self.peek()?, Kind::CurlyClose | Kind::RCurly) {
            loop {
                let key = self.parameter()?;
                self.expect(Kind::Colon)?;
                members.push((key, self.parameter()?));
                if self.peek()? != Kind::Comma {
                    break;
                }
                self.bump()?;
            }
        }
        // A `}` directly after a reference was read as the reference's.
        match self.peek()? {
            Kind::CurlyClose | Kind::RCurly => self.bump()?,
            _ => return Err(self.unexpected()),
        };
        Ok(Expr::Map(members.into()))
    }
}

fn combine(kind: Kind, left: Expr, right: Expr, literal: &str, at: u32) -> Expr {
    let operator = match kind {
        Kind::Or => return Expr::Or(Box::new(left), Box::new(right)),
        Kind::And => return Expr::And(Box::new(left), Box::new(right)),
        Kind::Plus => Operator::Add,
        Kind::Minus => Operator::Subtract,
        Kind::Times => Operator::Multiply,
        Kind::Divide => Operator::Divide,
        Kind::Modulo => Operator::Modulo,
        _ => {
            let relation = match kind {
                Kind::NotEqual => Relation::NotEqual,
                Kind::Less => Relation::Less,
                Kind::LessEqual => Relation::LessEqual,
                Kind::Greater => Relation::Greater,
                Kind::GreaterEqual => Relation::GreaterEqual,
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
