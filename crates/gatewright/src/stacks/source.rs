//! What `--template FILE` names: the templates, and the values of their parameters.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use stacks::locate::{Assets, Located, locate};
use stacks::{Fault, Node, include, read, serverless};
use types::arn::Home;

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

/// What was read, stacks that others need first, and of which files: whoever watches looks at these.
pub(crate) struct Source {
    pub(crate) asked: Vec<Asked>,
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
    /// Reads everything. `home` is where the gateway says that it is.
    ///
    /// # Errors
    /// A file that is not there or is none of these; what is wrong in it, with line, column and a caret.
    pub(crate) fn read(&self, home: &Home) -> Result<Source, Unread> {
        let reader = Reader::default();
        let asked = self.asked(&reader, home);
        let files = reader.files.into_inner().into_iter().collect();
        match asked {
            Ok(asked) => Ok(Source { asked, files }),
            Err(text) => Err(Unread { text, files }),
        }
    }

    fn asked(&self, reader: &Reader, home: &Home) -> Result<Vec<Asked>, String> {
        let mut parameters = IndexMap::new();
        if let Some(path) = &self.parameters_file {
            parameters = parameters_of(reader, path)?;
        }
        parameters.extend(self.parameters.iter().cloned());
        // Seen before it is found: one that is not there now may be there later.
        reader.see(&self.file);
        let file = self.file.canonicalize().map_err(|error| format!("{}: {error}", self.file.display()))?;
        if !file.is_dir() {
            return Ok(vec![self.one(reader, &file, Located::default(), &parameters, home)?]);
        }
        let text = |path: &str| reader.text(&file.join(path)).ok();
        let located = locate(&text).map_err(|fault| format!("{}: {fault}", self.file.display()))?;
        if let (Some(name), 2..) = (&self.name, located.len()) {
            let names: Vec<&str> = located.iter().filter_map(|one| one.stack.as_deref()).collect();
            return Err(format!(
                "stack-name: {} has several stacks ({}), which cannot all be called {name}",
                self.file.display(),
                names.join(", ")
            ));
        }
        let one = |located: Located| self.one(reader, &file.join(&located.template), located, &parameters, home);
        located.into_iter().map(one).collect()
    }

    fn one(
        &self,
        reader: &Reader,
        file: &Path,
        located: Located,
        given: &IndexMap<String, String>,
        home: &Home,
    ) -> Result<Asked, String> {
        let text = reader.text(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = self.name.clone().or(located.stack).unwrap_or_else(|| name_of(file));
        let mut parameters = located.parameters;
        parameters.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        let found = Found { file, assets: located.assets, folder: &self.file };
        let mut asked = Asked {
            name,
            text,
            file: file.to_owned(),
            document: None,
            remarks: Vec::new(),
            parameters,
            assets: found.assets(),
            is_strict: self.is_strict,
            is_named: self.name.is_some(),
        };
        for (what, wanted, ours) in
            [("region", located.region, &home.region), ("account", located.account, &home.account_id)]
        {
            if let Some(wanted) = wanted.filter(|wanted| wanted != ours) {
                let option = if what == "region" { "--region" } else { "--account-id" };
                let text =
                    format!("the app is for the {what} {wanted}, and the gateway says {ours} ({option} {wanted})");
                asked.remarks.push(Fault::new(text, "", Default::default()));
            }
        }
        // What cannot be read is told by whoever applies it.
        if let Ok(document) = read::read(&asked.text) {
            if serverless::is_service(&document) {
                self.service(reader, &mut asked, &document, home)?;
            } else {
                let beside = file.parent().unwrap_or(Path::new("/"));
                let read = |path: &str| reader.text(&beside.join(path)).ok();
                let included = include::expand(&document, &read);
                asked.document = included.map_err(|fault| super::faults(&asked, &[fault]))?;
            }
        }
        check_name(&asked.name)?;
        Ok(asked)
    }

    /// A service of the Serverless Framework becomes the template that the framework would make.
    fn service(&self, reader: &Reader, asked: &mut Asked, document: &Node, home: &Home) -> Result<(), String> {
        let folder = asked.file.parent().unwrap_or(Path::new("/")).to_owned();
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment: IndexMap<String, String> = environment.collect();
        let inside = |path: &str| {
            let path = folder.join(path).canonicalize().ok()?;
            path.starts_with(&folder).then(|| reader.text(&path).ok()).flatten()
        };
        let options = std::mem::take(&mut asked.parameters);
        let given = serverless::Given {
            stage: options.get("stage").map(String::as_str),
            region: Some(options.get("region").unwrap_or(&home.region)),
            account: &home.account_id,
            options: &options,
            environment: &environment,
            parameters: &options,
            read: &inside,
        };
        let service = serverless::read(document, &given).map_err(|wrong| super::faults(asked, &wrong))?;
        if self.name.is_none() {
            asked.name = format!("{}-{}", service.name, service.stage);
        }
        let remark = |remark: stacks::Remark| Fault::new(remark.message, remark.path, remark.place);
        asked.remarks.extend(service.remarks.into_iter().map(remark));
        asked.document = Some(service.template);
        Ok(())
    }
}

/// Where a template was found.
struct Found<'f> {
    file: &'f Path,
    assets: Assets,
    /// What was named.
    folder: &'f Path,
}

impl Found<'_> {
    /// The assets with whole paths.
    fn assets(&self) -> Assets {
        let folder = if self.folder.is_dir() { self.folder } else { self.file.parent().unwrap_or(Path::new("/")) };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.assets.below(&folder.to_string_lossy())
    }
}

/// Reads files, and remembers which.
#[derive(Default)]
struct Reader {
    files: RefCell<BTreeMap<PathBuf, Stamp>>,
}

impl Reader {
    /// Before it is read: what is written meanwhile is a change.
    fn see(&self, path: &Path) {
        self.files.borrow_mut().entry(path.to_owned()).or_insert_with(|| stamp(path));
    }

    fn text(&self, path: &Path) -> Result<String, String> {
        self.see(path);
        small_files::read_text(path, FILE_BYTES_MAX)
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
fn parameters_of(reader: &Reader, path: &Path) -> Result<IndexMap<String, String>, String> {
    let text = reader.text(path).map_err(|error| format!("{}: {error}", path.display()))?;
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
