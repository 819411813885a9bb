//! Conditions of statements: an operator, a key and the values that it may have. Source: documented.

use crate::policy::keys::{self, Keys};
use crate::policy::operator::{self, Compares, Wanted};
use crate::policy::truth::Truth;
use crate::strict_json::Json;

/// One key under one operator.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// As written, with what qualifies it.
    operator: String,
    key: String,
    told: String,
    test: Test,
    /// `ForAnyValue:`, `ForAllValues:`.
    of: Option<Of>,
    if_exists: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Compare {
        compares: Compares,
        is_contrary: bool,
        wanted: Vec<Wanted>,
    },
    /// Whether the key is to be absent.
    Null(bool),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Any,
    All,
}

/// Reads the `Condition` of a statement.
///
/// # Errors
/// A sentence that names operator, key and value.
pub(super) fn read(json: Json, variables: bool) -> Result<Vec<Condition>, String> {
    let no_object = |what: &str| format!("{what} is no JSON object");
    let Json::Object(operators) = json else { return Err(no_object("Condition")) };
    let mut conditions = Vec::new();
    for (name, tested) in operators {
        let Json::Object(tested) = tested else { return Err(no_object(&name)) };
        for (key, values) in tested {
            let values =
                texts(values).ok_or_else(|| format!("{name} of {key} is neither a value nor a list of them"))?;
            conditions.push(Condition::read(&name, key, values, variables)?);
        }
    }
    Ok(conditions)
}

fn texts(json: Json) -> Option<Vec<String>> {
    let text = |json| match json {
        Json::Text(text) | Json::Plain(text) => Some(text),
        _ => None,
    };
    match json {
        Json::List(list) => list.into_iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}

impl Condition {
    fn read(name: &str, key: String, values: Vec<String>, variables: bool) -> Result<Condition, String> {
        let (of, plain) = match name.split_once(':') {
            Some(("ForAnyValue", rest)) => (Some(Of::Any), rest),
            Some(("ForAllValues", rest)) => (Some(Of::All), rest),
            _ => (None, name),
        };
        let (plain, if_exists) = match plain.strip_suffix("IfExists") {
            Some(plain) => (plain, true),
            None => (plain, false),
        };
        let wrong = |why: String| format!("Condition {name} of {key}: {why}");
        let test = match (plain, operator::find(plain)) {
            ("Null", _) if !if_exists => match values.as_slice() {
                [one] if one.eq_ignore_ascii_case("true") => Test::Null(true),
                [one] if one.eq_ignore_ascii_case("false") => Test::Null(false),
                _ => return Err(wrong("the value is neither true nor false".to_owned())),
            },
            (_, Some((compares, is_contrary))) => {
                let wanted = values.iter().map(|text| operator::read(compares, text, variables));
                let wanted = wanted.collect::<Result<_, _>>().map_err(wrong)?;
                Test::Compare { compares, is_contrary, wanted }
            }
            (_, None) => Test::Unknown,
        };
        let told = format!("{name} {key} [{}]", values.join(", "));
        Ok(Condition { operator: name.to_owned(), key, told, test, of, if_exists })
    }

    /// `IpAddress aws:SourceIp [10.0.0.0/8]`.
    pub(super) fn told(&self) -> &str {
        &self.told
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What of it nothing here can decide.
    pub(super) fn unknown(&self) -> Option<String> {
        match &self.test {
            Test::Unknown => Some(format!("the operator {} is not known here", self.operator)),
            _ if !keys::is_known(&self.key) => Some(format!("the key {} is not known here", self.key)),
            Test::Compare { wanted, .. } if wanted.iter().any(|wanted| matches!(wanted, Wanted::Unknown)) => {
                Some(format!("{} compares with a variable, which is not done here", self.operator))
            }
            _ => None,
        }
    }

    pub(super) fn holds(&self, keys: &Keys) -> Truth {
        let (compares, is_contrary, wanted) = match &self.test {
            Test::Unknown => return Truth::Unknown,
            _ if !keys.knows(&self.key) => return Truth::Unknown,
            Test::Null(absent) => return Truth::of(keys.get(&self.key).is_none() == *absent),
            Test::Compare { compares, is_contrary, wanted } => (*compares, *is_contrary, wanted),
        };
        let Some(values) = keys.get(&self.key) else {
            // A key that is not there is not what is wanted, and so it is something else; all of no values fit.
            return Truth::of(match self.of {
                _ if self.if_exists => true,
                Some(of) => of == Of::All,
                None => is_contrary,
            });
        };
        let one = |value: &String| {
            let any = Truth::any(wanted.iter().map(|wanted| operator::fits(compares, wanted, value, keys)));
            if is_contrary { any.not() } else { any }
        };
        match self.of {
            Some(Of::All) => Truth::all(values.iter().map(one)),
            // Without a word the contrary is of all values: none of them may be one that is named.
            None if is_contrary => Truth::all(values.iter().map(one)),
            Some(Of::Any) | None => Truth::any(values.iter().map(one)),
        }
    }
}
