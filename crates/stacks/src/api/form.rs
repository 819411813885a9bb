//! A call's parameters: a form, in which lists and maps are spelled out (`Tags.member.1.Key`).

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::error::{Error, validation};

/// The most parameters of a call. Ours: 200 parameters, 50 tags and what else a call may have are a thousand.
const PARAMETERS_MAX: usize = 10_000;

/// What a call says.
#[derive(Clone, Debug, Default)]
pub struct Form(IndexMap<String, String>);

impl Form {
    /// Reads a body of `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// What is no such form: escapes that are none, text that is not UTF-8, more parameters than any call has.
    pub fn read(body: &[u8]) -> Result<Form, Error> {
        let mut form = IndexMap::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if form.len() == PARAMETERS_MAX {
                return Err(malformed(&format!("there are more than {PARAMETERS_MAX} parameters")));
            }
            let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (decoded(&pair[..cut])?, decoded(pair.get(cut + 1..).unwrap_or_default())?);
            form.insert(name, value);
        }
        Ok(Form(form))
    }

    /// A parameter, where it is given, empty or not.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A parameter that says something.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    /// A parameter that a call must have.
    ///
    /// # Errors
    /// AWS's text for one that is missing.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.text(name).ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                lower_first(name)
            ))
        })
    }

    /// A boolean.
    ///
    /// # Errors
    /// It is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(malformed(&format!("{name} is true or false"))),
        }
    }

    /// The texts of a list, in its order. None where the call does not name the list at all; an empty one says `Tags=`.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.items(name);
        let texts: Vec<_> = items.values().filter_map(|item| item.get("").copied()).collect();
        (!texts.is_empty() || self.0.contains_key(name)).then_some(texts)
    }

    /// The maps of a list, in its order. None where the call does not name the list at all.
    pub fn maps(&self, name: &str) -> Option<Vec<BTreeMap<&str, &str>>> {
        let items = self.items(name);
        (!items.is_empty() || self.0.contains_key(name)).then(|| items.into_values().collect())
    }

    fn items(&self, name: &str) -> BTreeMap<usize, BTreeMap<&str, &str>> {
        let mut items: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
        for (key, value) in &self.0 {
            let Some(rest) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix(".member.")) else { continue };
            let (index, member) = rest.split_once('.').unwrap_or((rest, ""));
            if let Ok(index) = index.parse() {
                items.entry(index).or_default().insert(member, value);
            }
        }
        items
    }
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect()
}

fn malformed(what: &str) -> Error {
    Error::new(400, "MalformedInput", format!("the form cannot be read: {what}"))
}

fn decoded(text: &[u8]) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(malformed("a % without two digits behind it")),
            },
            byte => *byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_are_spelled_out() {
        let form = Form::read(
            b"Action=A&Tags.member.2.Key=b&Tags.member.10.Key=c&Tags.member.1.Key=a+%2B&Tags.member.1.Value=%C3%A4&Capabilities=&N.member.1=x",
        )
        .unwrap();
        let keys: Vec<_> = form.maps("Tags").unwrap().iter().map(|tag| tag["Key"].to_owned()).collect();
        assert_eq!(keys, ["a +", "b", "c"]);
        assert_eq!(form.maps("Tags").unwrap()[0]["Value"], "ä");
        assert_eq!(form.texts("Capabilities"), Some(Vec::new()));
        assert_eq!(form.texts("N"), Some(vec!["x"]));
        assert_eq!((form.texts("M"), form.maps("M")), (None, None));
        assert!(form.required("StackName").unwrap_err().message.contains("'stackName'"));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for wrong in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"%=1"] {
            assert_eq!(Form::read(wrong).unwrap_err().code, "MalformedInput", "{wrong:?}");
        }
        let many =
            "a".repeat(PARAMETERS_MAX + 1).chars().enumerate().map(|(n, c)| format!("{c}{n}=&")).collect::<String>();
        assert!(Form::read(many.as_bytes()).is_err());
        assert!(Form::read(b"").unwrap().get("Action").is_none());
    }
}
