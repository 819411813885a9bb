//! The settings for readers: `gatewright config`, the same as a settings file (`--toml`), and the reference page
//! (`--reference`).

use types::limits::{self, Limits};

use crate::config::given::Said;
use crate::config::table::{Setting, SettingKind, TABLE};
use crate::config::variables;
use crate::origin::Origin;

/// A table for people: name, value, origin.
pub(super) fn table(said: &[Said]) -> String {
    let shown = |said: &Said| if said.text.is_empty() { "–".to_owned() } else { said.text.clone() };
    let names = said.iter().map(|said| said.name.len()).max().unwrap_or(0);
    let values = said.iter().map(|said| shown(said).chars().count()).max().unwrap_or(0);
    let row = |said: &Said| format!("{:names$}  {:values$}  {}\n", said.name, shown(said), said.origin);
    said.iter().map(row).collect()
}

/// A settings file: what was set stands there, defaults are comments. `tables` are those that are given in a file only, as
/// it has them.
pub(super) fn file(said: &[Said], tables: &toml::Table) -> String {
    let (mut settings, mut limits) = (String::new(), String::new());
    for said in said {
        let (to, name) = match said.kind {
            SettingKind::Tables => continue,
            SettingKind::Limit => (&mut limits, said.name.trim_start_matches("limit ")),
            _ => (&mut settings, said.name.as_str()),
        };
        let comment = if said.origin == Origin::Default { "# " } else { "" };
        let value = match said.kind {
            SettingKind::Flag | SettingKind::Count => said.text.clone(),
            SettingKind::List => {
                let texts = said.text.split(',').filter(|text| !text.is_empty());
                toml::Value::from(texts.collect::<Vec<_>>()).to_string()
            }
            _ => toml::Value::from(said.text.as_str()).to_string(),
        };
        *to += &format!("{comment}{name} = {value}\n");
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

/// The reference page, docs/settings.md.
pub(crate) fn reference() -> String {
    let rows: String = TABLE.iter().map(row).collect();
    let defaults = Limits::default();
    let limits = limits::TABLE.iter().map(|limit| {
        let none = if limit.may_be_none { "yes" } else { "no" };
        let (name, unit, default) = (limit.name, limit.unit, limit.get(&defaults));
        format!("| `{name}` | {unit} | `{default}` | {none} | {} |\n", limit.doc)
    });
    let limits: String = limits.collect();
    format!("{HEAD}{rows}{LIMITS}{limits}")
}

const HEAD: &str = "\
# Settings

Made by `gatewright config --reference` from the tables in `crates/gatewright/src/config/table.rs` and, for the limits,
`crates/types/src/limits.rs`; not edited by hand (`UPDATE=1 cargo test -p gatewright` writes it anew).

A setting is an option of `gatewright serve`, `demo` and `config`, an environment variable, and a line of the settings file
(`gatewright.toml`, or what `--config` names). The line has the option's name: `listen = \"127.0.0.1:80\"`, `ephemeral = true`,
`access-log-keep = 3`, `allow-host = [\"a.test\", \"b.test\"]`; variables part such lists with commas. The option wins over the
variable, that over the file, that over the default; an empty variable counts as none. `gatewright config` prints what holds and
where it comes from, `gatewright config --toml` a settings file, `gatewright config --example` one with every name as a comment.
`gatewright config --check FILE` says what is wrong with one, with the line and the nearest name, and ends with 78. `gatewright init` asks three
questions and writes one. `export`, `import` and `import-aws` take `--config` and `--data-dir`.

`Without a restart` is yes where a running gateway takes what the file behind the setting says now: it looks every second, and on SIGHUP.

| Option | Variable | Default | Without a restart | Meaning |
| --- | --- | --- | --- | --- |
";

const LIMITS: &str = "
## Limits

`--limit NAME=VALUE`, a variable such as `GATEWRIGHT_LIMIT_IDLE_TIMEOUT`, or a line below `[limits]` of the settings file. A
limit holds from the start of the program to its end. With `--compat extended` the default of `frame-bytes` is `0`.

| Limit | Unit | Default | May be 0, for none | Meaning |
| --- | --- | --- | --- | --- |
";

fn row(row: &Setting) -> String {
    let code =
        |text: String| if text.is_empty() { "–".to_owned() } else { format!("`{}`", text.replace('|', "\\|")) };
    let (name, variable) = match row.option() {
        Some(name) => (format!("--{name} {}", row.form), variables::named(name)),
        None => (format!("[{}]", row.name), String::new()),
    };
    let (name, variable, default) = (code(name.trim().to_owned()), code(variable), code(row.default()));
    let live = if row.live { "yes" } else { "no" };
    format!("| {name} | {variable} | {default} | {live} | {} |\n", row.doc.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_in_docs_are_what_would_be_made() {
        for (name, made) in [("settings.md", reference()), ("context.md", mapping::context_page())] {
            let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &made).unwrap();
            }
            let page = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(page == made, "UPDATE=1 cargo test -p gatewright writes docs/{name} anew");
        }
    }
}
