//! Access keys, as the credentials file has them.
//!
//! Errors name the line and the member, and never a value: it may be a secret, or a part of one.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::policy::Policy;
use crate::secret::Secret;
use crate::time;

/// The longest credentials file, in bytes.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long an id may be, and a user's name. Documented: 128 and 64.
const ID_CHARS_MAX: usize = 128;
const USER_CHARS_MAX: usize = 64;

/// What a credentials file refers to and only the caller can reach.
pub trait Outside {
    /// The value of a variable of the environment.
    ///
    /// # Errors
    /// Why there is none, such as `is not set`.
    fn variable(&self, name: &str) -> Result<String, String>;

    /// The text of a file, by the path that the credentials file has.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// An access key, and what its user may do.
#[derive(Clone)]
pub struct AccessKey {
    /// Such as `AKIDEXAMPLE`.
    pub id: String,
    /// The name of the user that it belongs to.
    pub user: String,
    /// What the user may do.
    pub policies: Vec<Policy>,
    pub(crate) secret: Secret,
    pub(crate) session_token: Option<Secret>,
    /// From when on the key is none any more, in seconds since 1970.
    pub(crate) expires: Option<i64>,
}

/// All access keys, by their ids.
#[derive(Clone, Default)]
pub struct Credentials {
    keys: HashMap<String, AccessKey>,
    remarks: Vec<String>,
}

impl AccessKey {
    /// Whether what its policies say depends on more than action and resource.
    pub fn asks_for_keys(&self) -> bool {
        self.policies.iter().any(Policy::asks_for_keys)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.values()).finish()
    }
}

impl Credentials {
    /// Reads a credentials file.
    ///
    /// # Errors
    /// A sentence that names line and member.
    pub fn parse(text: &str, outside: &dyn Outside) -> Result<Credentials, String> {
        if text.len() > FILE_BYTES_MAX {
            return Err(format!("{} bytes are more than {FILE_BYTES_MAX}", text.len()));
        }
        let reader = Reader { text, outside };
        let document = DeTable::parse(text).map_err(|error| {
            // The error's own form shows the line, which may hold a secret.
            let line = error.span().map_or(1, |span| reader.line(&span));
            format!("line {line}: it is no TOML: {}", error.message())
        })?;
        let mut credentials = Credentials::default();
        for (name, value) in document.get_ref() {
            let (DeValue::Array(keys), "access_key") = (value.get_ref(), name.get_ref().as_ref()) else {
                return Err(reader.wrong(name.span(), name.get_ref(), "only [[access_key]] stands here"));
            };
            for key in keys.iter() {
                let key = reader.access_key(key)?;
                credentials.remarks.extend(key.policies.iter().flat_map(Policy::remarks));
                if credentials.keys.contains_key(&key.id) {
                    return Err(format!("access key {}: it stands there twice", key.id));
                }
                credentials.keys.insert(key.id.clone(), key);
            }
        }
        Ok(credentials)
    }

    /// An access key by its id.
    pub fn get(&self, id: &str) -> Option<&AccessKey> {
        self.keys.get(id)
    }

    /// The keys of a user, by id.
    pub fn of_user(&self, user: &str) -> Vec<&AccessKey> {
        let mut keys: Vec<_> = self.keys.values().filter(|key| key.user == user).collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        keys
    }

    /// How many access keys there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// What of the policies cannot be decided here.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }
}

struct Reader<'r> {
    text: &'r str,
    outside: &'r dyn Outside,
}

type Spot = Range<usize>;

impl Reader<'_> {
    fn line(&self, spot: &Spot) -> usize {
        let before = self.text.as_bytes().get(..spot.start).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn wrong(&self, spot: Spot, member: &str, why: &str) -> String {
        format!("line {}: {member}: {why}", self.line(&spot))
    }

    fn access_key(&self, value: &Spanned<DeValue<'_>>) -> Result<AccessKey, String> {
        let spot = value.span();
        let DeValue::Table(members) = value.get_ref() else {
            return Err(self.wrong(spot, "access_key", "it is no table"));
        };
        let (mut id, mut secret, mut user, mut token, mut expires) = (None, None, None, None, None);
        let mut policies = Vec::new();
        for (name, value) in members {
            let (member, at) = (name.get_ref().as_ref(), value.span());
            let text = || match value.get_ref() {
                DeValue::String(text) if !text.is_empty() => Ok(text.to_string()),
                DeValue::String(_) => Err(self.wrong(at.clone(), member, "it is empty")),
                _ => Err(self.wrong(at.clone(), member, "it is no text in quotes")),
            };
            match member {
                "id" => id = Some(self.named(text()?, ID_CHARS_MAX, "_-", at.clone(), member)?),
                "user" => user = Some(self.named(text()?, USER_CHARS_MAX, "_+=,.@-", at.clone(), member)?),
                "session_token" => token = Some(Secret::new(text()?)),
                "expires" => expires = Some(self.time(value)?),
                "policies" => policies = self.policies(value)?,
                "secret" | "secret_env" | "secret_file" => {
                    if secret.is_some() {
                        return Err(self.wrong(
                            at.clone(),
                            member,
                            "of secret, secret_env and secret_file one stands there",
                        ));
                    }
                    let text = text()?;
                    let found = match member {
                        "secret_env" => self.outside.variable(&text),
                        "secret_file" => self.outside.file(&text).map(|text| text.trim().to_owned()),
                        _ => Ok(text.clone()),
                    };
                    let found =
                        found.and_then(|found| if found.is_empty() { Err("is empty".to_owned()) } else { Ok(found) });
                    let found = found.map_err(|why| self.wrong(at.clone(), member, &format!("{text} {why}")))?;
                    secret = Some(Secret::new(found));
                }
                _ => return Err(self.wrong(name.span(), member, "no access key has this")),
            }
        }
        let lacks = |what: &str| self.wrong(spot.clone(), "access_key", &format!("it has no {what}"));
        Ok(AccessKey {
            id: id.ok_or_else(|| lacks("id"))?,
            secret: secret.ok_or_else(|| lacks("secret, secret_env or secret_file"))?,
            user: user.ok_or_else(|| lacks("user"))?,
            session_token: token,
            expires,
            policies,
        })
    }

    fn named(&self, text: String, chars_max: usize, also: &str, at: Spot, member: &str) -> Result<String, String> {
        let fits = text.len() <= chars_max && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
        let form = || format!("it is not up to {chars_max} letters, digits and {also}");
        fits.then_some(text).ok_or_else(|| self.wrong(at, member, &form()))
    }

    fn time(&self, value: &Spanned<DeValue<'_>>) -> Result<i64, String> {
        let text = match value.get_ref() {
            DeValue::Datetime(time) => Some(time.to_string()),
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        };
        let form = "it is no time, such as 2026-01-15T12:00:00Z";
        text.and_then(|text| time::from_iso(&text)).ok_or_else(|| self.wrong(value.span(), "expires", form))
    }

    fn policies(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<Policy>, String> {
        let wrong = |spot: Spot, why: &str| self.wrong(spot, "policies", why);
        let DeValue::Array(documents) = value.get_ref() else { return Err(wrong(value.span(), "it is no list")) };
        let read = |document: &Spanned<DeValue<'_>>| {
            let at = document.span();
            let inline = || format!("the policy in line {}", self.line(&at));
            let (name, text) = match document.get_ref() {
                DeValue::String(text) if text.trim_start().starts_with('{') => (inline(), text.to_string()),
                DeValue::String(path) => {
                    let text = self.outside.file(path).map_err(|why| wrong(at.clone(), &format!("{path}: {why}")))?;
                    (path.to_string(), text)
                }
                table @ DeValue::Table(_) => (inline(), to_json(table).to_string()),
                _ => return Err(wrong(at, "each is the path of a JSON document, or the document itself")),
            };
            Policy::parse(&name, &text).map_err(|error| wrong(at, &format!("{name}: {error}")))
        };
        documents.iter().map(read).collect()
    }
}

fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(truth) => Value::from(*truth),
        // As text: conditions compare both alike.
        DeValue::Integer(number) => Value::from(number.to_string()),
        DeValue::Float(number) => Value::from(number.to_string()),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(members) => {
            let members = members.iter().map(|(name, value)| (name.get_ref().to_string(), to_json(value.get_ref())));
            Value::Object(members.collect())
        }
    }
}

#[cfg(test)]
mod tests;
