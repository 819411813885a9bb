//! What a token claims, and whether that lets in (RFC 7519, 4.1).

use super::refusal::{Refusal, RefusalKind};
use super::{LEEWAY_SECONDS, all_shown, shown};
use crate::strict_json::Json;

/// What an issuer signed of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    members: Vec<(String, Json)>,
}

/// What a token must claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// `iss`, letter by letter.
    pub issuer: String,
    /// `aud` has one of these; where there is no `aud`, `client_id` is one of them.
    pub audiences: Vec<String>,
    /// `scope` or `scp` has one of these, where there are any.
    pub scopes: Vec<String>,
}

impl Claims {
    pub(super) fn read(payload: &[u8]) -> Result<Claims, Refusal> {
        let members = Json::object(payload);
        let members = members.map_err(|error| Refusal::new(RefusalKind::Malformed, format!("its payload {error}")))?;
        Ok(Claims { members })
    }

    /// Whether they are meant for us, and in force at `now`, in seconds since 1970.
    ///
    /// Source: documented for the JWT authorizers of HTTP APIs; that `exp` must be there is ours.
    ///
    /// # Errors
    /// A sentence that names the claim, what it says and what it should; [`RefusalKind::Scope`] where only that is missing.
    pub fn check(&self, expected: &Expected, now: u64) -> Result<(), Refusal> {
        self.check_issuer(&expected.issuer)?;
        self.check_audience(&expected.audiences)?;
        self.check_times(now)?;
        self.check_scopes(&expected.scopes)
    }

    /// A claim that is a text, a number or a truth value, as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        as_text(self.get(name)?)
    }

    /// All claims that are texts, numbers or truth values, as texts, in their order. Lists and objects are left out.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().filter_map(|(name, value)| Some((name.as_str(), as_text(value)?)))
    }

    fn get(&self, name: &str) -> Option<&Json> {
        self.members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    fn check_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        match self.get("iss") {
            Some(Json::Text(text)) if text == issuer => Ok(()),
            Some(Json::Text(text)) => {
                let slash = if text.trim_end_matches('/') == issuer.trim_end_matches('/') {
                    "; they differ in the slash at the end"
                } else {
                    ""
                };
                Err(Refusal::new(
                    RefusalKind::Claims,
                    format!("`iss` is {}, and not {}{slash}", shown(text), shown(issuer)),
                ))
            }
            Some(_) => Err(Refusal::new(RefusalKind::Claims, "`iss` is no text")),
            None => Err(Refusal::new(RefusalKind::Claims, "it has no `iss`")),
        }
    }

    fn check_audience(&self, audiences: &[String]) -> Result<(), Refusal> {
        let (name, value) = match (self.get("aud"), self.get("client_id")) {
            (Some(value), _) => ("aud", value),
            (None, Some(value)) => ("client_id", value),
            (None, None) => return Err(Refusal::new(RefusalKind::Claims, "it has neither `aud` nor `client_id`")),
        };
        let is_list = matches!(value, Json::List(_));
        let Some(named) = list(value).filter(|_| name == "aud" || !is_list) else {
            return Err(Refusal::new(RefusalKind::Claims, format!("`{name}` is no text")));
        };
        if named.iter().any(|one| audiences.contains(one)) {
            return Ok(());
        }
        let detail =
            format!("`{name}` is {}; of the audiences it is none: {}", all_shown(&named), all_shown(audiences));
        Err(Refusal::new(RefusalKind::Claims, detail))
    }

    fn check_times(&self, now: u64) -> Result<(), Refusal> {
        let (now, leeway) = (now as f64, LEEWAY_SECONDS as f64);
        let late = |detail: String| Err(Refusal::new(RefusalKind::Time, detail));
        match self.time("exp")? {
            None => return Err(Refusal::new(RefusalKind::Claims, "it has no `exp`, so that it would let in for ever")),
            Some(expires) if now >= expires + leeway => {
                return late(format!("it expired {} s ago (`exp`)", (now - expires) as i64));
            }
            Some(_) => {}
        }
        match self.time("nbf")? {
            Some(begins) if now + leeway < begins => {
                late(format!("it is in force only in {} s (`nbf`)", (begins - now) as i64))?;
            }
            _ => {}
        }
        match self.time("iat")? {
            Some(issued) if now + leeway < issued => {
                late(format!("it is issued only in {} s (`iat`): are the clocks right?", (issued - now) as i64))
            }
            _ => Ok(()),
        }
    }

    // Seconds since 1970, fractions included. Source: RFC 7519, 2 (NumericDate).
    fn time(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let time = match value {
            Json::Plain(text) => text.parse::<f64>().ok(),
            _ => None,
        };
        match time {
            Some(time) => Ok(Some(time)),
            None => Err(Refusal::new(RefusalKind::Claims, format!("`{name}` is no number"))),
        }
    }

    fn check_scopes(&self, asked: &[String]) -> Result<(), Refusal> {
        if asked.is_empty() {
            return Ok(());
        }
        let has: Vec<_> = ["scope", "scp"].into_iter().filter_map(|name| list(self.get(name)?)).collect();
        if has.is_empty() {
            return Err(Refusal::new(RefusalKind::Scope, "it has neither `scope` nor `scp`, and a scope is asked for"));
        }
        // One text holds several, with spaces between them (RFC 6749, 3.3).
        let has: Vec<_> = has.into_iter().flatten().collect();
        if has.iter().flat_map(|text| text.split(' ')).any(|scope| asked.iter().any(|one| one == scope)) {
            return Ok(());
        }
        let detail = format!("its scopes are {}; one of {} is asked for", all_shown(&has), all_shown(asked));
        Err(Refusal::new(RefusalKind::Scope, detail))
    }
}

fn as_text(value: &Json) -> Option<&str> {
    match value {
        Json::Text(text) | Json::Plain(text) => Some(text),
        Json::Null | Json::List(_) | Json::Object(_) => None,
    }
}

// A text, or a list of texts.
fn list(value: &Json) -> Option<Vec<String>> {
    match value {
        Json::Text(text) => Some(vec![text.clone()]),
        Json::List(items) => items
            .iter()
            .map(|item| match item {
                Json::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}
