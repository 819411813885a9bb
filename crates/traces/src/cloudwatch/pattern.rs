//! CloudWatch Logs' filter patterns.
//!
//! Source: documented ("Filter pattern syntax for metric filters, subscription filters, filter log events"): terms, `?` for one
//! of several, `-` for none of them, `"…"` for what has blanks; `{ $.member = value && … }` on JSON; `[name, status = 5*, …]` on
//! words with blanks between. Regular expressions (`%…%`) are not read.

use serde_json::Value;

use crate::texts::is_like;

/// The longest pattern. Source: documented.
const CHARS_MAX: usize = 1024;
/// How deep parentheses may stand in each other, and how many conditions a pattern may have. Ours.
const DEPTH_MAX: usize = 16;
const CONDITIONS_MAX: usize = 64;

/// A pattern that was read.
#[derive(Clone, Debug, Default)]
pub struct Pattern(Form);

#[derive(Clone, Debug, Default)]
enum Form {
    #[default]
    All,
    Terms {
        all: Vec<String>,
        any: Vec<String>,
        none: Vec<String>,
    },
    Json(Condition),
    Words(Vec<Column>),
}

#[derive(Clone, Debug)]
enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Test(Vec<Part>, Test),
}

#[derive(Clone, Debug)]
enum Part {
    Member(String),
    Any,
    At(usize),
}

#[derive(Clone, Debug)]
enum Test {
    Compare(Operator, Operand),
    Null,
    True,
    False,
    Exists,
    NotExists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Debug)]
enum Operand {
    Number(f64, String),
    Text(String),
}

#[derive(Clone, Debug)]
struct Column {
    /// `...`: any number of words.
    is_rest: bool,
    tests: Vec<(Operator, Operand)>,
    /// Whether one of the tests suffices.
    any: bool,
}

impl Pattern {
    /// Reads a pattern; an empty one fits everything.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(text: &str) -> Result<Pattern, String> {
        if text.chars().count() > CHARS_MAX {
            return Err(format!("the filter pattern is longer than {CHARS_MAX} characters"));
        }
        let text = text.trim();
        if text.contains('%') {
            return Err("regular expressions (%…%) are not read here".to_owned());
        }
        Ok(Pattern(match text.chars().next() {
            None => Form::All,
            Some('{') => {
                let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
                let inside = inside.ok_or("the pattern begins with { and does not end with }")?;
                let mut reader = Reader { rest: inside, conditions: 0 };
                let condition = reader.or(0)?;
                match reader.rest.trim() {
                    "" => Form::Json(condition),
                    rest => return Err(format!("`{rest}` stands where nothing more is expected")),
                }
            }
            Some('[') => {
                let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                columns(inside.ok_or("the pattern begins with [ and does not end with ]")?)?
            }
            Some(_) => terms(text)?,
        }))
    }

    /// Whether it fits a message.
    pub fn fits(&self, message: &str) -> bool {
        match &self.0 {
            Form::All => true,
            Form::Terms { all, any, none } => {
                let has = |term: &String| message.contains(term.as_str());
                // With other terms, those with a question mark count for nothing. Source: documented.
                let any_fits = any.is_empty() || !all.is_empty() || any.iter().any(has);
                all.iter().all(has) && any_fits && !none.iter().any(has)
            }
            Form::Json(condition) => serde_json::from_str::<Value>(message).is_ok_and(|value| condition.holds(&value)),
            Form::Words(columns) => fit_words(columns, &words(message)),
        }
    }
}

fn terms(text: &str) -> Result<Form, String> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let list = match rest.chars().next() {
            Some('?') => &mut any,
            Some('-') => &mut none,
            _ => &mut all,
        };
        rest = rest.trim_start_matches(['?', '-']);
        let term = if let Some(quoted) = rest.strip_prefix('"') {
            let (term, after) = quoted.split_once('"').ok_or("a quotation mark has no end")?;
            rest = after;
            term
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (term, after) = rest.split_at(end);
            rest = after;
            term
        };
        if !term.is_empty() {
            list.push(term.to_owned());
        }
        rest = rest.trim_start();
        if all_of(&[&all, &any, &none]) > CONDITIONS_MAX {
            return Err(format!("the pattern has more than {CONDITIONS_MAX} terms"));
        }
    }
    Ok(Form::Terms { all, any, none })
}

fn all_of(lists: &[&Vec<String>]) -> usize {
    lists.iter().map(|list| list.len()).sum()
}

struct Reader<'p> {
    rest: &'p str,
    conditions: usize,
}

impl<'p> Reader<'p> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn or(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.and(depth)?];
        while self.take("||") {
            all.push(self.and(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Or(all) })
    }

    fn and(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.one(depth)?];
        while self.take("&&") {
            all.push(self.one(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::And(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err(format!("parentheses stand in each other more than {DEPTH_MAX} deep"));
        }
        if self.take("(") {
            let inside = self.or(depth + 1)?;
            return if self.take(")") { Ok(inside) } else { Err("a parenthesis has no end".to_owned()) };
        }
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(format!("the pattern has more than {CONDITIONS_MAX} conditions"));
        }
        let path = self.path()?;
        let word = |reader: &mut Reader<'p>, word: &str| {
            let rest = reader.rest.trim_start();
            let is_it = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            if is_it {
                reader.rest = &rest[word.len()..];
            }
            is_it
        };
        let test = if word(self, "IS") {
            if word(self, "NULL") {
                Test::Null
            } else if word(self, "TRUE") {
                Test::True
            } else if word(self, "FALSE") {
                Test::False
            } else {
                return Err("IS is followed by NULL, TRUE or FALSE".to_owned());
            }
        } else if word(self, "NOT") {
            if !word(self, "EXISTS") {
                return Err("NOT is followed by EXISTS".to_owned());
            }
            Test::NotExists
        } else if word(self, "EXISTS") {
            Test::Exists
        } else {
            let operator = self.operator()?;
            Test::Compare(operator, self.operand()?)
        };
        Ok(Condition::Test(path, test))
    }

    fn path(&mut self) -> Result<Vec<Part>, String> {
        let rest = self.rest.trim_start();
        let Some(rest) = rest.strip_prefix('$') else { return Err("a condition begins with $".to_owned()) };
        self.rest = rest;
        let mut path = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-*@".contains(c))).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if name.is_empty() {
                    return Err("a name is missing behind a point".to_owned());
                }
                path.push(if name == "*" { Part::Any } else { Part::Member(name.to_owned()) });
                self.rest = after;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (inside, after) = rest.split_once(']').ok_or("a bracket has no end")?;
                let quoted = inside.trim_matches(['"', '\'']);
                path.push(match (inside, inside.parse()) {
                    ("*", _) => Part::Any,
                    (_, Ok(at)) => Part::At(at),
                    _ if quoted.len() < inside.len() => Part::Member(quoted.to_owned()),
                    _ => return Err(format!("`[{inside}]` is no place of a list")),
                });
                self.rest = after;
            } else if path.is_empty() {
                return Err("a condition begins with $.".to_owned());
            } else {
                return Ok(path);
            }
        }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let found = operators.into_iter().find(|(sign, _)| self.take(sign));
        found.map(|(_, operator)| operator).ok_or_else(|| "an operator is missing: =, !=, <, >, <=, >=".to_owned())
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"').ok_or("a quotation mark has no end")?;
            self.rest = after;
            return Ok(Operand::Text(text.to_owned()));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "&|()".contains(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return Err("a value is missing".to_owned());
        }
        self.rest = after;
        Ok(operand(word))
    }
}

fn operand(word: &str) -> Operand {
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() => Operand::Number(number, word.to_owned()),
        _ => Operand::Text(word.to_owned()),
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Condition::And(all) => all.iter().all(|one| one.holds(value)),
            Condition::Or(all) => all.iter().any(|one| one.holds(value)),
            Condition::Test(path, test) => {
                let found = found(value, path);
                match test {
                    Test::Exists => !found.is_empty(),
                    Test::NotExists => found.is_empty(),
                    Test::Null => found.iter().any(|value| value.is_null()),
                    Test::True => found.iter().any(|value| **value == Value::Bool(true)),
                    Test::False => found.iter().any(|value| **value == Value::Bool(false)),
                    Test::Compare(operator, operand) => found.iter().any(|value| compares(value, *operator, operand)),
                }
            }
        }
    }
}

fn found<'v>(value: &'v Value, path: &[Part]) -> Vec<&'v Value> {
    let mut found = vec![value];
    for part in path {
        let next = found.into_iter().flat_map(|value| -> Vec<&Value> {
            match (part, value) {
                (Part::Member(name), Value::Object(members)) => members.get(name).into_iter().collect(),
                (Part::At(at), Value::Array(values)) => values.get(*at).into_iter().collect(),
                (Part::Any, Value::Object(members)) => members.values().collect(),
                (Part::Any, Value::Array(values)) => values.iter().collect(),
                _ => Vec::new(),
            }
        });
        found = next.collect();
    }
    found
}

fn compares(value: &Value, operator: Operator, operand: &Operand) -> bool {
    match value {
        // Access logs write numbers as texts, too.
        Value::String(text) => compares_text(text, operator, operand),
        Value::Number(number) => match operand {
            Operand::Number(than, _) => number.as_f64().is_some_and(|number| compares_number(number, operator, *than)),
            Operand::Text(pattern) => compares_text(&number.to_string(), operator, &Operand::Text(pattern.clone())),
        },
        Value::Bool(value) => compares_text(&value.to_string(), operator, operand),
        _ => false,
    }
}

fn compares_text(text: &str, operator: Operator, operand: &Operand) -> bool {
    if let (Operand::Number(than, _), Ok(number)) = (operand, text.parse::<f64>()) {
        return compares_number(number, operator, *than);
    }
    let pattern = match operand {
        Operand::Text(pattern) => pattern,
        Operand::Number(_, written) => written,
    };
    match operator {
        Operator::Equal => is_like(text, pattern),
        Operator::NotEqual => !is_like(text, pattern),
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => false,
    }
}

fn compares_number(number: f64, operator: Operator, than: f64) -> bool {
    match operator {
        Operator::Equal => number == than,
        Operator::NotEqual => number != than,
        Operator::Less => number < than,
        Operator::AtMost => number <= than,
        Operator::More => number > than,
        Operator::AtLeast => number >= than,
    }
}

fn columns(inside: &str) -> Result<Form, String> {
    let mut columns = Vec::new();
    for column in inside.split(',').map(str::trim) {
        if columns.len() > CONDITIONS_MAX {
            return Err(format!("the pattern has more than {CONDITIONS_MAX} columns"));
        }
        if column == "..." {
            columns.push(Column { is_rest: true, tests: Vec::new(), any: false });
            continue;
        }
        let any = column.contains("||");
        let mut tests = Vec::new();
        for test in column.split(if any { "||" } else { "&&" }) {
            let Some(at) = test.find(['=', '!', '<', '>']) else { continue };
            let mut reader = Reader { rest: &test[at..], conditions: 0 };
            let operator = reader.operator()?;
            tests.push((operator, reader.operand()?));
        }
        columns.push(Column { is_rest: false, tests, any });
    }
    if columns.iter().filter(|column| column.is_rest).count() > 1 {
        return Err("`...` stands more than once".to_owned());
    }
    Ok(Form::Words(columns))
}

// Words with blanks between; what stands in quotes or brackets is one. Source: documented.
fn words(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim();
    while !rest.is_empty() {
        let closing = match rest.chars().next() {
            Some('"') => Some('"'),
            Some('[') => Some(']'),
            _ => None,
        };
        let quoted = closing.and_then(|closing| rest[1..].split_once(closing));
        let (word, after) = match quoted {
            Some(pair) => pair,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn fit_words(columns: &[Column], words: &[&str]) -> bool {
    let fits = |(column, word): (&Column, &&str)| {
        let test = |(operator, operand): &(Operator, Operand)| compares_text(word, *operator, operand);
        if column.any { column.tests.iter().any(test) } else { column.tests.iter().all(test) }
    };
    match columns.iter().position(|column| column.is_rest) {
        None => columns.len() == words.len() && columns.iter().zip(words).all(fits),
        Some(at) => {
            let (before, after) = (&columns[..at], &columns[at + 1..]);
            before.len() + after.len() <= words.len()
                && before.iter().zip(words).all(fits)
                && after.iter().zip(&words[words.len() - after.len()..]).all(fits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_are_documented_to_fit() {
        let json =
            r#"{"status": 500, "text": "502", "route": "join", "a": {"b": [1, {"c": "x"}]}, "n": null, "t": true}"#;
        let line = r#"127.0.0.1 - "GET / HTTP/1.1" 404 1534"#;
        for (pattern, message, fits) in [
            ("", "anything", true),
            ("ERROR", "[ERROR] x", true),
            ("ERROR", "[error] x", false),
            ("ERROR timeout", "ERROR: a timeout", true),
            ("ERROR timeout", "ERROR", false),
            ("?ERROR ?WARN", "a WARN", true),
            ("?ERROR ?WARN", "an INFO", false),
            ("?ERROR WARN", "a WARN", true),
            ("ERROR -timeout", "ERROR timeout", false),
            ("ERROR -timeout", "ERROR other", true),
            ("-timeout", "fine", true),
            (r#""two words""#, "has two words in it", true),
            (r#"-"two words""#, "has two words in it", false),
            ("{ $.status = 500 }", json, true),
            ("{ $.status = 5* }", json, true),
            ("{ $.status >= 500 && $.route = \"join\" }", json, true),
            ("{ $.status < 500 || $.route = j* }", json, true),
            ("{ ($.status < 500 || $.route = j*) && $.status != 500 }", json, false),
            ("{ $.text = 502 }", json, true),
            ("{ $.text > 501 }", json, true),
            ("{ $.a.b[0] = 1 }", json, true),
            ("{ $.a.b[1].c = x }", json, true),
            ("{ $.a.b[*] = 1 }", json, true),
            ("{ $.n IS NULL }", json, true),
            ("{ $.t IS TRUE }", json, true),
            ("{ $.t IS FALSE }", json, false),
            ("{ $.gone NOT EXISTS }", json, true),
            ("{ $.status EXISTS }", json, true),
            ("{ $.status = 500 }", "no json", false),
            ("[ip, dash, request, status = 4*, size]", line, true),
            ("[ip, dash, request, status = 5*, size]", line, false),
            ("[..., status = 404, size > 1000]", line, true),
            ("[ip, ...]", line, true),
            ("[ip, status]", line, false),
            ("[ip, ..., status = 404 || status = 500, size]", line, true),
        ] {
            let read = Pattern::read(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(read.fits(message), fits, "{pattern} on {message}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(40), ")".repeat(40));
        let long = "x".repeat(1025);
        for pattern in [
            "{ $.a = 1",
            "{ a = 1 }",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a = 1 } x",
            "\"open",
            "%x%",
            "[a, ..., b, ...]",
            &deep,
            &long,
        ] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }
}
