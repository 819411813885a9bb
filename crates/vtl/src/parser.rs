//! Builds the tree of a template from its tokens.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::ast::{Node, Slot};
use crate::error::{Error, ErrorKind, place};
use crate::lexer::Lexer;
use crate::limits::NESTING_MAX;
use crate::token::{Token, TokenKind};

mod directive;
mod expression;
mod reference;
mod strings;

/// What the template and the templates in its strings share.
#[derive(Default)]
pub(crate) struct Names {
    slots: HashMap<String, Slot>,
    pub(crate) names: Vec<Box<str>>,
    macros: HashSet<String>,
    /// The properties and methods that are asked for.
    members: HashSet<Box<str>>,
    nesting: usize,
}

impl Names {
    fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.names.len() as Slot;
        self.slots.insert(name.to_owned(), slot);
        self.names.push(name.into());
        slot
    }
}

pub(crate) struct Parser<'a, 'n> {
    lexer: Lexer<'a>,
    text: &'a str,
    /// Added to offsets: where a string's own template begins in the outer text.
    base: usize,
    ahead: VecDeque<Token>,
    /// The end of the last token taken.
    last_end: usize,
    /// The text of the tokens taken, kept while a `#literal` is open.
    log: Option<String>,
    names: &'n mut Names,
}

/// A mistake at an offset of the outermost text.
pub(crate) struct Mistake {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
    pub(crate) at: usize,
    /// The text ended where more had to come, and nothing has said yet what is open.
    early: bool,
}

type Parsed<T> = Result<T, Mistake>;

/// Whether a name is a directive's. `#if`, `#set` and their kin are tokens of their own.
fn is_known_directive(name: &str) -> bool {
    matches!(name, "foreach" | "define" | "macro" | "literal" | "include" | "parse" | "break" | "stop")
}

/// The statements of a template, and what it names.
pub(crate) type Tree = (Box<[Node]>, crate::names::Names);

/// Parses a whole template.
///
/// # Errors
/// [`ErrorKind::Parse`], or [`ErrorKind::Limit`] where it nests too deeply.
pub(crate) fn parse(text: &str) -> Result<Tree, Error> {
    let mut names = Names::default();
    let nodes = Parser::new(text, 0, &mut names).template().map_err(|mistake| {
        Error::at(mistake.kind, mistake.detail + &unquoted_path(text, mistake.at), text, mistake.at)
    })?;
    Ok((nodes, crate::names::Names::new(names.names, names.members)))
}

impl<'a, 'n> Parser<'a, 'n> {
    fn new(text: &'a str, base: usize, names: &'n mut Names) -> Parser<'a, 'n> {
        Parser { lexer: Lexer::new(text), text, base, ahead: VecDeque::new(), last_end: 0, log: None, names }
    }

    fn template(&mut self) -> Parsed<Box<[Node]>> {
        let nodes = self.statements()?;
        match self.peek()? {
            TokenKind::Eof => Ok(nodes),
            _ => Err(self.unexpected()),
        }
    }

    /// Statements up to what cannot begin one: the end, `#end`, `#else`, `#elseif` or a mistake.
    fn statements(&mut self) -> Parsed<Box<[Node]>> {
        let mut nodes = Vec::new();
        loop {
            match self.peek()? {
                TokenKind::Identifier => self.print(&mut nodes)?,
                TokenKind::LCurly if self.peek_at(1)? == TokenKind::Identifier => self.print(&mut nodes)?,
                TokenKind::Text
                | TokenKind::Escape
                | TokenKind::Dot
                | TokenKind::Open
                | TokenKind::Integer
                | TokenKind::Float
                | TokenKind::Str
                | TokenKind::LCurly
                | TokenKind::RCurly => {
                    let token = self.bump()?;
                    if let Some(special) = &token.special {
                        text(&mut nodes, special);
                    }
                    text(&mut nodes, self.image(&token));
                }
                TokenKind::DoubleEscape => self.escapes(&mut nodes)?,
                TokenKind::EscapedDirective => {
                    let token = self.bump()?;
                    let shown = self.escaped_directive(self.image(&token));
                    text(&mut nodes, &shown);
                }
                TokenKind::LineComment | TokenKind::BlockComment => {
                    let token = self.bump()?;
                    let image = self.image(&token);
                    let front = image.find("##").or_else(|| image.find("#*")).unwrap_or(0);
                    text(&mut nodes, &image[..front]);
                    if token.kind == TokenKind::LineComment && self.peek()? == TokenKind::LineCommentEnd {
                        self.bump()?;
                    }
                }
                TokenKind::TextBlock => {
                    let token = self.bump()?;
                    // The first three bytes are the `#[[`, unless a stray `$` shifted them.
                    let image = self.image(&token);
                    text(&mut nodes, image.get(3..image.len() - 3).unwrap_or_default());
                }
                TokenKind::Set => self.nested(|p| p.set(&mut nodes))?,
                TokenKind::If => self.nested(|p| p.conditional(&mut nodes))?,
                TokenKind::Word | TokenKind::BracedWord => self.nested(|p| p.directive(&mut nodes))?,
                _ => return Ok(nodes.into()),
            }
        }
    }

    fn escapes(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let mut count = 0;
        while self.peek()? == TokenKind::DoubleEscape {
            self.bump()?;
            count += 1;
        }
        let next = &self.ahead[0];
        let control = match next.kind {
            TokenKind::If | TokenKind::Else | TokenKind::ElseIf | TokenKind::EndDirective => true,
            _ => {
                let mut image = self.image(next).chars();
                image.next();
                self.is_directive(image.as_str())
            }
        };
        text(nodes, &(if control { "\\" } else { "\\\\" }).repeat(count));
        Ok(())
    }

    fn escaped_directive(&self, image: &str) -> String {
        let slash = image.rfind('\\').unwrap_or(0);
        let shown = &image[slash + 1..];
        let name = shown[1..].trim_start_matches('{').trim_end_matches('}');
        if self.is_directive(name) || matches!(name, "if" | "end" | "set" | "else" | "elseif") {
            format!("{}{shown}", &image[..slash / 2])
        } else {
            image.to_owned()
        }
    }

    fn is_directive(&self, name: &str) -> bool {
        is_known_directive(name) || self.names.macros.contains(name)
    }

    /// Goes one level of nesting down for `parse`.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.names.nesting >= NESTING_MAX {
            let at = self.here();
            let detail = format!("nested deeper than {NESTING_MAX} levels");
            return Err(Mistake { kind: ErrorKind::Limit, detail, at, early: false });
        }
        self.names.nesting += 1;
        let result = parse(self);
        self.names.nesting -= 1;
        result
    }

    fn fill(&mut self, count: usize) -> Parsed<()> {
        while self.ahead.len() < count {
            let token = self.lexer.next().map_err(|stray| Mistake {
                kind: ErrorKind::Parse,
                detail: format!("unexpected {}", stray.what),
                at: self.base + stray.at,
                early: false,
            })?;
            self.ahead.push_back(token);
        }
        Ok(())
    }

    fn peek(&mut self) -> Parsed<TokenKind> {
        self.peek_at(0)
    }

    fn peek_at(&mut self, index: usize) -> Parsed<TokenKind> {
        self.fill(index + 1)?;
        Ok(self.ahead[index].kind)
    }

    fn bump(&mut self) -> Parsed<Token> {
        self.fill(1)?;
        let token = self.ahead.pop_front().unwrap_or(Token { kind: TokenKind::Eof, start: 0, end: 0, special: None });
        self.last_end = token.end;
        if let Some(log) = &mut self.log
            && token.kind != TokenKind::BlockComment
        {
            log.push_str(token.special.as_deref().unwrap_or_default());
            log.push_str(&self.text[token.start..token.end]);
        }
        Ok(token)
    }

    fn expect(&mut self, kind: TokenKind) -> Parsed<Token> {
        if self.peek()? == kind { self.bump() } else { Err(self.unexpected()) }
    }

    fn skip_space(&mut self) -> Parsed<()> {
        if self.peek()? == TokenKind::Space {
            self.bump()?;
        }
        Ok(())
    }

    fn image(&self, token: &Token) -> &'a str {
        &self.text[token.start..token.end]
    }

    fn here(&self) -> usize {
        self.base + self.ahead.front().map_or(self.last_end, |token| token.start)
    }

    /// The next token stands where it cannot.
    fn unexpected(&mut self) -> Mistake {
        let (detail, early) = match self.ahead.front() {
            Some(token) if token.kind != TokenKind::Eof => {
                let image: String = self.image(token).chars().take(40).collect();
                (format!("unexpected `{}`", image.trim_end()), false)
            }
            _ => ("the template ends too early".to_owned(), true),
        };
        Mistake { kind: ErrorKind::Parse, detail, at: self.here(), early }
    }

    fn mistake(&self, detail: impl Into<String>, at: usize) -> Mistake {
        Mistake { kind: ErrorKind::Parse, detail: detail.into(), at: self.base + at, early: false }
    }

    /// Parses what `opener`, which stands at `at`, opened. Where the template ends inside of it, the mistake points at the
    /// opener and not behind the last line; the innermost one counts.
    fn until<T>(
        &mut self,
        closer: &str,
        opener: &str,
        at: usize,
        parse: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        parse(self).map_err(|mistake| match mistake.early {
            true => self.mistake(format!("`{opener}` is opened here, and its `{closer}` never comes"), at),
            false if closer == ")" => self.still_open(mistake, opener, at),
            false => mistake,
        })
    }

    // What is wrong on a later line than its parenthesis was opened on may be right: the parenthesis was not closed.
    fn still_open(&self, mistake: Mistake, opener: &str, at: usize) -> Mistake {
        let since = self.text.get(at..mistake.at.saturating_sub(self.base)).unwrap_or_default();
        if !since.contains('\n') || mistake.detail.contains(STILL_OPEN) {
            return mistake;
        }
        let (line, column) = place(self.text, at);
        let detail = format!("{}; the `{opener}` in line {line}, column {column} {STILL_OPEN}", mistake.detail);
        Mistake { detail, ..mistake }
    }
}

const STILL_OPEN: &str = "is still open";

/// What to do where the mistake at `at` is a JSONPath that is no text: `$input.path($.user)`.
fn unquoted_path(text: &str, at: usize) -> String {
    let asked = text.get(..at).and_then(|before| before.rsplit_once('('));
    let is_path = |path: &str| {
        path.starts_with('$') && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"$._[]*-".contains(&b))
    };
    match asked {
        Some((call, path)) if (call.ends_with(".path") || call.ends_with(".json")) && is_path(path.trim()) => {
            format!("; a path is a text and needs quotes: `'{}'`", path.trim())
        }
        _ => String::new(),
    }
}

/// Adds text, to the text before it where there is some.
fn text(nodes: &mut Vec<Node>, more: &str) {
    if more.is_empty() {
        return;
    }
    if let Some(Node::Text(before)) = nodes.last_mut() {
        return before.push_str(more);
    }
    nodes.push(Node::Text(more.into()));
}

#[cfg(test)]
mod tests {
    use crate::template::Template;

    #[test]
    fn what_is_opened_and_never_closed_is_pointed_at() {
        for (template, line, column, told) in [
            ("{\n #set($x = 1\n", 2, 2, "`#set(`"),
            ("a\n#if($x)b\nc", 2, 1, "`#if`"),
            ("#if($x)\n#foreach($i in $l)\n#end", 1, 1, "`#if`"),
            ("#foreach($i in $l)\n#if($i)x#else y", 2, 1, "`#if`"),
            ("#foreach($i in $l)\nx", 1, 1, "`#foreach`"),
            ("#foreach($i in $l", 1, 9, "`(`"),
            ("$input.path(\n'$.a'", 1, 12, "`(`"),
            ("#if(($a && $b)", 1, 4, "`(`"),
            ("#set($m = {'a': [1, 2)", 1, 22, "unexpected `)`"),
            ("#set($m = {'a': [1, 2", 1, 17, "`[`"),
            ("#set($m = {'a': 1", 1, 11, "`{`"),
            ("x ${a.b", 1, 3, "`${`"),
            ("#set($x = \"abc)", 1, 11, "string that begins here is never closed"),
            ("#if($input.path('$.a')\nx\n#end", 2, 1, "unexpected `x`; the `(` in line 1, column 4 is still open"),
            ("a\n#set($x = $y.z\n{\"a\": $x}", 3, 1, "the `#set(` in line 2, column 1 is still open"),
            ("#if(($a &&\n $b) x", 2, 6, "unexpected `x`; the `(` in line 1, column 4 is still open"),
            ("{\"a\": $input.path($.user.name)}", 1, 30, "a path is a text and needs quotes: `'$.user.name'`"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.detail().contains(told), "{template}: {error}");
            assert_eq!((error.line(), error.column()), (line, column), "{template}: {error}");
        }
    }
}
