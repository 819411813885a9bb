//! What was given: an option of the command line wins over its environment variable, that over the settings file, that over
//! the default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use types::limits::{Limits, TABLE};

use crate::args::Options;
use crate::config::faults;
use crate::config::table::SettingKind;
use crate::config::values;
use crate::config::variables::{self, variable};
use crate::origin::Origin;

/// How often the extended dialect tells a `$disconnect` again whose backend fails.
const EXTENDED_RETRIES: usize = 16;

/// A setting with the value that holds, and where it comes from: a line of `gatewright config`.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) kind: SettingKind,
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl Said {
    /// An error about the value; where it comes from helps to find it.
    pub(super) fn wrong(&self, what: &str) -> String {
        let Said { name, text, origin, .. } = self;
        format!("{name} ({origin}): `{text}` {what}")
    }
}

/// Collects the settings one by one and notes each one's origin.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) options: Options,
    pub(super) file: PathBuf,
    /// In the order of the table; limits come last.
    pub(super) said: Vec<Said>,
}

impl Given {
    /// A value from wherever it was given first. An empty variable counts as none, as scripts expect.
    ///
    /// # Errors
    /// A flag is neither true nor false.
    pub(super) fn say(
        &mut self,
        name: &str,
        kind: SettingKind,
        defaults: &[&str],
        filed: Option<toml::Value>,
    ) -> Result<&Said, String> {
        let default = if self.is_extended() { defaults.last() } else { defaults.first() };
        let (text, origin) = match (self.options.text(name), variable(name), filed) {
            (Some(text), _, _) => (text, Origin::Option),
            (None, Some((variable, text)), _) => (text, Origin::Environment(variable)),
            (None, None, Some(value)) => (plain(value), Origin::File(self.file.clone())),
            (None, None, None) => (default.copied().unwrap_or_default().to_owned(), Origin::Default),
        };
        let mut said = Said { name: name.to_owned(), kind, text, origin };
        if kind == SettingKind::Flag {
            said.text = values::flag(&said)?.to_string();
        }
        Ok(self.said.push_mut(said))
    }

    /// Whether `compat`, which stands before what it decides, is `extended`.
    pub(super) fn is_extended(&self) -> bool {
        self.said.iter().any(|said| said.name == "compat" && said.text == "extended")
    }

    /// Where the value of a setting comes from that was said already.
    pub(super) fn origin(&self, name: &str) -> Option<&Origin> {
        self.said.iter().find(|said| said.name == name).map(|said| &said.origin)
    }

    /// The limits, from the table of their own.
    ///
    /// # Errors
    /// A sentence that names the limit, where it was given and what would fit. `text` is that of the settings file.
    pub(super) fn limits(&mut self, filed: &BTreeMap<String, toml::Value>, text: &str) -> Result<Limits, String> {
        let mut limits = Limits::default();
        if self.is_extended() {
            // Browsers send a message as one frame and cannot split it.
            limits.frame_bytes = 0;
            limits.disconnect_retries = EXTENDED_RETRIES;
        }
        let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
        let place = |name: &str| {
            let line = faults::line_of(text, "limits", name).map(|line| format!(", line {line}"));
            format!("settings file {}{}", self.file.display(), line.unwrap_or_default())
        };
        for (name, value) in filed {
            if !matches!(value, toml::Value::String(_) | toml::Value::Integer(_)) {
                return Err(format!("{}: limit `{name}` is neither text nor a whole number", place(name)));
            }
            limits.set(name, &plain(value.clone())).map_err(|error| format!("{}: {error}", place(name)))?;
            origins.insert(name.clone(), Origin::File(self.file.clone()));
        }
        let from_variable = variable("limit").into_iter().flat_map(|(variable, value)| {
            let texts: Vec<_> = value.split(',').map(str::to_owned).collect();
            texts.into_iter().map(move |text| (text, Origin::Environment(variable.clone())))
        });
        let of_their_own = variables::limits()
            .map(|(name, value, variable)| (format!("{name}={value}"), Origin::Environment(variable)));
        let typed = self.options.all("limit").iter().map(|text| (text.clone(), Origin::Option));
        // The command line comes last and wins; the more particular variable before that.
        for (text, origin) in from_variable.chain(of_their_own).chain(typed) {
            let (name, value) =
                text.split_once('=').ok_or_else(|| format!("limit ({origin}): `{text}` is not NAME=VALUE"))?;
            limits.set(name.trim(), value.trim()).map_err(|error| format!("{error} ({origin})"))?;
            origins.insert(name.trim().to_owned(), origin);
        }
        self.said.extend(TABLE.iter().map(|limit| Said {
            name: format!("limit {}", limit.name),
            kind: SettingKind::Limit,
            text: limit.get(&limits),
            origin: origins.remove(limit.name).unwrap_or(Origin::Default),
        }));
        Ok(limits)
    }
}

// As options and variables have it.
fn plain(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Array(texts) => texts.into_iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
