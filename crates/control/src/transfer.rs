//! All stored definitions as one JSON document, and back: to move them, to compare them, to keep them under version
//! control.
//!
//! The form is `{"format": "gatewright-definitions-1", "documents": {path: document, …}}` with the documents as the
//! store has them, oldest first. An import is one batch, so that it is there as a whole or not at all.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use types::snapshot::ApiDefinition;
use types::time::Timestamp;

use crate::crud::{Call, IdRule, Resource, Subject};
use crate::error::Error;
use crate::handlers::v1::account;
use crate::loading;
use crate::members;
use crate::operations::resources;
use crate::paths;
use crate::publication::Publication;
use crate::settings::Settings;
use crate::state::State;
use crate::store::{Change, Content, Document, Key, Store, StoreError};
use crate::transaction::Transaction;

/// Says what the document is; a later form has another number.
const FORMAT: &str = "gatewright-definitions-1";

/// How much of a wrong format's name is shown.
const SHOWN_CHARS_MAX: usize = 64;

/// The longest id. Ours: more than any that this program makes or a tag can ask for.
const ID_CHARS_MAX: usize = 64;

/// Members that the program writes at creation and cannot make up later: what lacks one was not exported.
const WRITTEN_ONCE: &[&str] =
    &["createdDate", "expirationDate", "lastUpdatedDate", "pemEncodedCertificate", "privateKeyPem"];

/// Why definitions cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The text is not what [`export`] writes.
    #[error("not a document that `gatewright export` wrote: {0}")]
    Form(String),
    /// One of the definitions does not hold up.
    #[error("{path}: {detail}")]
    Definition {
        /// Where it stands.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// There are definitions already, and the caller did not ask to replace them.
    #[error("{0} definitions are there already; nothing was imported")]
    NotEmpty(usize),
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Everything in a store, as one document.
///
/// It holds secrets: the values of API keys and the private keys of client certificates.
///
/// # Errors
/// When the store cannot be read.
pub fn export(store: &dyn Store) -> Result<Value, StoreError> {
    let (_, stored) = store.load()?;
    let documents: Document = stored.into_iter().map(|(key, document)| (key.path, Value::Object(document))).collect();
    Ok(serde_json::json!({ "format": FORMAT, "documents": documents }))
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many definitions.
    pub count: usize,
    /// What of them would be refused today and is taken because an earlier version took it: a sentence each, which names
    /// the place and the thing.
    pub remarks: Vec<String>,
}

/// Puts definitions into a store. `replaces`: what is there now goes away.
///
/// Every definition is checked first, as if it were sent, together with all others; deployments must be readable.
/// Defaults that a definition lacks are filled in. Rules that earlier versions did not have refuse nothing, as whoever
/// exported from one would be locked out: they lead to remarks.
///
/// # Errors
/// Names the definition that does not hold up, or the store's trouble. Nothing is imported then.
pub fn import(settings: &Settings, store: &dyn Store, text: &[u8], replaces: bool) -> Result<Imported, ImportError> {
    let (documents, remarks) = check(settings, read(text)?)?;
    let (revision, old) = store.load()?;
    if !old.is_empty() && !replaces {
        return Err(ImportError::NotEmpty(old.len()));
    }
    let gone = old.into_iter().map(|(key, _)| Change::Delete(key));
    let count = documents.len();
    let new = documents.into_iter().map(|(Key { sequence, path }, document)| {
        let key = Key { sequence: revision.0 + sequence, path };
        Change::Put(key, Content::Document(Arc::new(document)))
    });
    store.commit(revision, &gone.chain(new).collect::<Vec<_>>())?;
    Ok(Imported { count, remarks })
}

fn read(text: &[u8]) -> Result<Vec<(Key, Document)>, ImportError> {
    let form = |detail: &str| ImportError::Form(detail.to_owned());
    let value: Value = serde_json::from_slice(text).map_err(|error| form(&error.to_string()))?;
    match value["format"].as_str() {
        Some(FORMAT) => {}
        Some(other) => {
            let other: String = other.chars().take(SHOWN_CHARS_MAX).collect();
            return Err(form(&format!("its format is `{other}`, and this version of the program reads `{FORMAT}`")));
        }
        None => return Err(form(&format!("its member `format` is not `{FORMAT}`"))),
    }
    let Some(Value::Object(documents)) = value.get("documents") else {
        return Err(form("its member `documents` is no object"));
    };
    let Exported { documents: Distinct } =
        serde_json::from_slice(text).map_err(|error| ImportError::Form(error.to_string()))?;
    let mut read = Vec::new();
    for ((path, document), sequence) in documents.iter().zip(0..) {
        let Value::Object(document) = document else {
            return Err(definition(path, "it is no object"));
        };
        read.push((Key { sequence, path: path.clone() }, document.clone()));
    }
    Ok(read)
}

/// The document, read once more for what a [`Value`] does not show: of two definitions at one path, as a merge of two
/// branches can leave them, it has the later one only.
#[derive(Deserialize)]
struct Exported {
    documents: Distinct,
}

/// An object whose members have distinct names.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Distinct, D::Error> {
        from.deserialize_map(DistinctVisitor)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Distinct;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
        let mut seen = HashSet::new();
        while let Some((path, IgnoredAny)) = map.next_entry::<String, _>()? {
            if let Some(path) = seen.replace(path) {
                return Err(A::Error::custom(format!("{path} stands there twice")));
            }
        }
        Ok(Distinct)
    }
}

fn definition(path: &str, detail: impl Into<String>) -> ImportError {
    ImportError::Definition { path: path.to_owned(), detail: detail.into() }
}

type Documents = Vec<(Key, Document)>;

/// Checks all definitions; gives them as they are to be stored, and the remarks on them.
fn check(settings: &Settings, documents: Documents) -> Result<(Documents, Vec<String>), ImportError> {
    let state = loading::collect(documents.clone()).map_err(|error| ImportError::Form(error.to_string()))?;
    let (mut checked, mut remarks, mut told) = (Vec::new(), Vec::new(), HashSet::new());
    for (key, document) in documents {
        let taken = RefCell::default();
        let document = check_one(settings, &state, &key.path, document, &taken)?;
        // Of a rule between two definitions both tell.
        let new = taken.into_inner().into_iter().filter(|fault| told.insert(fault.clone()));
        remarks.extend(new.map(|fault| remark(&key.path, &document, &fault)));
        checked.push((key, document));
    }
    match Publication::default().first(&Transaction::new(&state)) {
        Ok(_) => Ok((checked, remarks)),
        Err(Error::Document { path, detail }) => Err(definition(&path, detail)),
        Err(error) => Err(ImportError::Form(error.to_string())),
    }
}

fn remark(path: &str, document: &Document, fault: &str) -> String {
    let name = ["name", "routeKey"].iter().find_map(|member| document.get(*member)?.as_str());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{path}{name} is taken, as an earlier version took it, but would be refused today: {fault}")
}

/// Checks one definition: its place, its members, and its resource's own rules among all the others.
/// Gives it with the defaults that it lacks.
fn check_one(
    settings: &Settings,
    state: &State,
    path: &str,
    document: Document,
    taken: &RefCell<Vec<String>>,
) -> Result<Document, ImportError> {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        [paths::ACCOUNT, paths::SETTINGS] => {
            account::check(&document).map_err(|fault| definition(path, fault.message))?;
            return Ok(document);
        }
        // Who reads it knows what it means; what it speaks of stands elsewhere, and may be gone.
        [paths::STACKS, _] => return Ok(document),
        ["apis", _, "deployments", id, "definition"] => {
            let parsed: Result<ApiDefinition, _> = serde_json::from_value(Value::Object(document.clone()));
            parsed.map_err(|error| definition(path, error.to_string()))?;
            let parent = path.rsplit_once('/').and_then(|(parent, _)| parent.rsplit_once('/'));
            let tx = Transaction::new(state);
            let there = parent.is_some_and(|(collection, _)| tx.get(collection, id).is_some());
            return if there { Ok(document) } else { Err(definition(path, "its deployment is missing")) };
        }
        _ => {}
    }
    let Some(resource) = resources().find(|resource| stands_at(resource, &segments)) else {
        return Err(definition(path, "nothing has its place there"));
    };
    let (collection, id) = path.rsplit_once('/').unwrap_or_default();
    if document.get(resource.id_member).and_then(Value::as_str) != Some(id) {
        return Err(definition(path, format!("its member `{}` is not `{id}`", resource.id_member)));
    }
    if matches!(resource.id, IdRule::Random(_)) && !is_id(id) {
        return Err(definition(path, format!("`{id}` is no id: letters, digits and hyphens, up to {ID_CHARS_MAX}")));
    }
    let mut tx = Transaction::new(state);
    let above: Vec<String> = segments.iter().skip(1).step_by(2).map(|id| (*id).to_owned()).collect();
    let parent = collection.rsplit_once('/').and_then(|(parent, _)| parent.rsplit_once('/'));
    if parent.is_some_and(|(collection, id)| tx.get(collection, id).is_none()) {
        return Err(definition(path, "what it belongs to is missing"));
    }
    if let Some(member) = resource.members.iter().map(|member| member.name).find(|name| lacks(&document, name)) {
        return Err(definition(path, format!("its member `{member}` is missing")));
    }
    let document = members::readmit(resource.members, resource.noun, &document)
        .map_err(|fault| definition(path, fault.message))?;
    let call = Call { params: above, taken: Some(taken), ..Call::none(settings, Timestamp::default()) };
    let subject = Subject { call: &call, collection, id, previous: Some(&document) };
    (resource.check)(&subject, &mut tx, &mut document.clone()).map_err(|fault| definition(path, fault.message))?;
    Ok(document)
}

fn lacks(document: &Document, member: &str) -> bool {
    WRITTEN_ONCE.contains(&member) && !document.contains_key(member)
}

/// Whether a text can stand in a path as an id.
fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Whether a resource's collection and those above it are the path's.
fn stands_at(resource: &Resource, segments: &[&str]) -> bool {
    match (resource.parent, segments) {
        (None, [collection, _]) => *collection == resource.collection,
        (Some(parent), [above @ .., collection, _]) => *collection == resource.collection && stands_at(parent, above),
        _ => false,
    }
}
