//! `gatewright config --toml`: the settings as a file that can be used.

use crate::origin::Origin;

/// Settings that are no text in the file.
const PLAIN: &[&str] = &["ephemeral", "insecure", "access-log-keep", "metrics-series", "backend-paths"];

/// Settings that are lists in the file.
const LISTS: &[&str] = &["allow-host", "name-server"];

/// The settings as a settings file: what was set stands there, defaults are comments. `tables` are those that are given in
/// a file only, as it has them.
pub(super) fn text(origins: &[(String, String, Origin)], tables: &toml::Table) -> String {
    let mut settings = String::new();
    let mut limits = String::new();
    for (name, value, origin) in origins {
        // Only in files, where they are tables.
        if name.contains('[') || name.starts_with("vpc-link") || name.starts_with("certificate") {
            continue;
        }
        let (to, name) = match name.strip_prefix("limit ") {
            Some(name) => (&mut limits, name),
            None => (&mut settings, name.as_str()),
        };
        let comment = if *origin == Origin::Default { "# " } else { "" };
        *to += &format!("{comment}{name} = {}\n", written(name, value));
    }
    let mut text =
        format!("# Gatewright's settings. What is commented out is the default.\n\n{settings}\n[limits]\n{limits}");
    // What came from a file can be written to one.
    let tables = toml::to_string(tables).unwrap_or_default();
    if !tables.is_empty() {
        text += &format!("\n{tables}");
    }
    text
}

fn written(name: &str, value: &str) -> String {
    match value {
        "–" if LISTS.contains(&name) => "[]".to_owned(),
        _ if LISTS.contains(&name) => toml::Value::from(value.split(',').collect::<Vec<_>>()).to_string(),
        "–" => "\"\"".to_owned(),
        _ if PLAIN.contains(&name) => value.to_owned(),
        _ => toml::Value::String(value.to_owned()).to_string(),
    }
}
