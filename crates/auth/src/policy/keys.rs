//! What is known of a call: the keys that conditions and policy variables name.

/// Keys that are looked at here; a call may lack the value of one. Documented. Names are compared in any case.
const KNOWN: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:referer",
    "aws:securetransport",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:useragent",
    "aws:userid",
    "aws:username",
];
/// The tags of a caller; nobody has any here.
const KNOWN_PREFIX: &str = "aws:principaltag/";

/// The values of a call's keys.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<(String, Vec<String>)>);

impl Keys {
    /// The same with a key's value; one more where it has some.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Keys {
        let name = name.to_ascii_lowercase();
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => values.push(value.into()),
            None => self.0.push((name, vec![value.into()])),
        }
        self
    }

    /// The values of a key; none where the call has none.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, values)| values.as_slice())
    }

    /// Whether a key that has no value here could have had one: of others nothing is known.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.get(name).is_some() || is_known(name)
    }
}

pub(super) fn is_known(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    KNOWN.contains(&name.as_str()) || name.starts_with(KNOWN_PREFIX)
}
