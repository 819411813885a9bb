//! Reads JSON, with the place of each value.

use crate::fault::Fault;
use crate::node::{Map, Node, Place, Value};
use crate::read::{Budget, DEPTH_MAX, Size, too_deep};

/// Reads a document that is JSON. A tab may stand in a text as it is: editors put it there.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0, line: 1, column: 1, budget: Budget::default() };
    let node = reader.document()?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.fault("nothing may follow the end of the document")),
    }
}

struct Reader<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
    budget: Budget,
}

/// A list or map that is not closed yet.
enum Open {
    List { items: Vec<Node>, place: Place },
    Map { members: Map, key: String, place: Place },
}

impl Reader<'_> {
    /// A loop and a stack of what is open, so that depth costs no stack of ours.
    fn document(&mut self) -> Result<Node, Fault> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_blanks();
            let place = self.place();
            // A value begins here.
            let mut node = match self.peek() {
                Some(b'{') => {
                    self.enter(&open, place)?;
                    if self.closes_at_once(b'}') {
                        Node { value: Value::Map(Map::new()), place }
                    } else {
                        let key = self.key()?;
                        open.push(Open::Map { members: Map::new(), key, place });
                        continue;
                    }
                }
                Some(b'[') => {
                    self.enter(&open, place)?;
                    if self.closes_at_once(b']') {
                        Node { value: Value::List(Vec::new()), place }
                    } else {
                        open.push(Open::List { items: Vec::new(), place });
                        continue;
                    }
                }
                _ => self.scalar(place)?,
            };
            // A value ended here, and maybe what it stands in, too.
            loop {
                let Some(innermost) = open.last_mut() else { return Ok(node) };
                self.skip_blanks();
                let next = self.peek();
                let closed = match innermost {
                    Open::List { items, .. } => {
                        items.push(node);
                        next == Some(b']')
                    }
                    Open::Map { members, key, .. } => {
                        // The last one of a name counts; its place in the order is the first's.
                        members.insert(std::mem::take(key), node);
                        next == Some(b'}')
                    }
                };
                if closed {
                    self.step();
                    node = match open.pop() {
                        Some(Open::List { items, place }) => Node { value: Value::List(items), place },
                        Some(Open::Map { members, place, .. }) => Node { value: Value::Map(members), place },
                        None => unreachable!("it was the last one above"),
                    };
                    continue;
                }
                let in_map = matches!(innermost, Open::Map { .. });
                if next != Some(b',') {
                    return Err(self.fault(match (next, in_map) {
                        (None, true) => "the file ends here, but a `}` is missing",
                        (None, false) => "the file ends here, but a `]` is missing",
                        (_, true) => "a `,` or `}` is missing before this",
                        (_, false) => "a `,` or `]` is missing before this",
                    }));
                }
                self.step();
                self.skip_blanks();
                if matches!(self.peek(), Some(b'}' | b']')) {
                    return Err(self.fault("a `,` stands before this, but nothing follows it"));
                }
                if in_map {
                    let next_key = self.key()?;
                    if let Some(Open::Map { key, .. }) = open.last_mut() {
                        *key = next_key;
                    }
                }
                break;
            }
        }
    }

    fn enter(&mut self, open: &[Open], place: Place) -> Result<(), Fault> {
        self.budget.spend(Size { nodes: 1, bytes: 0, height: 1 }, place)?;
        if open.len() >= DEPTH_MAX {
            return Err(too_deep(place));
        }
        self.step();
        Ok(())
    }

    fn closes_at_once(&mut self, closing: u8) -> bool {
        self.skip_blanks();
        let closes = self.peek() == Some(closing);
        if closes {
            self.step();
        }
        closes
    }

    fn key(&mut self) -> Result<String, Fault> {
        self.skip_blanks();
        let place = self.place();
        if self.peek() != Some(b'"') {
            return Err(match self.peek() {
                None => self.fault("the file ends here, but a `}` is missing"),
                Some(b',') => self.fault("a key is missing before this `,`"),
                Some(b'/' | b'#') => self.fault("JSON has no comments"),
                Some(_) => {
                    self.fault("a key in double quotes is missing here (a file that begins with `{\"` is read as JSON)")
                }
            });
        }
        let key = self.string(place)?;
        self.budget.spend(Size { nodes: 0, bytes: key.len(), height: 0 }, place)?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.fault("a `:` is missing before this"));
        }
        self.step();
        Ok(key)
    }

    fn scalar(&mut self, place: Place) -> Result<Node, Fault> {
        let value = match self.peek() {
            Some(b'"') => Value::Text(self.string(place)?),
            Some(b'-' | b'0'..=b'9') => self.number(place)?,
            Some(b'/' | b'#') => return Err(self.fault("JSON has no comments")),
            None => return Err(self.fault("the file ends here, but a value is missing")),
            Some(b',' | b'}' | b']' | b':') => return Err(self.fault("a value is missing before this")),
            Some(_) => self.word(place)?,
        };
        let bytes = match &value {
            Value::Text(text) | Value::Plain(text) => text.len(),
            _ => 0,
        };
        self.budget.spend(Size::scalar(bytes), place)?;
        Ok(Node { value, place })
    }

    fn word(&mut self, place: Place) -> Result<Value, Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| !b" \t\r\n,:{}[]\"".contains(&byte)) {
            self.step();
        }
        match &self.text[start..self.at] {
            "null" => Ok(Value::Null),
            word @ ("true" | "false") => Ok(Value::Plain(word.to_owned())),
            _ => {
                let message =
                    "this is no JSON: a text stands in double quotes (a file that begins with `{\"` is read as JSON)";
                Err(Fault::new(message, "", place))
            }
        }
    }

    /// A number stays as it was written.
    fn number(&mut self, place: Place) -> Result<Value, Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.step();
        }
        let written = &self.text[start..self.at];
        if !is_number(written) {
            return Err(Fault::new("this is no number as JSON writes them", "", place));
        }
        Ok(Value::Plain(written.to_owned()))
    }

    fn string(&mut self, place: Place) -> Result<String, Fault> {
        self.step();
        let mut string = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    string.push_str(&self.text[start..self.at]);
                    self.step();
                    return Ok(string);
                }
                Some(b'\\') => {
                    string.push_str(&self.text[start..self.at]);
                    let escape = self.place();
                    self.step();
                    string.push(self.escaped(escape)?);
                    start = self.at;
                }
                Some(b'\n' | b'\r') | None => {
                    return Err(Fault::new("this text has no closing `\"` in its line", "", place));
                }
                Some(byte) if byte < b' ' && byte != b'\t' => {
                    return Err(
                        self.fault("a control character may stand in a text only as its escape, such as `\\u0007`")
                    );
                }
                Some(_) => self.step(),
            }
        }
    }

    fn escaped(&mut self, place: Place) -> Result<char, Fault> {
        let unknown = || Fault::new("there is no such escape in JSON; a `\\` itself is written `\\\\`", "", place);
        let byte = self.peek().ok_or_else(unknown)?;
        let character = match byte {
            b'"' | b'\\' | b'/' => byte.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.step();
                return self.unicode(place);
            }
            _ => return Err(unknown()),
        };
        self.step();
        Ok(character)
    }

    fn unicode(&mut self, place: Place) -> Result<char, Fault> {
        let half = |message: &str| Fault::new(message, "", place);
        let first = self.hexadecimal(place)?;
        let code = match first {
            0xD800..=0xDBFF => {
                let lone = "this is the first half of a character; the second, `\\uDC00` to `\\uDFFF`, is missing";
                for expected in *b"\\u" {
                    if self.peek() != Some(expected) {
                        return Err(half(lone));
                    }
                    self.step();
                }
                let second = self.hexadecimal(place)?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(half(lone));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| half("this is the second half of a character; the first is missing"))
    }

    fn hexadecimal(&mut self, place: Place) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| Fault::new("four hexadecimal digits follow `\\u`", "", place))?;
            code = code << 4 | digit;
            self.step();
        }
        Ok(code)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.step();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Columns count characters: the later bytes of one add nothing.
    fn step(&mut self) {
        match self.bytes[self.at] {
            b'\n' => {
                self.line += 1;
                self.column = 1;
            }
            byte if byte & 0xC0 != 0x80 => self.column += 1,
            _ => {}
        }
        self.at += 1;
    }

    fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }

    fn fault(&self, message: &str) -> Fault {
        Fault::new(message, "", self.place())
    }
}

fn is_number(written: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(written).is_ok()
}
