//! Create, get, list, update and delete: the same five functions for every resource, driven by its description.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;
use types::Limits;
use types::time::Timestamp;

use crate::error::{self, Fault};
use crate::members::{self, Member, MemberKind, Rule};
use crate::page::{Page, Paging};
use crate::paths;
use crate::settings::{Remark, Settings};
use crate::store::Document;
use crate::transaction::Transaction;

/// What a caller asks, taken apart.
pub(crate) struct Call<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    /// The path's parameters in order, decoded.
    pub(crate) params: Vec<String>,
    /// The query's pairs in order, decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Document,
    /// The body as it came, for the one operation whose body is no JSON.
    pub(crate) raw: &'a [u8],
    /// Where an import, which is no caller's call, leaves what it takes although it does not hold up.
    pub(crate) taken: Option<&'a RefCell<Vec<String>>>,
}

impl<'a> Call<'a> {
    /// No operation's: what follows by itself from those of a batch.
    pub(crate) fn none(settings: &'a Settings, now: Timestamp) -> Call<'a> {
        Call { settings, now, params: Vec::new(), query: Vec::new(), body: Document::new(), raw: &[], taken: None }
    }

    /// A parameter of the path; the table of operations says how many there are.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// A parameter of the query, the first of its name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The time of the call as v1 answers carry it: seconds since 1970.
    pub(crate) fn seconds(&self) -> Value {
        Value::from(self.now.seconds())
    }

    /// The time of the call as v2 answers carry it.
    pub(crate) fn date(&self) -> Value {
        Value::String(self.now.iso())
    }
}

/// What a call answers: a body, or none.
pub(crate) type Answer = Result<Option<Document>, Fault>;

/// A kind of resource: everything that the five functions need to know.
pub(crate) struct Resource {
    /// As AWS's texts call it.
    pub(crate) noun: &'static str,
    /// The path segment below the parent.
    pub(crate) collection: &'static str,
    /// What it belongs to.
    pub(crate) parent: Option<&'static Resource>,
    /// The member that holds its id.
    pub(crate) id_member: &'static str,
    pub(crate) id: IdRule,
    /// Its members, in the order in which answers hold them.
    pub(crate) members: &'static [Member],
    /// How many a parent, or the account, can have.
    pub(crate) quota: Quota,
    /// How lists of it are paged.
    pub(crate) paging: &'static Paging,
    /// Whether changes reach clients only through a deployment.
    pub(crate) deployed: bool,
    /// The rules that go beyond one member; may fill in members.
    pub(crate) check: fn(&Subject, &mut Transaction, &mut Document) -> Result<(), Fault>,
    /// Refuses to delete what is in use, or clears away what hangs on it.
    pub(crate) before_delete: fn(&Subject, &mut Transaction, &Document) -> Result<(), Fault>,
    /// The answer that a document makes.
    pub(crate) present: fn(&Settings, &Document) -> Document,
    /// The answer where no such resource is.
    pub(crate) absent: fn(&Settings, &str) -> Fault,
}

/// A bound on how many resources of a kind there can be: a row of `types::limits`.
pub(crate) struct Quota {
    /// The limit's name, for the person who reaches it.
    pub(crate) name: &'static str,
    /// Its value; zero bounds nothing.
    pub(crate) get: fn(&Limits) -> usize,
}

/// Where a new resource's id comes from.
pub(crate) enum IdRule {
    /// Random, so many letters and digits.
    Random(usize),
    /// The member of the body that is its name; taken ones are refused with this text.
    Given(&'static str),
}

/// The resource that a rule looks at.
pub(crate) struct Subject<'a> {
    pub(crate) call: &'a Call<'a>,
    /// Its collection's path.
    pub(crate) collection: &'a str,
    /// Its own id.
    pub(crate) id: &'a str,
    /// What it was before; none while it is created.
    pub(crate) previous: Option<&'a Document>,
}

impl Subject<'_> {
    /// The API that it belongs to, or is.
    pub(crate) fn api_id(&self) -> &str {
        if self.call.params.is_empty() { self.id } else { self.call.param(0) }
    }

    /// Applies a rule that earlier versions did not have. What they took stays usable: an import takes it and says so, and an
    /// update may leave it as it is, which is whatever `members` hold.
    pub(crate) fn newer_rule(
        &self,
        document: &Document,
        members: &[&str],
        kept: Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Err(fault) = kept else { return Ok(()) };
        if let Some(taken) = self.call.taken {
            taken.borrow_mut().push(fault.message);
            return Ok(());
        }
        let as_before = |previous: &Document| members.iter().all(|name| previous.get(*name) == document.get(*name));
        if self.previous.is_some_and(as_before) { Ok(()) } else { Err(fault) }
    }

    /// Another resource of its collection with the same text in a member.
    pub(crate) fn namesake<'t>(&self, tx: &'t Transaction, member: &str, text: &Value) -> Option<&'t Arc<Document>> {
        tx.all(self.collection)
            .find(|(id, document)| *id != self.id && document.get(member) == Some(text))
            .map(|(_, document)| document)
    }
}

/// A resource that can always be deleted.
pub(crate) fn may_go(_: &Subject, _: &mut Transaction, _: &Document) -> Result<(), Fault> {
    Ok(())
}

/// A resource whose document is the answer.
pub(crate) fn as_stored(_: &Settings, document: &Document) -> Document {
    document.clone()
}

/// Creates a resource and answers it.
pub(crate) fn create(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    create_as(resource, None, call, tx)
}

/// Creates a resource, with an id that the caller could choose, and answers it.
pub(crate) fn create_as(resource: &Resource, id: Option<String>, call: &Call, tx: &mut Transaction) -> Answer {
    let collection = locate(resource, call, tx)?;
    let mut document = members::merge(resource.members, resource.noun, None, &call.body)?;
    let id = match (&resource.id, id) {
        (_, Some(id)) => id,
        (IdRule::Random(length), None) => tx.fresh_id(&collection, *length),
        (IdRule::Given(_), None) => {
            document.get(resource.id_member).and_then(Value::as_str).unwrap_or_default().to_owned()
        }
    };
    document.insert(resource.id_member.into(), Value::String(id.clone()));
    let subject = Subject { call, collection: &collection, id: &id, previous: None };
    (resource.check)(&subject, tx, &mut document)?;
    if let (IdRule::Given(taken), Some(_)) = (&resource.id, tx.get(&collection, &id)) {
        return Err(error::conflict(*taken));
    }
    let most = (resource.quota.get)(&call.settings.limits);
    if most != 0 && tx.count(&collection) >= most {
        return Err(too_many(resource));
    }
    let document = members::arrange(resource.members, document);
    let answer = (resource.present)(call.settings, &document);
    if resource.deployed {
        tx.edited(subject.api_id());
    }
    if let Some((members, why)) = members::without_effect(resource.members, &call.body) {
        let text = format!("{} {id} was created with {}: {why}", resource.noun, members.join(", "));
        let api_id = subject.api_id().to_owned();
        tx.remark(Remark { api_id, text, aside: true, ..Remark::default() });
    }
    tx.put(&collection, &id, document);
    Ok(Some(answer))
}

fn too_many(resource: &Resource) -> Fault {
    let (noun, limit) = (resource.noun, resource.quota.name);
    let is_apis = resource.parent.is_some() && resource.collection != paths::API_MAPPINGS;
    match (resource.paging.is_v1(), is_apis) {
        (true, _) => error::too_many_v1(noun, limit),
        (false, true) => error::too_many_in_api(noun),
        (false, false) => error::too_many(noun, limit),
    }
}

/// Answers one resource.
pub(crate) fn get(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, document) = find(resource, call, tx)?;
    Ok(Some((resource.present)(call.settings, &document)))
}

/// Answers a page of a collection.
pub(crate) fn list(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    list_as(resource, call, tx, |_| true, |document| (resource.present)(call.settings, document))
}

/// Answers a page of those resources of a collection that a caller wants, in a form of its own.
pub(crate) fn list_as(
    resource: &Resource,
    call: &Call,
    tx: &Transaction,
    is_wanted: impl Fn(&Document) -> bool,
    present: impl Fn(&Document) -> Document,
) -> Answer {
    let collection = locate(resource, call, tx)?;
    let page = Page::read(resource.paging, &call.query)?;
    let items = tx
        .after(&collection, page.after)
        .filter(|(_, _, document)| is_wanted(document))
        .map(|(sequence, _, document)| (sequence, Value::Object(present(document))));
    Ok(Some(page.fill(items)))
}

/// Merges the body into a resource and answers it.
pub(crate) fn update(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, current) = find(resource, call, tx)?;
    let document = members::merge(resource.members, resource.noun, Some(&current), &call.body)?;
    replace(resource, document, call, tx)
}

/// Makes a resource what it would be if it were created with this body, and answers it: what the body lacks is as where
/// nobody said it. Its id stays, and what the program writes, and a text that only creation takes.
pub(crate) fn reset(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    reset_but(&[], resource, call, tx)
}

/// The same; of some members the resource keeps what it has where the body lacks them.
pub(crate) fn reset_but(kept: &[&str], resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, current) = find(resource, call, tx)?;
    let mut document = members::merge(resource.members, resource.noun, None, &call.body)?;
    for member in resource.members {
        let is_written = member.rule == Rule::Output || member.name == resource.id_member;
        let is_identity = member.rule == Rule::Fixed && matches!(member.kind, MemberKind::Text { .. });
        if let Some(value) = current.get(member.name)
            && (is_written || (is_identity || kept.contains(&member.name)) && !document.contains_key(member.name))
        {
            document.insert(member.name.into(), value.clone());
        }
    }
    replace(resource, document, call, tx)
}

/// Puts a changed document, whose members hold up, in the place of the resource that the call is about; answers it.
pub(crate) fn replace(resource: &Resource, mut document: Document, call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, current) = find(resource, call, tx)?;
    let subject = Subject { call, collection: &collection, id: &id, previous: Some(&current) };
    (resource.check)(&subject, tx, &mut document)?;
    let document = members::arrange(resource.members, document);
    let answer = (resource.present)(call.settings, &document);
    // A call that changes nothing leaves no trace: no write, no deployment, no remark.
    if document != *current {
        if resource.deployed {
            tx.edited(subject.api_id());
        }
        tx.put(&collection, &id, document);
    }
    Ok(Some(answer))
}

/// Deletes a resource and what is below it.
pub(crate) fn delete(resource: &Resource, call: &Call, tx: &mut Transaction) -> Answer {
    let (collection, id, document) = find(resource, call, tx)?;
    let subject = Subject { call, collection: &collection, id: &id, previous: Some(&document) };
    (resource.before_delete)(&subject, tx, &document)?;
    if resource.deployed {
        tx.edited(subject.api_id());
    }
    tx.delete(&collection, &id);
    Ok(None)
}

/// The path of the collection that the call is about. Its parents must exist.
pub(crate) fn locate(resource: &Resource, call: &Call, tx: &Transaction) -> Result<String, Fault> {
    let Some(parent) = resource.parent else { return Ok(resource.collection.to_owned()) };
    let above = locate(parent, call, tx)?;
    let id = call.param(depth(parent));
    if tx.get(&above, id).is_none() {
        return Err((parent.absent)(call.settings, id));
    }
    Ok(format!("{above}/{id}/{}", resource.collection))
}

/// The resource that the call is about: its collection's path, its id and its document.
pub(crate) fn find(
    resource: &Resource,
    call: &Call,
    tx: &Transaction,
) -> Result<(String, String, Arc<Document>), Fault> {
    let collection = locate(resource, call, tx)?;
    let id = call.param(depth(resource));
    match tx.get(&collection, id) {
        Some(document) => Ok((collection, id.to_owned(), document.clone())),
        None => Err((resource.absent)(call.settings, id)),
    }
}

/// How many resources are above one: the index of its id among the path's parameters.
fn depth(resource: &Resource) -> usize {
    resource.parent.map_or(0, |parent| depth(parent) + 1)
}
