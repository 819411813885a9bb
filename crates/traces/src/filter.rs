//! The language of the console's search box and of `gatewright tail --filter`: `route:join status:5xx slow:>100ms text`.
//!
//! Terms with blanks between, all of which have to hold; `-term` has to fail; quotes keep blanks. The page reads the same
//! language in JavaScript: corpus/filters/cases.json is played on both.

use serde_json::Value;

use crate::texts::is_like;

/// The longest filter, in bytes, and the most terms of one.
const BYTES_MAX: usize = 1_000;
const TERMS_MAX: usize = 32;

/// The members of a row that bare text is looked for in.
const TEXTS: &[&str] =
    &["requestId", "connectionId", "apiId", "stage", "eventType", "routeKey", "target", "failure", "headline"];

/// A filter that was read.
#[derive(Clone, Debug, Default)]
pub struct Filter(Vec<(bool, Term)>);

#[derive(Clone, Debug)]
enum Term {
    /// A member is that, `*` standing for anything.
    Is(&'static str, String),
    /// A member begins so.
    Begins(&'static str, String),
    /// A member has that in it, upper or lower case.
    Has(&'static str, String),
    /// One of the members is such a number.
    Number(&'static [&'static str], Comparison, f64),
    /// The status is of that hundred.
    Hundred(&'static str, u64),
    Failed,
    Remarked,
    Lost,
    /// Any of the texts has that in it.
    Text(String),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Filter {
    /// Reads a filter; the empty one lets everything through.
    ///
    /// # Errors
    /// Names the term, and what would fit.
    pub fn read(text: &str) -> Result<Filter, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("the filter is longer than {BYTES_MAX} bytes"));
        }
        let words = words(text);
        if words.len() > TERMS_MAX {
            return Err(format!("the filter has more than {TERMS_MAX} terms"));
        }
        let term = |word: Word| {
            let negated = word.is_negated;
            Ok((negated, term(word)?))
        };
        Ok(Filter(words.into_iter().map(term).collect::<Result<_, String>>()?))
    }

    /// Whether a row (`Past::to_row`) is let through.
    pub fn lets(&self, row: &Value) -> bool {
        self.0.iter().all(|(is_negated, term)| term.holds(row) != *is_negated)
    }
}

/// A word of the filter, without quotes and sign.
struct Word {
    is_negated: bool,
    text: String,
    /// Where its first colon is that stood outside of quotes.
    colon: Option<usize>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|c| c.is_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return words;
        }
        let is_negated = letters.next_if_eq(&'-').is_some();
        let mut word = Word { is_negated, text: String::new(), colon: None };
        let mut is_quoted = false;
        while let Some(c) = letters.next_if(|c| is_quoted || !c.is_whitespace()) {
            match c {
                '"' => is_quoted = !is_quoted,
                ':' if !is_quoted && word.colon.is_none() => {
                    word.colon = Some(word.text.len());
                    word.text.push(c);
                }
                c => word.text.push(c),
            }
        }
        if !word.text.is_empty() {
            words.push(word);
        }
    }
}

fn term(word: Word) -> Result<Term, String> {
    let Some((name, value)) = word.colon.map(|at| (&word.text[..at], &word.text[at + 1..])) else {
        return Ok(Term::Text(word.text.to_lowercase()));
    };
    let owned = value.to_owned();
    Ok(match name {
        "route" => Term::Is("routeKey", owned),
        "api" => Term::Is("apiId", owned),
        "stage" => Term::Is("stage", owned),
        "connection" => Term::Begins("connectionId", owned),
        "request" => Term::Begins("requestId", owned),
        "target" => Term::Has("target", owned.to_lowercase()),
        "type" => Term::Is("eventType", event_type(value)?.to_owned()),
        "status" => status("status", name, value)?,
        "backend" => status("backendStatus", name, value)?,
        "slow" => {
            let (comparison, rest) = comparison(value, Comparison::AtLeast);
            let wrong = || format!("slow: `{value}` is no time: >100ms, 2s");
            Term::Number(&["durationMs", "backendMs"], comparison, millis(rest).ok_or_else(wrong)?)
        }
        "bytes" => {
            let (comparison, rest) = comparison(value, Comparison::AtLeast);
            let wrong = || format!("bytes: `{value}` is no size: >1k, 500");
            Term::Number(&["bytesIn", "bytesOut"], comparison, size(rest).ok_or_else(wrong)?)
        }
        "is" => match value {
            "failed" => Term::Failed,
            "remarked" => Term::Remarked,
            "lost" => Term::Lost,
            _ => return Err(format!("is: `{value}` is none of failed, remarked, lost")),
        },
        _ => Term::Text(word.text.to_lowercase()),
    })
}

fn event_type(value: &str) -> Result<&'static str, String> {
    match value.to_lowercase().as_str() {
        "connect" => Ok("CONNECT"),
        "message" => Ok("MESSAGE"),
        "disconnect" => Ok("DISCONNECT"),
        "push" => Ok("PUSH"),
        _ => Err(format!("type: `{value}` is none of connect, message, disconnect, push")),
    }
}

fn status(member: &'static str, name: &str, value: &str) -> Result<Term, String> {
    let wrong = || format!("{name}: `{value}` is no status: 500, 5xx, >=400");
    if let Some(hundred) = value.strip_suffix("xx") {
        let hundred = hundred.parse().ok().filter(|hundred| (1..=9).contains(hundred)).ok_or_else(wrong)?;
        return Ok(Term::Hundred(member, hundred));
    }
    let (comparison, rest) = comparison(value, Comparison::Equal);
    let number = number(rest).ok_or_else(wrong)?;
    Ok(Term::Number(if member == "status" { &["status"] } else { &["backendStatus"] }, comparison, number))
}

fn comparison(value: &str, otherwise: Comparison) -> (Comparison, &str) {
    let signs = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        (">", Comparison::More),
        ("<", Comparison::Less),
        ("=", Comparison::Equal),
    ];
    let found = signs.into_iter().find_map(|(sign, comparison)| Some((comparison, value.strip_prefix(sign)?)));
    found.unwrap_or((otherwise, value))
}

fn millis(text: &str) -> Option<f64> {
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(millis), _) => number(millis),
        (None, Some(seconds)) => number(seconds).map(|seconds| seconds * 1000.0),
        (None, None) => number(text),
    }
}

fn size(text: &str) -> Option<f64> {
    let text = text.to_lowercase();
    match (text.strip_suffix('k'), text.strip_suffix('m')) {
        (Some(kilo), _) => number(kilo).map(|kilo| kilo * 1024.0),
        (None, Some(mega)) => number(mega).map(|mega| mega * 1024.0 * 1024.0),
        (None, None) => number(&text),
    }
}

// Digits, maybe with a point: what Rust and JavaScript read beside that differs.
fn number(text: &str) -> Option<f64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain && !text.starts_with('.') && !text.ends_with('.'))
}

impl Term {
    fn holds(&self, row: &Value) -> bool {
        let text = |member: &str| row[member].as_str();
        match self {
            Term::Is(member, pattern) => text(member).is_some_and(|text| is_like(text, pattern)),
            Term::Begins(member, start) => text(member).is_some_and(|text| text.starts_with(start.as_str())),
            Term::Has(member, part) => text(member).is_some_and(|text| text.to_lowercase().contains(part)),
            Term::Number(members, comparison, number) => {
                let numbers = members.iter().filter_map(|member| row[*member].as_f64());
                let is_time = members.first() == Some(&"durationMs");
                // The whole time counts where it was measured, the backend's only where it was not.
                let counted = if is_time { 1 } else { usize::MAX };
                numbers.take(counted).any(|value| comparison.holds(value, *number))
            }
            Term::Hundred(member, hundred) => row[*member].as_u64().is_some_and(|status| status / 100 == *hundred),
            Term::Failed => !row["failure"].is_null(),
            Term::Remarked => row["remarks"].as_u64().is_some_and(|remarks| remarks > 0),
            Term::Lost => row["kind"] == "loss",
            Term::Text(part) => {
                TEXTS.iter().filter_map(|member| text(member)).any(|text| text.to_lowercase().contains(part))
            }
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, than: f64) -> bool {
        match self {
            Comparison::Less => value < than,
            Comparison::AtMost => value <= than,
            Comparison::Equal => value == than,
            Comparison::AtLeast => value >= than,
            Comparison::More => value > than,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_as_it_says() {
        let corpus = std::fs::read_to_string("../../corpus/filters/cases.json").unwrap();
        let corpus: Value = serde_json::from_str(&corpus).unwrap();
        let (rows, cases) = (corpus["rows"].as_object().unwrap(), corpus["cases"].as_array().unwrap());
        assert!(cases.len() >= 60, "{}", cases.len());
        for case in cases {
            let filter = case["filter"].as_str().unwrap();
            let found: Value = match Filter::read(filter) {
                Ok(filter) => rows.iter().filter(|(_, row)| filter.lets(row)).map(|(name, _)| name.clone()).collect(),
                Err(error) => error.into(),
            };
            let expected = if case["error"].is_null() { &case["lets"] } else { &case["error"] };
            assert_eq!(found, *expected, "{filter}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(Filter::read(&"x".repeat(1001)).unwrap_err().contains("1000 bytes"));
        assert!(Filter::read(&"x ".repeat(33)).unwrap_err().contains("32 terms"));
    }
}
