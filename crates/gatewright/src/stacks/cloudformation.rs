//! CloudFormation's API: what `aws cloudformation`, `sam deploy` and `cdk deploy` ask, carried out on the stacks here.
//!
//! What is asked and answered is crate `stacks`' ([`stacks::api`]); this brings both to the engine. What takes minutes on AWS is
//! done when the call is answered, so that states go straight to their ends.

mod change_sets;
mod changing;
mod telling;

use std::sync::{Mutex, MutexGuard, PoisonError};

use control::Caller;
use stacks::Record;
use stacks::api::{Action, Desk, Error, Form, error, names, xml};
use stacks::scope::Pseudo;
use types::time::Timestamp;

use super::Stacks;

/// What is kept beside the stacks.
#[derive(Default)]
pub(super) struct Office {
    desk: Mutex<Desk>,
    /// One call that changes something at a time: what was looked at is what is changed.
    turn: Mutex<()>,
}

impl Office {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call brings that is not in its form.
pub(super) struct Context<'c> {
    pub(super) caller: &'c Caller,
    pub(super) request_id: &'c str,
    /// The name under which the caller knows this gateway.
    pub(super) host: &'c str,
    /// An id for what the call makes.
    pub(super) new_id: &'c str,
    pub(super) now: Timestamp,
}

impl Stacks {
    /// Does what a call asks. Blocks for the disk.
    ///
    /// # Errors
    /// What the caller is told instead.
    pub(super) fn cloudformation(&self, action: Action, form: &Form, context: &Context) -> Result<String, Error> {
        let answer = |write: &mut dyn FnMut(&mut xml::Xml) -> Result<(), Error>| {
            let mut written = Ok(());
            let text = xml::answer(xml::NAMESPACE, action.name(), context.request_id, |xml| written = write(xml));
            written.map(|()| text)
        };
        match action {
            Action::CreateStack => {
                let id = self.create_stack(form, context)?;
                answer(&mut |xml| told(xml, "StackId", &id))
            }
            Action::UpdateStack => {
                let id = self.update_stack(form, context)?;
                answer(&mut |xml| told(xml, "StackId", &id))
            }
            Action::DeleteStack => {
                self.delete_stack(form, context)?;
                answer(&mut |_| Ok(()))
            }
            Action::UpdateTerminationProtection => {
                let id = self.protect(form, context)?;
                answer(&mut |xml| told(xml, "StackId", &id))
            }
            Action::CreateChangeSet => {
                let (id, stack_id) = self.create_change_set(form, context)?;
                answer(&mut |xml| {
                    xml.text("Id", &id);
                    told(xml, "StackId", &stack_id)
                })
            }
            Action::ExecuteChangeSet => {
                self.execute_change_set(form, context)?;
                answer(&mut |_| Ok(()))
            }
            Action::DeleteChangeSet => {
                self.delete_change_set(form)?;
                answer(&mut |_| Ok(()))
            }
            Action::DescribeChangeSet => answer(&mut |xml| self.describe_change_set(xml, form)),
            Action::ListChangeSets => answer(&mut |xml| self.list_change_sets(xml, form)),
            Action::DescribeStacks => answer(&mut |xml| self.describe_stacks(xml, form)),
            Action::ListStacks => answer(&mut |xml| self.list_stacks(xml, form)),
            Action::ListExports => answer(&mut |xml| self.list_exports(xml, form)),
            Action::DescribeStackEvents => answer(&mut |xml| self.describe_stack_events(xml, form)),
            Action::DescribeStackResources => answer(&mut |xml| self.describe_stack_resources(xml, form)),
            Action::DescribeStackResource => answer(&mut |xml| self.describe_stack_resource(xml, form)),
            Action::ListStackResources => answer(&mut |xml| self.list_stack_resources(xml, form)),
            Action::GetTemplate => answer(&mut |xml| self.get_template(xml, form)),
            Action::ValidateTemplate => answer(&mut |xml| self.validate_template(xml, form, context)),
            Action::GetTemplateSummary => answer(&mut |xml| self.get_template_summary(xml, form, context)),
        }
    }

    /// A stack that is there, by its name or ARN.
    fn there(&self, name_or_arn: &str) -> Result<Option<Record>, Error> {
        names::check_name_or_arn(name_or_arn, "stackName")?;
        let record = self.record(names::name_of(name_or_arn));
        Ok(record.filter(|record| !name_or_arn.starts_with("arn:") || record.id == name_or_arn))
    }

    /// A stack that is there, or that was: the latter by its ARN only.
    fn known(&self, name_or_arn: &str) -> Result<Option<Record>, Error> {
        if let Some(record) = self.there(name_or_arn)? {
            return Ok(Some(record));
        }
        let desk = self.office.desk();
        Ok(desk.deleted().find(|record| record.id == name_or_arn).cloned())
    }

    /// The stack that a call names.
    fn named(&self, form: &Form) -> Result<Record, Error> {
        let name = form.required("StackName")?;
        self.there(name)?.ok_or_else(|| error::no_stack(name))
    }

    fn pseudo(&self, name: &str, id: String) -> Pseudo {
        Pseudo {
            account: self.home.account_id.clone(),
            region: self.home.region.clone(),
            partition: "aws".to_owned(),
            url_suffix: "amazonaws.com".to_owned(),
            stack_name: name.to_owned(),
            stack_id: id,
        }
    }
}

fn told(xml: &mut xml::Xml, name: &str, text: &str) -> Result<(), Error> {
    xml.text(name, text);
    Ok(())
}

/// The IAM resource of a call.
pub(super) fn resource(action: Action, form: &Form, region: &str, account: &str) -> String {
    let arn = format!("arn:aws:cloudformation:{region}:{account}:");
    let set = form.text("ChangeSetName").and_then(|set| set.split_once(":changeSet/"));
    match (form.text("StackName"), set) {
        (Some(stack), _) if stack.starts_with("arn:") => stack.to_owned(),
        (Some(stack), _) => format!("{arn}stack/{stack}/*"),
        (None, Some((_, set))) => format!("{arn}changeSet/{set}"),
        (None, None) if action == Action::DescribeStacks => format!("{arn}stack/*/*"),
        (None, None) => "*".to_owned(),
    }
}
