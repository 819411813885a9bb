//! Change sets, and stacks that are gone: what is kept in memory beside the stacks.

use std::collections::VecDeque;

use indexmap::IndexMap;

use super::asked::Asked;
use super::changes::Planned;
use super::error::{Error, no_change_set};
use super::names::page;
use super::stacks::{parameters, tags};
use super::xml::Xml;
use crate::record::{KeptParameter, Record};

/// How many change sets are kept, of all stacks. The oldest goes when there is another.
pub const CHANGE_SETS_MAX: usize = 200;
/// How many bytes of templates they may hold together.
pub const CHANGE_SET_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long one is kept, in seconds: a day. AWS keeps them as long as their stacks.
pub const CHANGE_SET_SECONDS: u64 = 86_400;
/// How many stacks that are gone are still told of, by their ids. AWS does so for 90 days.
pub const DELETED_MAX: usize = 50;

/// What a stack would become.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// Whether the stack is new.
    pub is_first: bool,
    /// When it was made, as CloudFormation writes times.
    pub created: String,
    /// The same, in seconds since 1970.
    pub created_seconds: u64,
    /// What it says of itself.
    pub description: String,
    /// `CREATE_COMPLETE`, or `FAILED`.
    pub status: &'static str,
    /// Why; may be empty.
    pub reason: String,
    /// `AVAILABLE`, `UNAVAILABLE`, `EXECUTE_COMPLETE`, `EXECUTE_FAILED`.
    pub execution: &'static str,
    /// The call that made it.
    pub asked: Asked,
    /// The template's text.
    pub text: String,
    /// The values that were given.
    pub given: IndexMap<String, String>,
    /// All parameters, as they are told.
    pub parameters: IndexMap<String, KeptParameter>,
    /// What would change.
    pub changes: Vec<Planned>,
}

impl ChangeSet {
    /// What `DescribeChangeSet` tells: one page of its changes.
    ///
    /// # Errors
    /// A token that was not given.
    pub fn describe(&self, xml: &mut Xml, token: Option<&str>) -> Result<(), Error> {
        let (shown, next) = page(&self.changes, |change| format!("{}/{}", change.action, change.logical), token)?;
        self.head(xml);
        parameters(xml, &self.parameters);
        xml.texts("NotificationARNs", self.asked.notified.iter().flatten());
        xml.within("RollbackConfiguration", |_| {});
        xml.texts("Capabilities", &self.asked.capabilities);
        tags(xml, self.asked.tags.iter().flatten());
        xml.list("Changes", shown, |xml, change| change.write(xml));
        next.iter().for_each(|next| xml.text("NextToken", next));
        Ok(())
    }

    fn head(&self, xml: &mut Xml) {
        xml.text("ChangeSetName", &self.name);
        xml.text("ChangeSetId", &self.id);
        xml.text("StackId", &self.stack_id);
        xml.text("StackName", &self.stack);
        xml.some("Description", &self.description);
        xml.text("CreationTime", &self.created);
        xml.text("ExecutionStatus", self.execution);
        xml.text("Status", self.status);
        xml.some("StatusReason", &self.reason);
        xml.flag("IncludeNestedStacks", false);
    }

    fn is(&self, name: &str, stack: &str) -> bool {
        self.id == name || (self.name == name && self.stack == stack)
    }
}

/// What is kept in memory.
#[derive(Debug, Default)]
pub struct Desk {
    change_sets: VecDeque<ChangeSet>,
    deleted: VecDeque<Record>,
}

impl Desk {
    /// Keeps a change set, in the place of the one that has its name. What is too old, or too much, goes.
    pub fn keep(&mut self, set: ChangeSet, now: u64) {
        self.remove(&set.name, &set.stack);
        self.change_sets.retain(|set| now.saturating_sub(set.created_seconds) < CHANGE_SET_SECONDS);
        self.change_sets.push_back(set);
        let bytes = |sets: &VecDeque<ChangeSet>| sets.iter().map(|set| set.text.len()).sum::<usize>();
        while self.change_sets.len() > 1
            && (self.change_sets.len() > CHANGE_SETS_MAX || bytes(&self.change_sets) > CHANGE_SET_BYTES_MAX)
        {
            self.change_sets.pop_front();
        }
    }

    /// A change set by its ARN, or by its name and its stack's.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: &str, stack: &str) -> Result<&ChangeSet, Error> {
        self.change_sets.iter().find(|set| set.is(name, stack)).ok_or_else(|| no_change_set(name))
    }

    /// Forgets a change set, if there is one.
    pub fn remove(&mut self, name: &str, stack: &str) {
        self.change_sets.retain(|set| !set.is(name, stack));
    }

    /// Forgets those of a stack that were made for what it was; what was executed stays for who asks how that ended.
    pub fn outdate(&mut self, stack: &str) {
        self.change_sets.retain(|set| set.stack != stack || set.execution.starts_with("EXECUTE_"));
    }

    /// Forgets all of a stack that is gone, and keeps what can be told of it.
    pub fn bury(&mut self, record: Record) {
        self.change_sets.retain(|set| set.stack != record.name);
        // A stack's id follows from its name.
        self.deleted.retain(|deleted| deleted.id != record.id);
        self.deleted.push_back(Record { template: String::new(), resources: IndexMap::new(), ..record });
        while self.deleted.len() > DELETED_MAX {
            self.deleted.pop_front();
        }
    }

    /// Stacks that are gone, the one that went first first.
    pub fn deleted(&self) -> impl Iterator<Item = &Record> {
        self.deleted.iter()
    }

    /// One page of a stack's change sets.
    ///
    /// # Errors
    /// A token that was not given.
    pub fn list(&self, xml: &mut Xml, stack: &str, token: Option<&str>) -> Result<(), Error> {
        let sets: Vec<_> = self.change_sets.iter().filter(|set| set.stack == stack).collect();
        let (shown, next) = page(&sets, |set| set.id.clone(), token)?;
        xml.list("Summaries", shown, |xml, set| set.head(xml));
        next.iter().for_each(|next| xml.text("NextToken", next));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;

    fn set(name: &str, seconds: u64, bytes: usize) -> ChangeSet {
        ChangeSet {
            name: name.to_owned(),
            id: format!("arn:{name}"),
            stack: "chat".to_owned(),
            stack_id: "arn:chat".to_owned(),
            is_first: true,
            created: String::new(),
            created_seconds: seconds,
            description: String::new(),
            status: "CREATE_COMPLETE",
            reason: String::new(),
            execution: "AVAILABLE",
            asked: Asked::of(&Form::read(b"TemplateBody=x").unwrap()).unwrap(),
            text: "x".repeat(bytes),
            given: IndexMap::new(),
            parameters: IndexMap::new(),
            changes: Vec::new(),
        }
    }

    #[test]
    fn change_sets_are_bounded_in_number_bytes_and_time() {
        let mut desk = Desk::default();
        for n in 0..CHANGE_SETS_MAX + 3 {
            desk.keep(set(&format!("c{n}"), 0, 1), 0);
        }
        assert_eq!(desk.change_sets.len(), CHANGE_SETS_MAX);
        assert_eq!(desk.find("c0", "chat").unwrap_err().code, "ChangeSetNotFound");
        assert!(desk.find("arn:c9", "").is_ok());
        desk.keep(set("large", 0, CHANGE_SET_BYTES_MAX), 0);
        assert_eq!(desk.change_sets.len(), 1);
        desk.keep(set("later", CHANGE_SET_SECONDS, 1), CHANGE_SET_SECONDS);
        assert_eq!(desk.change_sets.len(), 1);
        desk.outdate("chat");
        assert!(desk.find("later", "chat").is_err());
    }

    #[test]
    fn stacks_that_are_gone_are_told_of_for_a_while() {
        let mut desk = Desk::default();
        for n in 0..DELETED_MAX + 5 {
            desk.bury(Record { name: format!("s{n}"), id: format!("arn:{n}"), ..Record::default() });
        }
        desk.bury(Record { id: format!("arn:{}", DELETED_MAX + 4), ..Record::default() });
        assert_eq!((desk.deleted.len(), desk.deleted[0].id.as_str()), (DELETED_MAX, "arn:5"));
    }
}
