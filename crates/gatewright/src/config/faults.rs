//! Tells what is wrong with a settings file: the line, and the name that may have been meant.

use std::ops::Range;
use std::path::Path;

use types::nearest::nearest;

/// A file that does not parse, or holds a name that is none: `settings file gatewright.toml, line 3: …`.
pub(super) fn told(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let path = path.display();
    let Some(unknown) = unknown(error.message()) else {
        // The parser shows the line and points at the place.
        return format!("settings file {path}: {error}");
    };
    let line = error.span().map_or(1, |span: Range<usize>| line_at(text, span.start));
    format!("settings file {path}, line {line}: {unknown}")
}

/// A setting whose value is wrong, with the line where the file says it; as it was where the file does not.
pub(super) fn located(path: &Path, text: &str, wrong: String) -> String {
    let from_file = format!(" ({})", path.display());
    let end = wrong.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(wrong.len());
    let (name, rest) = wrong.split_at(end);
    // What another place says is not to be sought in the file.
    let is_of_the_file = !rest.starts_with(" (") || rest.starts_with(&from_file);
    match line_of(text, "", name).filter(|_| is_of_the_file && !name.is_empty()) {
        Some(line) => format!("settings file {}, line {line}: {wrong}", path.display()),
        None => wrong,
    }
}

/// The line, counted from 1, on which a table of the file gives a name a value; the table without a name is the beginning.
pub(super) fn line_of(text: &str, table: &str, name: &str) -> Option<usize> {
    let mut at = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            at = header.split(']').next().unwrap_or_default().trim();
        } else if at == table && line.split_once('=').is_some_and(|(key, _)| key.trim().trim_matches('"') == name) {
            return Some(index + 1);
        }
    }
    None
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

// The parser's own words are "unknown field `listn`, expected one of `listen`, `admin`, …": the names in them are all that
// can stand there, in any table of the file.
fn unknown(message: &str) -> Option<String> {
    let names = message.strip_prefix("unknown field ")?;
    let mut names = names.split('`').skip(1).step_by(2);
    let name = names.next()?;
    let known: Vec<&str> = names.collect();
    let meant = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`gatewright config --example` shows every name there is".to_owned(),
    };
    Some(format!("unknown field `{name}`; {meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::File;

    #[test]
    fn an_unknown_name_is_told_with_its_line_and_the_nearest_one() {
        for (text, expected) in [
            ("listn = \"x\"", "settings file s.toml, line 1: unknown field `listn`; did you mean `listen`?"),
            (
                "ephemeral = true\n\nlog_level = \"warn\"\n",
                "line 3: unknown field `log_level`; did you mean `log-level`?",
            ),
            ("[functions.chat]\nhandlr = \"app.handler\"", "line 2: unknown field `handlr`; did you mean `handler`?"),
            ("zzz = 1", "line 1: unknown field `zzz`; `gatewright config --example`"),
            ("a =", "TOML parse error at line 1"),
        ] {
            let error = toml::from_str::<File>(text).unwrap_err();
            let told = told(Path::new("s.toml"), text, &error);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_its_line_only_where_the_file_says_it() {
        let text = "# listen = 1\n[limits]\nlisten = 1\n";
        assert_eq!(line_of(text, "", "listen"), None);
        assert_eq!(line_of(text, "limits", "listen"), Some(3));
        let text = "ephemeral = true\nlisten = \"x\"\n";
        let wrong = |from: &str| located(Path::new("s.toml"), text, format!("listen ({from}): `x` is no address"));
        assert_eq!(wrong("s.toml"), "settings file s.toml, line 2: listen (s.toml): `x` is no address");
        assert_eq!(wrong("command line"), "listen (command line): `x` is no address");
        assert_eq!(located(Path::new("s.toml"), text, "ü".to_owned()), "ü");
    }
}
