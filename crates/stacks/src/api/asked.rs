//! What `CreateStack`, `UpdateStack` and `CreateChangeSet` are asked for.

use indexmap::IndexMap;

use super::checked::TEMPLATE_BYTES_MAX;
use super::error::{Error, constraint, validation};
use super::form::Form;
use crate::record::{Record, Settings};
use crate::template::Template;

/// The most parameters of a stack. Source: documented.
const PARAMETERS_MAX: usize = 200;
/// The longest value of a parameter, in bytes. Source: documented.
const PARAMETER_BYTES_MAX: usize = 4_096;
/// The most tags of a stack, and the longest of them. Source: documented.
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
/// The longest `ClientRequestToken`. Source: the model.
const TOKEN_CHARS_MAX: usize = 128;
/// What may be acknowledged. Source: the model.
const CAPABILITIES: &[&str] = &["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];

/// Where a template is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// In the call.
    Body(String),
    /// In a bucket.
    Url(String),
    /// The stack has it.
    Previous,
}

/// One parameter that a call gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Given {
    key: String,
    /// None: as before.
    value: Option<String>,
}

/// A call, taken apart.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The template.
    pub source: Source,
    /// Parameters.
    pub given: Vec<Given>,
    /// Tags; none where they stay.
    pub tags: Option<IndexMap<String, String>>,
    /// What is acknowledged.
    pub capabilities: Vec<String>,
    /// Topics; none where they stay.
    pub notified: Option<Vec<String>>,
    /// A role.
    pub role: String,
    /// The call's token; may be empty.
    pub token: String,
    /// Whether what fails stays as it is.
    pub keeps_failures: bool,
    /// Whether a stack that cannot be made is not even kept.
    pub deletes_failures: bool,
    /// Whether it may not be deleted; none where that stays.
    pub is_protected: Option<bool>,
}

impl Asked {
    /// Reads a call. `OnFailure` and `DisableRollback` are `CreateStack`'s, `OnStackFailure` is of change sets.
    ///
    /// # Errors
    /// What AWS refuses whatever the stack is.
    pub fn of(form: &Form) -> Result<Asked, Error> {
        let on_failure = form.text("OnFailure").or_else(|| form.text("OnStackFailure"));
        if let Some(other) = on_failure.filter(|word| !["DELETE", "ROLLBACK", "DO_NOTHING"].contains(word)) {
            return Err(constraint(
                other,
                "onFailure",
                "Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]",
            ));
        }
        if form.text("DisableRollback").is_some() && form.text("OnFailure").is_some() {
            return Err(validation("Either DisableRollback or OnFailure can be specified, not both."));
        }
        let capabilities: Vec<_> = form.texts("Capabilities").unwrap_or_default();
        if let Some(other) = capabilities.iter().find(|word| !CAPABILITIES.contains(word)) {
            let set = CAPABILITIES.join(", ");
            return Err(constraint(other, "capabilities", &format!("Member must satisfy enum value set: [{set}]")));
        }
        let token = form.text("ClientRequestToken").or_else(|| form.text("ClientToken")).unwrap_or_default();
        if token.chars().count() > TOKEN_CHARS_MAX {
            let text = format!("Member must have length less than or equal to {TOKEN_CHARS_MAX}");
            return Err(constraint(token, "clientRequestToken", &text));
        }
        Ok(Asked {
            source: source(form)?,
            given: given(form)?,
            tags: tags(form)?,
            capabilities: capabilities.into_iter().map(str::to_owned).collect(),
            notified: form.texts("NotificationARNs").map(|arns| arns.into_iter().map(str::to_owned).collect()),
            role: form.text("RoleARN").unwrap_or_default().to_owned(),
            token: token.to_owned(),
            keeps_failures: form.flag("DisableRollback")?.unwrap_or_default() || on_failure == Some("DO_NOTHING"),
            deletes_failures: on_failure == Some("DELETE"),
            is_protected: form.flag("EnableTerminationProtection")?,
        })
    }

    /// The values that are known before the template is read: loops may need them.
    pub fn known(&self, old: Option<&Record>) -> IndexMap<String, String> {
        let before = |key: &str| old.and_then(|old| old.parameters.get(key)).map(|kept| kept.value.clone());
        let known = self
            .given
            .iter()
            .filter_map(|Given { key, value }| Some((key.clone(), value.clone().or_else(|| before(key))?)));
        known.collect()
    }

    /// The same call with the template and the values that it came to.
    pub fn with(&self, text: &str, values: &IndexMap<String, String>) -> Asked {
        let given = values.iter().map(|(key, value)| Given { key: key.clone(), value: Some(value.clone()) });
        Asked { source: Source::Body(text.to_owned()), given: given.collect(), ..self.clone() }
    }

    /// The parameters' values, those that stay as they were among them.
    ///
    /// # Errors
    /// AWS's texts for parameters that are missing, that there are not, or that have no value before.
    pub fn parameters(&self, template: &Template, old: Option<&Record>) -> Result<IndexMap<String, String>, Error> {
        let names = |names: Vec<&str>| names.join(", ");
        let unknown: Vec<_> = self
            .given
            .iter()
            .map(|given| given.key.as_str())
            .filter(|key| !template.parameters.contains_key(*key))
            .collect();
        if !unknown.is_empty() {
            return Err(validation(format!("Parameters: [{}] do not exist in the template", names(unknown))));
        }
        let mut values = IndexMap::new();
        for Given { key, value } in &self.given {
            let before = || old.and_then(|old| old.parameters.get(key)).map(|kept| kept.value.clone());
            let value = value.clone().or_else(before).ok_or_else(|| {
                validation(format!(
                    "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the \
                     previous template"
                ))
            })?;
            values.insert(key.clone(), value);
        }
        let is_missing = |name: &&str| {
            template.parameters.get(*name).is_some_and(|parameter| parameter.default.is_none())
                && !values.contains_key(*name)
        };
        let missing: Vec<_> = template.parameters.keys().map(String::as_str).filter(is_missing).collect();
        match missing.is_empty() {
            true => Ok(values),
            false => Err(validation(format!("Parameters: [{}] must have values", names(missing)))),
        }
    }

    /// What is kept of a stack for whoever asks, once this was done.
    pub fn settings(&self, old: &Settings) -> Settings {
        Settings {
            tags: self.tags.clone().unwrap_or_else(|| old.tags.clone()),
            capabilities: self.capabilities.clone(),
            notified: self.notified.clone().unwrap_or_else(|| old.notified.clone()),
            role: if self.role.is_empty() { old.role.clone() } else { self.role.clone() },
            is_protected: self.is_protected.unwrap_or(old.is_protected),
            keeps_failures: self.keeps_failures,
            change_set: String::new(),
            reason: String::new(),
            token: self.token.clone(),
        }
    }
}

fn source(form: &Form) -> Result<Source, Error> {
    let is_previous = form.flag("UsePreviousTemplate")?.unwrap_or_default();
    match (form.text("TemplateBody"), form.text("TemplateURL"), is_previous) {
        (Some(body), None, false) if body.len() > TEMPLATE_BYTES_MAX => Err(too_large()),
        (Some(body), None, false) => Ok(Source::Body(body.to_owned())),
        (None, Some(url), false) => Ok(Source::Url(url.to_owned())),
        (None, None, true) => Ok(Source::Previous),
        (None, None, false) => Err(validation("Either Template URL or Template Body must be specified.")),
        _ => Err(validation("Specify exactly one of 'TemplateBody', 'TemplateURL' and 'UsePreviousTemplate'")),
    }
}

/// A template beyond the bound.
pub fn too_large() -> Error {
    validation(format!("Template may not exceed {TEMPLATE_BYTES_MAX} bytes in size."))
}

fn given(form: &Form) -> Result<Vec<Given>, Error> {
    let parameters = form.maps("Parameters").unwrap_or_default();
    if parameters.len() > PARAMETERS_MAX {
        return Err(validation(format!("more than {PARAMETERS_MAX} parameters")));
    }
    let mut all = Vec::new();
    for parameter in parameters {
        let key = parameter.get("ParameterKey").copied().unwrap_or_default();
        if key.is_empty() {
            return Err(validation("a parameter without ParameterKey"));
        }
        let value = parameter.get("ParameterValue").copied();
        let is_previous = parameter.get("UsePreviousValue").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        if value.is_some_and(|value| value.len() > PARAMETER_BYTES_MAX) {
            return Err(validation(format!("Parameter '{key}' may not exceed {PARAMETER_BYTES_MAX} bytes")));
        }
        let value = match (value, is_previous) {
            (Some(_), true) => {
                let text = "Cannot specify usePreviousValue as true and also specify a parameter value";
                return Err(validation(format!("Invalid input for parameter key {key}. {text}")));
            }
            (None, false) => {
                return Err(validation(format!(
                    "Invalid input for parameter key {key}. Need to specify either usePreviousValue as true or a value for the parameter"
                )));
            }
            (value, _) => value.map(str::to_owned),
        };
        all.push(Given { key: key.to_owned(), value });
    }
    Ok(all)
}

fn tags(form: &Form) -> Result<Option<IndexMap<String, String>>, Error> {
    let Some(given) = form.maps("Tags") else { return Ok(None) };
    if given.len() > TAGS_MAX {
        return Err(constraint("tags", "tags", &format!("Member must have length less than or equal to {TAGS_MAX}")));
    }
    let mut tags = IndexMap::new();
    for tag in given {
        let (key, value) = (tag.get("Key").copied().unwrap_or_default(), tag.get("Value").copied().unwrap_or_default());
        if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX || value.chars().count() > TAG_VALUE_CHARS_MAX {
            let text =
                format!("a key of 1 to {TAG_KEY_CHARS_MAX} characters and a value of up to {TAG_VALUE_CHARS_MAX}");
            return Err(constraint(key, "tags", &text));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(Some(tags))
}
