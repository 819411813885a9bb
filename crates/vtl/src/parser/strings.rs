//! Strings, and the templates in them.

use std::borrow::Cow;

use std::sync::Arc;

use super::{Parsed, Parser};
use crate::ast::{Expr, Inner, Node};
use crate::token::Token;

impl Parser<'_, '_> {
    pub(super) fn string(&mut self, token: &Token) -> Parsed<Expr> {
        let image = self.image(token);
        let quote = &image[..1];
        let mut content = Cow::Borrowed(&image[1..image.len() - 1]);
        if quote == "\"" && content.contains("\\u") {
            let unescaped = unescape(&content)
                .ok_or_else(|| self.mistake("a `\\u` without four hexadecimal digits", token.start))?;
            content = Cow::Owned(unescaped);
        }
        let doubled = quote.repeat(2);
        if content.contains(&doubled) {
            content = Cow::Owned(content.replace(&doubled, quote));
        }
        if quote == "'" || !image.contains(['$', '#']) {
            return Ok(Expr::Text(Arc::from(content.as_ref())));
        }
        // Without the blank a `$` or `#` at the end would be an unfinished token. A line comment would swallow it.
        let padded = !content.contains("##");
        let mut inner = content.into_owned();
        if padded {
            inner.push(' ');
        }
        let base = self.base + token.start + 1;
        let nodes = self.nested(|p| Parser::new(&inner, base, &mut *p.names).template())?;
        Ok(simplify(nodes, padded))
    }
}

/// A template that turned out to be plain text needs no rendering.
fn simplify(nodes: Box<[Node]>, padded: bool) -> Expr {
    if padded && let [Node::Text(text)] = &nodes[..] {
        let mut chars = text.chars();
        chars.next_back();
        return Expr::Text(Arc::from(chars.as_str()));
    }
    Expr::Template(Box::new(Inner { nodes, padded }))
}

/// Replaces `\uXXXX`; two that make a pair are one character, half a pair is `?` as Java writes it.
fn unescape(text: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        if at > 0 {
            flush(&mut units, &mut out);
            out.push_str(&rest[..at]);
        }
        let digits = rest.get(at + 2..at + 6)?;
        units.push(u16::from_str_radix(digits, 16).ok()?);
        rest = &rest[at + 6..];
    }
    flush(&mut units, &mut out);
    out.push_str(rest);
    Some(out)
}

fn flush(units: &mut Vec<u16>, out: &mut String) {
    out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or('?')));
}
