//! IAM policy documents: what they say, read and checked once.
//!
//! Source: documented (the language's grammar and logic); docs/aws/auth.md 4.

mod condition;
pub(crate) mod evaluate;
pub(crate) mod keys;
mod miss;
mod operator;
mod pattern;
mod truth;

use std::fmt;

use crate::strict_json::Json;
use condition::Condition;
use keys::Keys;
use pattern::{Pattern, Reads};
use truth::Truth;

/// The longest document that is read, in bytes; AWS's own limits are far below (documented: 6,144 characters).
const DOCUMENT_BYTES_MAX: usize = 128 * 1024;

/// The version in which `${…}` are variables; in the older one, and where none is named, they are text. Documented.
const VERSION: &str = "2012-10-17";
const VERSION_OLD: &str = "2008-10-17";

/// A policy document.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    statements: Vec<Statement>,
}

/// Why a text is no policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(String);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
struct Statement {
    /// From 1.
    number: usize,
    sid: Option<String>,
    effect: Effect,
    actions: Terms,
    resources: Terms,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug)]
struct Terms {
    inverted: bool,
    patterns: Vec<Pattern>,
}

impl Terms {
    fn fit(&self, text: &str, keys: &Keys) -> Truth {
        let any = Truth::any(self.patterns.iter().map(|pattern| pattern.fits(text, keys)));
        if self.inverted { any.not() } else { any }
    }

    fn told(&self) -> String {
        const SHOWN_MAX: usize = 3;
        let shown: Vec<_> = self.patterns.iter().take(SHOWN_MAX).map(Pattern::text).collect();
        let rest = if self.patterns.len() > SHOWN_MAX { ", …" } else { "" };
        format!("{}{}{rest}", if self.inverted { "all but " } else { "" }, shown.join(", "))
    }
}

impl Policy {
    /// Reads a document; `name` is what people call it, such as its file.
    ///
    /// # Errors
    /// What is wrong and where. Whatever is not known is refused, so that a misspelled `Condition` is not silent.
    pub fn parse(name: &str, text: &str) -> Result<Policy, PolicyError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(PolicyError(format!("{} bytes are more than {DOCUMENT_BYTES_MAX}", text.len())));
        }
        let json = Json::parse(text).map_err(PolicyError)?;
        let Json::Object(members) = json else { return Err(PolicyError("it is no JSON object".to_owned())) };
        let mut with_variables = false;
        let mut statements = None;
        for (member, value) in members {
            match (member.as_str(), value) {
                ("Version", Json::Text(version)) if version == VERSION => with_variables = true,
                ("Version", Json::Text(version)) if version == VERSION_OLD => {}
                ("Version", _) => {
                    return Err(PolicyError(format!("Version is neither \"{VERSION}\" nor \"{VERSION_OLD}\"")));
                }
                ("Id", Json::Text(_)) => {}
                ("Statement", Json::List(list)) => statements = Some(list),
                ("Statement", one) => statements = Some(vec![one]),
                (other, _) => return Err(PolicyError(format!("`{other}` is no member of a policy document"))),
            }
        }
        let Some(statements) = statements else { return Err(PolicyError("it has no Statement".to_owned())) };
        let read = |(at, json)| {
            statement(at + 1, json, with_variables).map_err(|text| PolicyError(format!("statement {}: {text}", at + 1)))
        };
        let statements = statements.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Policy { name: name.to_owned(), statements })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a decision depends on condition keys.
    pub(crate) fn asks_for_keys(&self) -> bool {
        let variables = |statement: &Statement| statement.resources.patterns.iter().any(Pattern::has_variables);
        self.statements.iter().any(|statement| !statement.conditions.is_empty() || variables(statement))
    }

    /// What of it cannot be decided here: keys and operators of conditions that are not known. Such an Allow never applies
    /// and such a Deny always does.
    pub fn remarks(&self) -> Vec<String> {
        let of = |statement: &Statement| {
            let told = statement.told(&self.name);
            statement.unknown().into_iter().map(move |what| format!("{told}: {what}")).collect::<Vec<_>>()
        };
        self.statements.iter().flat_map(of).collect()
    }
}

impl Statement {
    /// `statement 2 (Push) of backend.json`.
    fn told(&self, policy: &str) -> String {
        match &self.sid {
            Some(sid) => format!("statement {} ({sid}) of {policy}", self.number),
            None => format!("statement {} of {policy}", self.number),
        }
    }

    fn conditions_hold(&self, keys: &Keys) -> Truth {
        Truth::all(self.conditions.iter().map(|condition| condition.holds(keys)))
    }

    fn unknown(&self) -> Vec<String> {
        let variables = self.resources.patterns.iter().flat_map(Pattern::unknown_variables);
        let variables = variables.map(|name| format!("the variable {name} of Resource is not known here"));
        self.conditions.iter().filter_map(Condition::unknown).chain(variables).collect()
    }
}

fn statement(number: usize, json: Json, with_variables: bool) -> Result<Statement, String> {
    let Json::Object(members) = json else { return Err("it is no JSON object".to_owned()) };
    let (mut sid, mut effect, mut actions, mut resources, mut conditions) = (None, None, None, None, Vec::new());
    for (member, value) in members {
        let (slot, reads) = match member.as_str() {
            "Sid" => {
                let Json::Text(text) = value else { return Err("Sid is no text".to_owned()) };
                sid = Some(text);
                continue;
            }
            "Effect" => {
                effect = match value {
                    Json::Text(text) if text == "Allow" => Some(Effect::Allow),
                    Json::Text(text) if text == "Deny" => Some(Effect::Deny),
                    _ => return Err("Effect is neither \"Allow\" nor \"Deny\"".to_owned()),
                };
                continue;
            }
            "Condition" => {
                conditions = condition::read(value, with_variables)?;
                continue;
            }
            "Action" | "NotAction" => (&mut actions, Reads { variables: false, wildcards: true, case: false }),
            "Resource" | "NotResource" => {
                (&mut resources, Reads { variables: with_variables, wildcards: true, case: true })
            }
            "Principal" | "NotPrincipal" => {
                return Err(format!("`{member}` has no place in the policy of a user: it is the user's"));
            }
            other => return Err(format!("`{other}` is no member of a statement")),
        };
        if slot.is_some() {
            return Err(format!("`{member}` stands beside `{}`", member.trim_start_matches("Not")));
        }
        let texts = texts(value).ok_or_else(|| format!("{member} is neither a text nor a list of texts"))?;
        if texts.is_empty() {
            return Err(format!("{member} is empty"));
        }
        let read = |text: &String| Pattern::parse(text, reads).map_err(|why| format!("{member}: `{text}`: {why}"));
        let patterns = texts.iter().map(read).collect::<Result<_, _>>()?;
        *slot = Some(Terms { inverted: member.starts_with("Not"), patterns });
    }
    Ok(Statement {
        number,
        sid,
        effect: effect.ok_or("it has no Effect")?,
        actions: actions.ok_or("it has neither Action nor NotAction")?,
        resources: resources.ok_or("it has neither Resource nor NotResource")?,
        conditions,
    })
}

/// One text or several.
fn texts(json: Json) -> Option<Vec<String>> {
    let text = |json| if let Json::Text(text) = json { Some(text) } else { None };
    match json {
        Json::List(list) => list.into_iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}
