//! References: `$x`, `${x.y}`, `$!x.method("a")[0]`.

use super::{Parsed, Parser};
use crate::ast::{Call, Expr, Node, Reference, Root, Step};
use crate::item::sign;
use crate::patterns::Regular;
use crate::token::TokenKind;

impl Parser<'_, '_> {
    pub(super) fn print(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let reference = self.nested(Parser::reference)?;
        nodes.push(Node::Print(Box::new(reference)));
        Ok(())
    }

    pub(super) fn reference(&mut self) -> Parsed<Reference> {
        let first = self.bump()?;
        let braced = first.kind == TokenKind::LCurly;
        let name = if braced { Some(self.expect(TokenKind::Identifier)?) } else { None };
        let mut steps = Vec::new();
        self.indexes(&mut steps)?;
        while self.peek()? == TokenKind::Dot && self.peek_at(1)? == TokenKind::Identifier {
            self.bump()?;
            let name = self.bump()?;
            let at = (self.base + name.start) as u32;
            let image = self.image(&name);
            if !self.names.members.contains(image) {
                self.names.members.insert(image.into());
            }
            if self.peek()? == TokenKind::Open && self.begins_arguments()? {
                let args = self.nested(Parser::arguments)?;
                let regular = Regular::of_method(image).map(Box::new);
                steps.push(Step::Method(Box::new(Call { name: image.into(), args, regular, at })));
            } else {
                steps.push(Step::Property(image.into(), sign(image)));
            }
            self.indexes(&mut steps)?;
        }
        if braced {
            let at = first.start + self.image(&first).rfind('$').unwrap_or(0);
            self.until("}", "${", at, |p| p.expect(TokenKind::RCurly))?;
        }

        let mut image = self.image(&first);
        let mut prefix = String::new();
        let slashes = image.bytes().take_while(|b| *b == b'\\').count();
        let mut escaped = false;
        let mut root = None;
        if image.contains("\\!") {
            root = Some(Root::Nothing);
        } else {
            escaped = slashes % 2 == 1;
            prefix.push_str(&image[..slashes / 2]);
            image = &image[slashes..];
        }
        let dollar = image.rfind('$').unwrap_or(0);
        // An escaped reference loses a stray `$` in front of it. Source: observed.
        if root.is_none() && !escaped {
            prefix.push_str(&image[..dollar]);
        }
        image = &image[dollar..];
        let start = first.end - image.len();
        let decorated = image.starts_with("$!") || image.starts_with("${");
        let root = match (root, name) {
            (Some(root), _) => root,
            (None, Some(name)) if image == "${" || image == "$!{" => Root::Slot(self.names.slot(self.image(&name))),
            (None, None) if image.starts_with('$') => {
                Root::Slot(self.names.slot(image.trim_start_matches('$').trim_start_matches('!')))
            }
            _ => Root::Runt(image.into()),
        };
        Ok(Reference {
            root,
            lead: steps.iter().take_while(|step| matches!(step, Step::Property(name, _) if &**name != "class")).count(),
            steps: steps.into(),
            prefix: prefix.into(),
            escaped,
            decorated,
            literal: self.text[start..self.last_end].into(),
            at: (self.base + start) as u32,
        })
    }

    /// Whether the token after the `(` can stand in a method's parentheses; else the `(` is text.
    fn begins_arguments(&mut self) -> Parsed<bool> {
        Ok(matches!(
            self.peek_at(1)?,
            TokenKind::Close
                | TokenKind::Space
                | TokenKind::Str
                | TokenKind::Integer
                | TokenKind::Float
                | TokenKind::True
                | TokenKind::False
                | TokenKind::BracketOpen
                | TokenKind::CurlyOpen
                | TokenKind::Identifier
                | TokenKind::LCurly
        ))
    }

    fn arguments(&mut self) -> Parsed<Box<[Expr]>> {
        let open = self.expect(TokenKind::Open)?;
        self.until(")", "(", open.start, Parser::argument_list)
    }

    fn argument_list(&mut self) -> Parsed<Box<[Expr]>> {
        let mut args = Vec::new();
        if self.peek()? != TokenKind::Close {
            loop {
                args.push(self.parameter()?);
                if self.peek()? != TokenKind::Comma {
                    break;
                }
                self.bump()?;
            }
        }
        self.expect(TokenKind::Close)?;
        Ok(args.into())
    }

    fn indexes(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        while self.peek()? == TokenKind::IndexOpen {
            let open = self.bump()?;
            self.skip_space()?;
            let index = match self.peek()? {
                TokenKind::Str
                | TokenKind::Integer
                | TokenKind::True
                | TokenKind::False
                | TokenKind::Identifier
                | TokenKind::LCurly => self.nested(Parser::operand)?,
                _ => return Err(self.unexpected()),
            };
            self.skip_space()?;
            self.expect(TokenKind::IndexClose)?;
            steps.push(Step::Index(index, (self.base + open.start) as u32));
        }
        Ok(())
    }
}
