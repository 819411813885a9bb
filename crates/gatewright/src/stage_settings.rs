//! `[stages]` of the settings file: what holds for one stage beyond what AWS's API can say.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use gateway::{StageOrigins, plain_origin};
use serde::Deserialize;
use types::snapshot::StageKey;

use crate::config::{Said, SettingKind};
use crate::origin::Origin;

/// A stage as the file has it: `[stages."API/STAGE"]`, by the API's id or name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Filed {
    origins: Option<Vec<String>>,
}

/// Checks what the file says of stages.
///
/// # Errors
/// One sentence that names the file, the stage and what would fit.
pub(crate) fn read(file: &Path, filed: BTreeMap<String, Filed>) -> Result<Vec<StageOrigins>, String> {
    let stage = |(name, filed): (String, Filed)| {
        let wrong = |error: String| format!("settings file {}: stages.\"{name}\": {error}", file.display());
        // An API's name may hold a slash; a stage's cannot.
        let (api, stage) = name
            .rsplit_once('/')
            .filter(|(api, stage)| !api.is_empty() && !stage.is_empty())
            .ok_or_else(|| wrong("it names no API and stage, such as chat/prod".to_owned()))?;
        let Some(origins) = filed.origins else { return Ok(None) };
        let origins = origins.iter().map(|text| origin(text)).collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Some(StageOrigins { api: api.to_owned(), stage: stage.to_owned(), origins }))
    };
    filed.into_iter().filter_map(|one| stage(one).transpose()).collect()
}

/// The stages as lines of `gatewright config`.
pub(crate) fn said(stages: &[StageOrigins], file: &Path) -> Vec<Said> {
    let line = |stage: &StageOrigins| Said {
        name: format!("stages {}/{} origins", stage.api, stage.stage),
        kind: SettingKind::Tables,
        text: stage.origins.join(" "),
        origin: Origin::File(file.to_owned()),
    };
    stages.iter().map(line).collect()
}

/// Those that there are not, a sentence each: a typing mistake would leave a stage open to every page, in silence.
pub(crate) fn unknown<'s>(
    stages: &'s [StageOrigins],
    there: &[StageKey],
    names: &HashMap<String, String>,
) -> impl Iterator<Item = String> + 's {
    let is_there = |one: &&StageOrigins| {
        there
            .iter()
            .any(|key| key.stage == one.stage && (key.api_id == one.api || names.get(&key.api_id) == Some(&one.api)))
    };
    let unknown: Vec<_> = stages.iter().filter(|one| !is_there(one)).collect();
    unknown.into_iter().map(|StageOrigins { api, stage, .. }| {
        format!("stages.\"{api}/{stage}\" of the settings file: there is no such API or no such stage yet")
    })
}

fn origin(text: &str) -> Result<String, String> {
    let plain = if text == "*" { Some(text.to_owned()) } else { plain_origin(text) };
    plain.ok_or_else(|| format!("origins: `{text}` is no origin, such as https://app.example.com, and not *"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(text: &str) -> Result<Vec<StageOrigins>, String> {
        read(Path::new("f.toml"), toml::from_str(text).unwrap())
    }

    #[test]
    fn stages_are_named_by_api_and_stage() {
        let stages = stages(
            "[\"chat/prod\"]\norigins = [\"https://App.example.com:443\", \"*\"]\n[\"a/b/dev\"]\norigins = []\n[\"c/d\"]",
        )
        .unwrap();
        let told: Vec<_> = stages.iter().map(|one| (&*one.api, &*one.stage, one.origins.join(" "))).collect();
        assert_eq!(told, [("a/b", "dev", String::new()), ("chat", "prod", "https://app.example.com *".to_owned()),]);
        let key = |api: &str, stage: &str| StageKey { api_id: api.to_owned(), stage: stage.to_owned() };
        let names = [("abc".to_owned(), "chat".to_owned())].into();
        let unknown: Vec<_> = unknown(&stages, &[key("abc", "prod"), key("abc", "dev")], &names).collect();
        assert!(matches!(&unknown[..], [one] if one.contains("a/b/dev")), "{unknown:?}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, part) in [
            ("[chat]\norigins = []", "stages.\"chat\": it names no API"),
            ("[\"/prod\"]", "names no API"),
            ("[\"chat/\"]", "names no API"),
            ("[\"chat/prod\"]\norigins = [\"app.example.com\"]", "`app.example.com` is no origin"),
            ("[\"chat/prod\"]\norigins = [\"https://app.example.com/\"]", "is no origin"),
            ("[\"chat/prod\"]\norigins = [\"https://*.example.com\"]", "is no origin"),
        ] {
            assert!(stages(text).is_err_and(|error| error.contains(part)), "{text}");
        }
    }
}
