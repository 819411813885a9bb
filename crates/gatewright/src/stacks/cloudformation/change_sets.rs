//! Change sets: made, told, executed, deleted.

use stacks::Record;
use stacks::api::xml::Xml;
use stacks::api::{self, ChangeSet, Error, Form, error, failures, names, stack_id};

use super::super::{Asked, Stacks};
use super::Context;
use super::changing::{Prepared, check_updatable, shown_parameters};

/// What tools look for to say "no changes". Source: observed.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// What does not exist yet and has a change set.
const REVIEW: &str = "REVIEW_IN_PROGRESS";

impl Stacks {
    pub(super) fn create_change_set(&self, form: &Form, context: &Context) -> Result<(String, String), Error> {
        let (stack, name) = (form.required("StackName")?, form.required("ChangeSetName")?);
        names::check_name(name, "changeSetName")?;
        let call = api::Asked::of(form)?;
        let kind = form.text("ChangeSetType").unwrap_or("UPDATE");
        let _turn = self.office.turn();
        let old = self.there(stack)?;
        if !matches!(kind, "CREATE" | "UPDATE") {
            let text = format!("a change set of type {kind} is not done here: CREATE and UPDATE are");
            return Err(Error::new(400, "ValidationError", text));
        }
        let is_first = kind == "CREATE";
        match &old {
            None if is_first => names::check_name(stack, "stackName")?,
            None => return Err(error::no_such_stack(stack)),
            Some(old) if is_first && old.status != REVIEW => return Err(error::stack_exists_for(&old.name, name)),
            Some(_) if is_first => {}
            Some(old) => check_updatable(old)?,
        }
        let stack = names::name_of(stack).to_owned();
        if let Ok(there) = self.office.desk().find(name, &stack)
            && !there.execution.starts_with("EXECUTE_")
        {
            let is_repeated = !call.token.is_empty() && there.asked.token == call.token;
            return if is_repeated {
                Ok((there.id.clone(), there.stack_id.clone()))
            } else {
                Err(error::change_set_exists(name))
            };
        }
        let prepared = self.prepare(&stack, call, old.as_ref(), context)?;
        self.remark_on_capabilities(&prepared, true);
        let planned = self.plan_one(context.caller, &prepared.asked).ok();
        let changes = self.changes(&prepared, old.as_ref(), planned.as_ref());
        let parameters = match planned {
            Some(planned) => planned.applied.record.parameters,
            None => shown_parameters(&prepared),
        };
        let now = context.now.iso_millis();
        if is_first && old.is_none() {
            self.keep(context.caller, &self.under_review(&prepared, &now))?;
        }
        let (region, account) = (&self.home.region, &self.home.account_id);
        let id = format!("arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{}", context.new_id);
        let stack_id = old.map_or_else(|| stack_id(region, account, &stack), |old| old.id);
        let (status, execution) =
            if changes.is_some() { ("CREATE_COMPLETE", "AVAILABLE") } else { ("FAILED", "UNAVAILABLE") };
        let Prepared { call, asked, .. } = prepared;
        let set = ChangeSet {
            name: name.to_owned(),
            id: id.clone(),
            stack,
            stack_id: stack_id.clone(),
            is_first,
            created: now,
            created_seconds: context.now.seconds(),
            description: form.text("Description").unwrap_or_default().to_owned(),
            status,
            reason: if changes.is_some() { "" } else { NO_CHANGES }.to_owned(),
            execution,
            asked: call,
            text: asked.text,
            given: asked.parameters,
            parameters,
            changes: changes.unwrap_or_default(),
        };
        self.office.desk().keep(set, context.now.seconds());
        Ok((id, stack_id))
    }

    fn under_review(&self, prepared: &Prepared, now: &str) -> Record {
        let Asked { name, .. } = &prepared.asked;
        let mut record = Record {
            name: name.clone(),
            id: stack_id(&self.home.region, &self.home.account_id, name),
            created: now.to_owned(),
            status: REVIEW.to_owned(),
            description: prepared.checked.template.description.clone().unwrap_or_default(),
            ..Record::default()
        };
        record.settings.tags = prepared.call.tags.clone().unwrap_or_default();
        let event = failures::of_stack(&record, now, REVIEW, "User Initiated");
        record.events.push(event);
        record
    }

    pub(super) fn execute_change_set(&self, form: &Form, context: &Context) -> Result<(), Error> {
        let _turn = self.office.turn();
        let mut set = self.office.desk().find(form.required("ChangeSetName")?, of_stack(form))?.clone();
        if set.execution != "AVAILABLE" {
            let status = if set.status == "FAILED" { set.status } else { set.execution };
            return Err(error::not_executable(&set.id, status));
        }
        if let Some(keeps) = form.flag("DisableRollback")? {
            set.asked.keeps_failures = keeps;
        }
        if let Some(token) = form.text("ClientRequestToken") {
            token.clone_into(&mut set.asked.token);
        }
        let old = self.record(&set.stack);
        // The values are known, those that stayed as they were among them.
        let prepared = self.prepare(&set.stack, set.asked.with(&set.text, &set.given), old.as_ref(), context)?;
        match old {
            Some(old) if !old.is_unmade() => {
                check_updatable(&old)?;
                self.change(&prepared, old, &set.id, context)?;
            }
            None if !set.is_first => return Err(error::no_such_stack(&set.stack)),
            review => drop(self.make(&prepared, review, &set.id, context)?),
        }
        let ended = self
            .record(&set.stack)
            .is_some_and(|record| matches!(record.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE"));
        set.execution = if ended { "EXECUTE_COMPLETE" } else { "EXECUTE_FAILED" };
        self.office.desk().keep(set, context.now.seconds());
        Ok(())
    }

    pub(super) fn delete_change_set(&self, form: &Form) -> Result<(), Error> {
        let name = form.required("ChangeSetName")?;
        let _turn = self.office.turn();
        if let Some(stack) = form.text("StackName") {
            self.there(stack)?.ok_or_else(|| error::no_such_stack(stack))?;
        }
        // There being none is no error on AWS, as long as there is the stack.
        self.office.desk().remove(name, of_stack(form));
        Ok(())
    }

    pub(super) fn describe_change_set(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let (name, token) = (form.required("ChangeSetName")?, names::token(form)?);
        if let Some(stack) = form.text("StackName") {
            self.known(stack)?.ok_or_else(|| error::no_such_stack(stack))?;
        }
        self.office.desk().find(name, of_stack(form))?.describe(xml, token)
    }

    pub(super) fn list_change_sets(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let record = self.named(form)?;
        self.office.desk().list(xml, &record.name, names::token(form)?)
    }
}

/// The name of the stack that a change set's name is looked for in.
fn of_stack(form: &Form) -> &str {
    names::name_of(form.text("StackName").unwrap_or_default())
}
