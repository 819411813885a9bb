//! Directives: `#set`, `#if`, and those that go by a name.

use super::{Parsed, Parser, is_known_directive, text};
use crate::ast::{Expr, Foreach, Node, Root};
use crate::token::{Token, TokenKind};

enum Argument {
    Word,
    Value(Expr, Token),
}

impl Parser<'_, '_> {
    pub(super) fn set(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let open = self.bump()?;
        // The blanks before it belong to the token.
        let at = open.end - self.image(&open).trim_start().len();
        self.until(")", "#set(", at, |p| p.assignment(nodes))
    }

    fn assignment(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        self.skip_space()?;
        if !matches!(self.peek()?, TokenKind::Identifier | TokenKind::LCurly) {
            return Err(self.unexpected());
        }
        let target = self.reference()?;
        self.skip_space()?;
        self.expect(TokenKind::Assign)?;
        let value = self.expression()?;
        self.skip_space()?;
        self.expect(TokenKind::Close)?;
        nodes.push(Node::Set(Box::new(target), Box::new(value)));
        Ok(())
    }

    pub(super) fn conditional(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        self.fill(1)?;
        let at = self.ahead[0].start;
        self.until("#end", "#if", at, |p| p.branches(nodes))
    }

    fn branches(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let mut branches = Vec::new();
        while matches!(self.peek()?, TokenKind::If | TokenKind::ElseIf)
            && (branches.is_empty() || self.peek()? == TokenKind::ElseIf)
        {
            self.bump()?;
            self.skip_space()?;
            let open = self.expect(TokenKind::Open)?;
            let condition = self.until(")", "(", open.start, |p| {
                let condition = p.expression()?;
                p.skip_space()?;
                p.expect(TokenKind::Close)?;
                Ok(condition)
            })?;
            branches.push((condition, self.statements()?));
        }
        let mut otherwise = None;
        if self.peek()? == TokenKind::Else {
            self.bump()?;
            otherwise = Some(self.statements()?);
        }
        self.expect(TokenKind::EndDirective)?;
        nodes.push(Node::If(branches.into(), otherwise));
        Ok(())
    }

    pub(super) fn directive(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let word = self.bump()?;
        let image = self.image(&word);
        let name = match word.kind {
            TokenKind::BracedWord => image[2..].trim_end_matches('}'),
            _ => &image[1..],
        };
        self.until("#end", image, word.start, |p| p.named(name, &word, nodes))
    }

    fn named(&mut self, name: &str, word: &Token, nodes: &mut Vec<Node>) -> Parsed<()> {
        self.lexer.enter_directive();
        let mut args = Vec::new();
        let parenthesis = self.lexer.parenthesis_follows();
        if parenthesis {
            args = self.directive_arguments(name)?;
        } else {
            self.lexer.pop();
        }
        let at = (self.base + word.start) as u32;
        match name {
            "foreach" => self.foreach(args, parenthesis, at, word, nodes),
            "define" => {
                let body = self.block(false)?.0;
                let [Argument::Value(block, first)] = &args[..] else {
                    return Err(self.mistake("#define needs one name, such as `$block`", word.start));
                };
                // The name is the first token's image without its `$`, so `${x}` names nothing that can be read.
                if let (Expr::Reference(_), TokenKind::Identifier) = (block, first.kind)
                    && let Some(name) = self.image(first).strip_prefix('$')
                {
                    let slot = self.names.slot(name);
                    nodes.push(Node::Define(slot, body.into()));
                }
                Ok(())
            }
            "macro" => {
                if args.is_empty() {
                    return Err(self.mistake("#macro needs a name", word.start));
                }
                let start = self.text[word.end..].find('(').map_or(word.end, |at| word.end + at + 1);
                let name = self.text[start..].trim_start();
                let len = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@')).count();
                let name = name[..len].to_owned();
                self.block(false)?;
                self.names.macros.insert(name);
                Ok(())
            }
            "literal" if !parenthesis => Err(self.mistake("#literal needs `()`", word.start)),
            "literal" => {
                // What is given in parentheses is printed in place of the body. Source: observed.
                let given = match &args[..] {
                    [Argument::Value(_, first)] => {
                        let end = self.text[..self.last_end].rfind(')').unwrap_or(first.start).max(first.start);
                        Some(self.text[first.start..end].trim_end().to_owned())
                    }
                    _ => None,
                };
                let body = self.block(true)?.1;
                let literal = given.unwrap_or(body);
                if literal.is_empty() {
                    return Err(self.mistake("#literal with nothing in it", word.start));
                }
                text(nodes, &literal);
                Ok(())
            }
            "include" => {
                if !args.is_empty() {
                    nodes.push(Node::Fail("#include: there are no other templates to read", at));
                }
                Ok(())
            }
            "parse" => {
                nodes.push(Node::Fail("#parse: there are no other templates to read", at));
                Ok(())
            }
            "break" | "stop" if args.len() > 1 => {
                Err(self.mistake(format!("#{name} takes one argument at most"), word.start))
            }
            "stop" => {
                nodes.push(Node::Stop);
                Ok(())
            }
            "break" => {
                let of = match args.pop() {
                    Some(Argument::Value(value, first)) => {
                        let end = self.last_end.saturating_sub(1).max(first.start);
                        let literal = self.text[first.start..end].trim_end();
                        Some(Box::new((value, literal.into())))
                    }
                    _ => None,
                };
                nodes.push(Node::Break(of, at));
                Ok(())
            }
            _ => {
                // No directive of that name: it stands for itself.
                if name.starts_with('@') && parenthesis {
                    self.block(false)?;
                }
                let runts = &self.lexer.runts;
                let runts = &runts[runts.partition_point(|(start, _)| *start <= word.start)..];
                let mut printed = String::new();
                let mut from = word.start;
                for (start, end) in runts.iter().filter(|(_, end)| *end <= self.last_end) {
                    printed.push_str(&self.text[from..*start]);
                    from = *end;
                }
                printed.push_str(&self.text[from..self.last_end]);
                text(nodes, &printed);
                Ok(())
            }
        }
    }

    fn foreach(
        &mut self,
        mut args: Vec<Argument>,
        parenthesis: bool,
        at: u32,
        word: &Token,
        nodes: &mut Vec<Node>,
    ) -> Parsed<()> {
        if !parenthesis {
            return Err(self.mistake("#foreach needs a variable and a list, such as `($x in $list)`", word.start));
        }
        let mut body = self.block(false)?.0;
        match args.len() {
            0 | 1 => nodes.push(Node::Fail("#foreach needs a variable and a list, such as `($x in $list)`", at)),
            2 | 3 => {}
            // What follows the list stands where the body should. Source: observed.
            _ => {
                body = match args.swap_remove(3) {
                    Argument::Value(Expr::Reference(reference), _) => Box::new([Node::Print(reference)]),
                    _ => Box::default(),
                };
            }
        }
        let mut args = args.into_iter();
        let item = match args.next() {
            Some(Argument::Value(Expr::Reference(item), _)) => match item.root {
                Root::Slot(slot) => Some(slot),
                _ => None,
            },
            _ => None,
        };
        // Without the word in the middle, or without a list, nothing is looped over.
        if let (Some(_), Some(Argument::Value(source, _))) = (args.next(), args.next()) {
            nodes.push(Node::Foreach(Box::new(Foreach { item, source, body, at })));
        }
        Ok(())
    }

    /// Statements up to `#end`, and their source text where it is asked for.
    fn block(&mut self, literal: bool) -> Parsed<(Box<[Node]>, String)> {
        let outer = if literal { self.log.replace(String::new()) } else { None };
        let body = self.statements()?;
        let mut logged = String::new();
        if literal {
            logged = std::mem::replace(&mut self.log, outer).unwrap_or_default();
            if let Some(log) = &mut self.log {
                log.push_str(&logged);
            }
        }
        self.expect(TokenKind::EndDirective)?;
        Ok((body, logged))
    }

    fn directive_arguments(&mut self, name: &str) -> Parsed<Vec<Argument>> {
        self.skip_space()?;
        let open = self.expect(TokenKind::Open)?;
        self.until(")", "(", open.start, |p| p.directive_argument_list(name))
    }

    fn directive_argument_list(&mut self, name: &str) -> Parsed<Vec<Argument>> {
        let mut args = Vec::new();
        loop {
            self.skip_space()?;
            if self.peek()? == TokenKind::Close {
                break;
            }
            if self.peek()? == TokenKind::Comma {
                self.bump()?;
                self.skip_space()?;
            }
            self.fill(1)?;
            let first = self.ahead[0].clone();
            if self.peek()? == TokenKind::Word {
                self.bump()?;
                let allowed = match name {
                    "foreach" => args.len() == 1,
                    "macro" => args.is_empty(),
                    _ => !is_known_directive(name),
                };
                if !allowed {
                    let word = self.image(&first);
                    return Err(self.mistake(format!("#{name} cannot take the word `{word}` here"), first.start));
                }
                args.push(Argument::Word);
                continue;
            }
            if name == "macro" && args.is_empty() {
                return Err(self.mistake("the name of a #macro is a bare word", first.start));
            }
            let value = self.nested(Parser::operand)?;
            args.push(Argument::Value(value, first));
        }
        self.expect(TokenKind::Close)?;
        Ok(args)
    }
}
