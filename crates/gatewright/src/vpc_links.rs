//! `[vpc-links]` of the settings file: where each link leads.

use std::collections::BTreeMap;
use std::path::Path;

use gateway::LinkSettings;
use serde::Deserialize;
use types::limits::time;

use crate::config::{Said, SettingKind};
use crate::origin::Origin;

/// A link as the file has it: `[vpc-links.orders]`, by the link's id, name or target ARN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Filed {
    targets: Vec<String>,
    health_check: Option<String>,
    interval: Option<String>,
}

/// Checks the links.
///
/// # Errors
/// One sentence that names the file, the link and what would fit.
pub(crate) fn read(file: &Path, filed: BTreeMap<String, Filed>) -> Result<BTreeMap<String, LinkSettings>, String> {
    let link = |(name, filed): (String, Filed)| {
        let link =
            settings(filed).map_err(|error| format!("settings file {}: vpc-links.{name}: {error}", file.display()))?;
        Ok((name, link))
    };
    filed.into_iter().map(link).collect()
}

/// The links as lines of `gatewright config`.
pub(crate) fn said(links: &BTreeMap<String, LinkSettings>, file: &Path) -> Vec<Said> {
    let line = |(name, link): (&String, &LinkSettings)| {
        let targets: Vec<_> = link.targets.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let (name, text) = (format!("vpc-links {name}"), targets.join(" "));
        Said { name, kind: SettingKind::Tables, text, origin: Origin::File(file.to_owned()) }
    };
    links.iter().map(line).collect()
}

fn settings(filed: Filed) -> Result<LinkSettings, String> {
    if filed.targets.is_empty() {
        return Err("targets is empty; it takes one or more of HOST:PORT".to_owned());
    }
    let targets = filed.targets.iter().map(|text| target(text));
    let mut link = LinkSettings::of(targets.collect::<Result<_, _>>()?);
    if let Some(path) = filed.health_check {
        let fits = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(format!("health-check: `{path}` is no path, such as /health"));
        }
        link.health_check = Some(path);
    }
    if let Some(text) = filed.interval {
        let interval = time(&text).filter(|interval| !interval.is_zero());
        link.interval = interval.ok_or_else(|| format!("interval: `{text}` is no time, such as 10s"))?;
    }
    Ok(link)
}

fn target(text: &str) -> Result<(String, u16), String> {
    let bad = || format!("targets: `{text}` is no host and port, such as 10.0.0.5:8080");
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let fits = !host.is_empty() && !host.contains(['/', '@', ' ']);
    let port = port.parse().ok().filter(|port| fits && *port != 0).ok_or_else(bad)?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn link(text: &str) -> Result<LinkSettings, String> {
        settings(toml::from_str(text).unwrap())
    }

    #[test]
    fn a_link_has_addresses_a_check_and_an_interval() {
        let link =
            link("targets = [\"10.0.0.5:8080\", \"[::1]:81\"]\nhealth-check = \"/ok?x=1\"\ninterval = \"500ms\"")
                .unwrap();
        assert_eq!(link.targets, [("10.0.0.5".to_owned(), 8080), ("::1".to_owned(), 81)]);
        assert_eq!((link.health_check.as_deref(), link.interval), (Some("/ok?x=1"), Duration::from_millis(500)));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, part) in [
            ("targets = []", "targets is empty"),
            ("targets = [\"10.0.0.5\"]", "`10.0.0.5` is no host and port"),
            ("targets = [\"http://a:1\"]", "`http://a:1` is no host"),
            ("targets = [\"a:0\"]", "`a:0`"),
            ("targets = [\"a:99999\"]", "`a:99999`"),
            ("targets = [\"a:1\"]\nhealth-check = \"health\"", "`health` is no path"),
            ("targets = [\"a:1\"]\ninterval = \"0\"", "`0` is no time"),
        ] {
            assert!(link(text).is_err_and(|error| error.contains(part)), "{text}");
        }
    }
}
