//! `gatewright config --example`: a settings file with every name there is, each a comment, with what it is for.
//!
//! Prose has a space behind its `#` and a setting has none, so that taking the `#` away is all it takes to use one.

use types::limits::{self, Limits};

use crate::config::table::{Setting, SettingKind, TABLE};

/// The longest line of a comment, in characters.
const COLUMNS: usize = 110;

/// The file.
pub(crate) fn example() -> String {
    let mut text = HEAD.to_owned();
    for row in TABLE {
        if !matches!(row.kind, SettingKind::File | SettingKind::Limit | SettingKind::Tables) {
            text += &format!("\n{}#{} = {}\n", prose(row.doc), row.name, value(row));
        }
    }
    text += LIMITS;
    let defaults = Limits::default();
    for limit in limits::TABLE {
        text += &format!("\n{}#{} = {:?}\n", prose(limit.doc), limit.name, limit.get(&defaults));
    }
    text += TABLES;
    for row in TABLE.iter().filter(|row| row.kind == SettingKind::Tables) {
        text += &format!("\n{}{}", prose(row.doc), table(row.name));
    }
    text
}

fn value(row: &Setting) -> String {
    let default = row.defaults.first().copied().unwrap_or_default();
    match row.kind {
        SettingKind::Flag | SettingKind::Count => default.to_owned(),
        SettingKind::List => format!("[{:?}]", row.form),
        // Where there is no default the form says what may stand there.
        _ if default.is_empty() => format!("{:?}", row.form),
        _ => format!("{default:?}"),
    }
}

fn prose(doc: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in doc.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < COLUMNS => *line += &format!(" {word}"),
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

// One of each, for the reader to change.
fn table(name: &str) -> &'static str {
    match name {
        "certificates" => "#[certificates.\"ws.example.com\"]\n#cert = \"ws.pem\"\n#key = \"ws.key\"\n",
        "functions" => "#[functions.chat]\n#handler = \"app.handler\"\n#runtime = \"python3.12\"\n#code = \"./chat\"\n",
        "services" => "#[services.sqs]\n#endpoint = \"http://127.0.0.1:5000\"\n",
        "stages" => "#[stages.\"chat/prod\"]\n#origins = [\"https://app.example.com\"]\n",
        "vpc-links" => "#[vpc-links.orders]\n#targets = [\"10.0.0.7:8080\"]\n#health-check = \"/health\"\n",
        "jwt" => "#[jwt.\"https://issuer.example.com\"]\n#audiences = [\"chat\"]\n",
        _ => "",
    }
}

const HEAD: &str = "\
# Gatewright's settings: every one there is. Take the # of a line away and change its value.
# A line without its # counts before the default; a variable (GATEWRIGHT_LISTEN) before the file; an option before both.
# `gatewright config --check gatewright.toml` looks it over, `gatewright config` prints what holds and where it comes from.
";

const LIMITS: &str = "
# ---- Limits: times as 500ms, 10s, 5m, 2h; numbers also as 64k, 1m; 0 is none where the page docs/settings.md says so ----

#[limits]
";

const TABLES: &str = "
# ---- Tables: they stand below the settings and the limits ----
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::File;

    #[test]
    fn the_example_says_nothing_and_every_line_of_it_can_be_used() {
        let text = example();
        assert!(toml::from_str::<toml::Table>(&text).unwrap().is_empty(), "all of it is comments");
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting,
            _ => line,
        });
        let used: String = lines.map(|line| format!("{line}\n")).collect();
        toml::from_str::<File>(&used).unwrap();
        let used: toml::Table = toml::from_str(&used).unwrap();
        for row in TABLE.iter().filter(|row| !matches!(row.kind, SettingKind::File | SettingKind::Limit)) {
            assert!(used.contains_key(row.name), "{}", row.name);
        }
        let limits = used["limits"].as_table().unwrap();
        assert!(limits::TABLE.iter().all(|limit| limits.contains_key(limit.name)));
    }
}
