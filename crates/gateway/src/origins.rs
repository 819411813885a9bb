//! Which pages may connect to a stage: AWS asks nobody (documented), and a stage of the settings file may.

use std::collections::HashMap;

use types::headers::Headers;
use types::snapshot::StageKey;

use crate::gateway::Gateway;

/// The pages that may connect to one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageOrigins {
    /// The API's id or name.
    pub api: String,
    /// The stage's name.
    pub stage: String,
    /// Origins as browsers write them, in lower case and without the port that is their scheme's own; `*` is every one.
    pub origins: Vec<String>,
}

/// An origin as it is compared: in lower case, without the port that is its scheme's own.
///
/// `None`: it is none, which has a scheme, a host, perhaps a port, and nothing else; or the word `null`, which browsers
/// send for pages without one. Source: RFC 6454, section 6.2.
pub fn plain_origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    if text == "null" {
        return Some(text);
    }
    let (scheme, host) = text.split_once("://")?;
    let is_name = |text: &str, others: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(&c))
    };
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let (name, port) = port.map_or((host, None), |(name, port)| (name, Some(port)));
    let own_port = match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    };
    let fits = is_name(scheme, &['+', '-', '.'])
        && is_name(name, &['.', '-', '_', ':', '[', ']'])
        && (!name.contains(':') || name.starts_with('[') && name.ends_with(']'))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port));
    let port = port.filter(|port| *port != own_port).map_or_else(String::new, |port| format!(":{port}"));
    fits.then(|| format!("{scheme}://{name}{port}"))
}

/// What the settings say of all stages.
#[derive(Debug, Default)]
pub(crate) struct Origins(HashMap<String, Vec<StageOrigins>>);

impl Origins {
    /// By the names of stages, which are many stages' in turn.
    pub(crate) fn new(all: Vec<StageOrigins>) -> Origins {
        let mut by_stage: HashMap<_, Vec<_>> = HashMap::new();
        all.into_iter().for_each(|one| by_stage.entry(one.stage.clone()).or_default().push(one));
        Origins(by_stage)
    }

    /// Whether they say nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether pages of these origins may connect to a stage of an API of these names; a client without an origin is no
    /// page. Several are no browser's.
    fn allow(&self, stage: &str, names: &[&str], sent: &mut dyn Iterator<Item = &str>) -> bool {
        let of_stage = self.0.get(stage).into_iter().flatten();
        let mut rules = of_stage.filter(|rule| names.contains(&rule.api.as_str())).peekable();
        if rules.peek().is_none() {
            return true;
        }
        let Some(origin) = sent.next() else { return true };
        let plain = plain_origin(origin.trim());
        let fits = |allowed: &String| allowed == "*" || plain.as_ref() == Some(allowed);
        sent.next().is_none() && rules.all(|rule| rule.origins.iter().any(fits))
    }
}

impl Gateway {
    /// Whether a client that sends these headers may connect to a stage, as far as the page that it is goes.
    pub(crate) fn lets_page_in(&self, key: &StageKey, headers: &Headers) -> bool {
        if self.origins.is_empty() {
            return true;
        }
        let name = self.stages.pin(key).map(|stage| stage.api_name().to_owned()).unwrap_or_default();
        let lets_in = self.origins.allow(&key.stage, &[&key.api_id, &name], &mut headers.get_all("Origin"));
        if !lets_in {
            self.tell_of_foreign_page(key, headers.get("Origin").unwrap_or_default());
        }
        lets_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_one_spelling() {
        for (text, plain) in [
            ("https://App.Example.com", Some("https://app.example.com")),
            ("https://app.example.com:443", Some("https://app.example.com")),
            ("http://app.example.com:443", Some("http://app.example.com:443")),
            ("http://localhost:80", Some("http://localhost")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://[::1]", Some("http://[::1]")),
            ("chrome-extension://abcdef", Some("chrome-extension://abcdef")),
            ("null", Some("null")),
            ("*", None),
            ("app.example.com", None),
            ("https://", None),
            ("https://app.example.com/", None),
            ("https://app.example.com/path", None),
            ("https://user@app.example.com", None),
            ("https://app.example.com:", None),
            ("https://app.example.com:0443", None),
            ("https://app.example.com:99999", None),
            ("https://a:b:1", None),
            ("https://*.example.com", None),
            ("://a", None),
        ] {
            assert_eq!(plain_origin(text).as_deref(), plain, "{text}");
        }
    }

    #[test]
    fn pages_that_a_stage_does_not_name_stay_out() {
        let rule = |api: &str, origins: &[&str]| StageOrigins {
            api: api.to_owned(),
            stage: "prod".to_owned(),
            origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        };
        let origins = Origins::new(vec![
            rule("abc", &["https://app.example.com", "http://localhost:3000"]),
            rule("chat", &["*"]),
            rule("closed", &[]),
        ]);
        for (stage, names, sent, allowed) in [
            ("prod", ["abc", "x"], &["https://app.example.com"][..], true),
            ("prod", ["abc", "x"], &["https://APP.example.com:443"], true),
            ("prod", ["abc", "x"], &["http://localhost:3000"], true),
            ("prod", ["abc", "x"], &[], true),
            ("prod", ["abc", "x"], &["https://app.example.com:8443"], false),
            ("prod", ["abc", "x"], &["http://app.example.com"], false),
            ("prod", ["abc", "x"], &["https://app.example.com.evil.com"], false),
            ("prod", ["abc", "x"], &["null"], false),
            ("prod", ["abc", "x"], &[""], false),
            ("prod", ["abc", "x"], &["https://app.example.com", "https://evil.com"], false),
            ("prod", ["x", "abc"], &["https://evil.com"], false),
            ("prod", ["x", "chat"], &["https://evil.com"], true),
            ("prod", ["closed", ""], &["https://app.example.com"], false),
            ("prod", ["closed", ""], &[], true),
            ("dev", ["abc", "x"], &["https://evil.com"], true),
            ("prod", ["other", "y"], &["https://evil.com"], true),
            // Both the id's rule and the name's hold.
            ("prod", ["abc", "chat"], &["https://evil.com"], false),
        ] {
            let got = origins.allow(stage, &names, &mut sent.iter().copied());
            assert_eq!(got, allowed, "{stage} {names:?} {sent:?}");
        }
    }
}
