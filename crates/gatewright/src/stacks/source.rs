//! What `--template FILE` names: the template, and the values of its parameters.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use stacks::{Fault, Node, read};

use super::Asked;
use crate::small_files::{self, Stamp, stamp};

/// The largest file that is read, in bytes. Ours: larger than the largest template.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The longest name of a stack. Source: documented.
const NAME_CHARS_MAX: usize = 128;

/// What somebody typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// A template, or a folder that has one.
    pub(crate) file: PathBuf,
    /// `NAME=VALUE`.
    pub(crate) parameters: Vec<(String, String)>,
    /// A file of more of them; those that were typed count before.
    pub(crate) parameters_file: Option<PathBuf>,
    /// The stack's name; that of the file where none is given.
    pub(crate) name: Option<String>,
    pub(crate) is_strict: bool,
}

/// What was read, and of which files: whoever watches looks at these.
pub(crate) struct Source {
    pub(crate) asked: Asked,
    pub(crate) files: Files,
}

/// Files, and what each was before it was read.
pub(crate) type Files = Vec<(PathBuf, Stamp)>;

/// Why nothing could be read: what to say, with the lines that are meant, and the files that were read all the same.
pub(crate) struct Unread {
    pub(crate) text: String,
    pub(crate) files: Files,
}

impl Given {
    /// Reads everything.
    ///
    /// # Errors
    /// A file that is not there or is none of these; what is wrong in it, with line, column and a caret.
    pub(crate) fn read(&self) -> Result<Source, Unread> {
        let paths = [Some(self.file.clone()), self.parameters_file.clone()];
        let files: Files = paths.into_iter().flatten().map(|path| (path.clone(), stamp(&path))).collect();
        let unread = |text: String| Unread { text, files: files.clone() };
        let file = self.file.canonicalize().map_err(|error| unread(format!("{}: {error}", self.file.display())))?;
        let text = small_files::read_text(&file, FILE_BYTES_MAX);
        let text = text.map_err(|error| unread(format!("{}: {error}", self.file.display())))?;
        let mut parameters = IndexMap::new();
        if let Some(path) = &self.parameters_file {
            parameters = parameters_of(path).map_err(&unread)?;
        }
        parameters.extend(self.parameters.iter().cloned());
        let name = match &self.name {
            Some(name) => name.clone(),
            None => name_of(&file),
        };
        check_name(&name).map_err(&unread)?;
        let asked =
            Asked { name, text, file, document: None, remarks: Vec::new(), parameters, is_strict: self.is_strict };
        Ok(Source { asked, files })
    }
}

/// A stack's name from that of a file: its letters, digits and hyphens.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = stem.strip_suffix(".template").unwrap_or(stem);
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphabetic() && !c.is_ascii_digit());
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name.to_owned(),
        Some(_) => format!("stack-{name}"),
        None => "stack".to_owned(),
    }
}

/// Whether a text can be a stack's name. Source: documented (`[a-zA-Z][-a-zA-Z0-9]*`, 128 characters).
///
/// # Errors
/// A sentence that says what one is.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= NAME_CHARS_MAX
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match fits {
        true => Ok(()),
        false => Err(format!(
            "`{name}` is no stack's name: a letter, then letters, digits and hyphens, up to {NAME_CHARS_MAX}"
        )),
    }
}

/// The forms in which parameters are kept in files: a map of names and values, CloudFormation's list, and CodePipeline's map
/// below `Parameters`.
fn parameters_of(path: &Path) -> Result<IndexMap<String, String>, String> {
    let text = small_files::read_text(path, FILE_BYTES_MAX).map_err(|error| format!("{}: {error}", path.display()))?;
    let shown = |fault: Fault| fault.shown(&path.display().to_string(), &text);
    let document = read::read(&text).map_err(shown)?;
    let wrong = |node: &Node| {
        shown(Fault::new(
            "parameters are a map of names and values, or a list of ParameterKey and ParameterValue",
            "",
            node.place,
        ))
    };
    let mut parameters = IndexMap::new();
    if let Some(items) = document.as_list() {
        for item in items {
            let text = |member: &str| item.get(member).and_then(Node::as_str);
            let (Some(key), Some(value)) = (text("ParameterKey"), text("ParameterValue")) else {
                return Err(wrong(item));
            };
            parameters.insert(key.to_owned(), value.to_owned());
        }
        return Ok(parameters);
    }
    let map = document.get("Parameters").unwrap_or(&document);
    for (key, value) in map.as_map().ok_or_else(|| wrong(map))? {
        let value = match value.as_list() {
            Some(items) => items
                .iter()
                .map(|item| item.as_str().ok_or_else(|| wrong(item)))
                .collect::<Result<Vec<_>, _>>()?
                .join(","),
            None => value.as_str().ok_or_else(|| wrong(value))?.to_owned(),
        };
        parameters.insert(key.clone(), value);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_a_stack() {
        for (file, name) in [
            ("template.yaml", "template"),
            ("my_chat.app.yml", "my-chat-app"),
            ("01-express.yaml", "stack-01-express"),
            ("Chat.template.json", "Chat"),
            ("_.yaml", "stack"),
        ] {
            assert_eq!(name_of(Path::new(file)), name);
            check_name(&name_of(Path::new(file))).unwrap();
        }
        for wrong in ["", "1a", "a_b", "a b", &"x".repeat(129)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
