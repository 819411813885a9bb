//! Stacks that are made, changed and deleted.

use std::path::PathBuf;

use control::{Caller, Refused};
use stacks::api::asked::too_large;
use stacks::api::capabilities::Needed;
use stacks::api::checked::TEMPLATE_BYTES_MAX;
use stacks::api::stacks::DELETED;
use stacks::api::{self, Checked, Error, Form, Source, changes, error, failures, names, stack_id};
use stacks::locate::Assets;
use stacks::record::{KeptParameter, Settings};
use stacks::{Fault, Record};

use super::super::told::Told;
use super::super::{Asked, Done, Stacks};
use super::Context;
use crate::choices::LogLevel;

/// A call whose template was read and checked: what is left is to make it so.
pub(super) struct Prepared {
    pub(super) call: api::Asked,
    pub(super) asked: Asked,
    pub(super) checked: Checked,
}

impl Stacks {
    pub(super) fn create_stack(&self, form: &Form, context: &Context) -> Result<String, Error> {
        let name = form.required("StackName")?;
        names::check_name(name, "stackName")?;
        let call = api::Asked::of(form)?;
        let _turn = self.office.turn();
        if let Some(old) = self.record(name) {
            let is_repeated = !call.token.is_empty() && old.settings.token == call.token;
            return if is_repeated { Ok(old.id) } else { Err(error::stack_exists(name)) };
        }
        let prepared = self.prepare(name, call, None, context)?;
        self.remark_on_capabilities(&prepared, false);
        self.make(&prepared, None, "", context)
    }

    pub(super) fn update_stack(&self, form: &Form, context: &Context) -> Result<String, Error> {
        let name = form.required("StackName")?;
        let call = api::Asked::of(form)?;
        let _turn = self.office.turn();
        let old = self.there(name)?.ok_or_else(|| error::no_such_stack(name))?;
        if !call.token.is_empty() && old.settings.token == call.token {
            return Ok(old.id);
        }
        check_updatable(&old)?;
        let prepared = self.prepare(&old.name, call, Some(&old), context)?;
        self.remark_on_capabilities(&prepared, false);
        if old.is_unmade() {
            return self.make(&prepared, Some(old), "", context);
        }
        let planned = self.plan_one(context.caller, &prepared.asked);
        if let Ok(planned) = &planned
            && self.changes(&prepared, Some(&old), Some(planned)).is_none()
        {
            return Err(error::nothing_to_do());
        }
        self.change(&prepared, old, "", context)
    }

    pub(super) fn delete_stack(&self, form: &Form, context: &Context) -> Result<(), Error> {
        let name = form.required("StackName")?;
        let _turn = self.office.turn();
        // There being none is no error on AWS.
        let Some(mut record) = self.there(name)? else { return Ok(()) };
        if record.settings.is_protected {
            return Err(error::protected(&record.name));
        }
        let now = context.now.iso_millis();
        if let Err(faults) = self.delete(context.caller, &record.name) {
            return self.keep(context.caller, &failures::delete(record, &faults, &now));
        }
        record.events.push(failures::of_stack(&record, &now, "DELETE_IN_PROGRESS", "User Initiated"));
        record.events.push(failures::of_stack(&record, &now, DELETED, ""));
        DELETED.clone_into(&mut record.status);
        record.settings.reason.clear();
        self.office.desk().bury(record);
        Ok(())
    }

    pub(super) fn protect(&self, form: &Form, context: &Context) -> Result<String, Error> {
        let name = form.required("StackName")?;
        form.required("EnableTerminationProtection")?;
        let is_protected = form.flag("EnableTerminationProtection")?.unwrap_or_default();
        let _turn = self.office.turn();
        let mut record = self.there(name)?.ok_or_else(|| error::no_such_stack(name))?;
        record.settings.is_protected = is_protected;
        self.keep(context.caller, &record)?;
        Ok(record.id)
    }

    /// Reads and checks what a call brings for a stack. Nothing is made yet.
    pub(super) fn prepare(
        &self,
        name: &str,
        call: api::Asked,
        old: Option<&Record>,
        context: &Context,
    ) -> Result<Prepared, Error> {
        let text = self.template_text(&call.source, old, context)?;
        let checked = Checked::read(&text, &call.known(old), &self.home.region)?;
        let parameters = call.parameters(&checked.template, old)?;
        let id = old.map_or_else(|| stack_id(&self.home.region, &self.home.account_id, name), |old| old.id.clone());
        checked.check(&parameters, self.pseudo(name, id), &stacks::others(self.records(), name))?;
        let asked = Asked {
            name: name.to_owned(),
            text,
            file: PathBuf::new(),
            document: None,
            remarks: Vec::new(),
            parameters,
            assets: Assets::default(),
            is_strict: false,
            is_named: true,
        };
        Ok(Prepared { call, asked, checked })
    }

    /// The template that a call names.
    pub(super) fn template_text(
        &self,
        source: &Source,
        old: Option<&Record>,
        context: &Context,
    ) -> Result<String, Error> {
        match (source, old) {
            (Source::Body(text), _) => Ok(text.clone()),
            (Source::Url(url), _) => {
                let bytes =
                    self.buckets.by_url(url, TEMPLATE_BYTES_MAX, context.host).map_err(|refusal| match refusal {
                        None => too_large(),
                        Some(text) => Error::new(400, "ValidationError", text),
                    })?;
                String::from_utf8(bytes)
                    .map_err(|_| Error::new(400, "ValidationError", "Template format error: it is not UTF-8"))
            }
            (Source::Previous, Some(old)) if !old.template.is_empty() => Ok(old.template.clone()),
            (Source::Previous, _) => Err(Error::new(
                400,
                "ValidationError",
                "UsePreviousTemplate cannot be used: there is no template before",
            )),
        }
    }

    /// Makes a stack of which nothing is there. Gives its id, also where that fails: the stack says so then.
    pub(super) fn make(
        &self,
        prepared: &Prepared,
        review: Option<Record>,
        change_set: &str,
        context: &Context,
    ) -> Result<String, Error> {
        let Prepared { call, asked, checked } = prepared;
        let before = review.as_ref().map(|review| review.settings.clone()).unwrap_or_default();
        let settings = Settings { change_set: change_set.to_owned(), ..call.settings(&before) };
        let finish = |record: &mut Record| record.settings = settings.clone();
        match self.apply_with(context.caller, asked, &finish) {
            Ok(done) => {
                self.done(prepared, &done);
                Ok(done.applied.record.id)
            }
            Err(faults) => {
                let now = context.now.iso_millis();
                let record = Record {
                    name: asked.name.clone(),
                    id: stack_id(&self.home.region, &self.home.account_id, &asked.name),
                    created: review.as_ref().map_or(&now, |review| &review.created).clone(),
                    template: asked.text.clone(),
                    description: checked.template.description.clone().unwrap_or_default(),
                    parameters: shown_parameters(prepared),
                    events: review.map(|review| review.events).unwrap_or_default(),
                    settings,
                    ..Record::default()
                };
                let mut failed = failures::create(record, &checked.template, &faults, &now);
                self.say_failed(asked, &faults);
                let id = failed.id.clone();
                if call.deletes_failures {
                    self.forget(context.caller, &failed.name)?;
                    failed.events.push(failures::of_stack(&failed, &now, DELETED, ""));
                    DELETED.clone_into(&mut failed.status);
                    self.office.desk().bury(failed);
                } else {
                    self.keep(context.caller, &failed)?;
                }
                Ok(id)
            }
        }
    }

    /// Changes a stack. Gives its id, also where that fails: the stack says so then, and is what it was.
    pub(super) fn change(
        &self,
        prepared: &Prepared,
        old: Record,
        change_set: &str,
        context: &Context,
    ) -> Result<String, Error> {
        let Prepared { call, asked, checked } = prepared;
        let settings = Settings { change_set: change_set.to_owned(), ..call.settings(&old.settings) };
        let finish = |record: &mut Record| record.settings = settings.clone();
        match self.apply_with(context.caller, asked, &finish) {
            Ok(done) => {
                self.done(prepared, &done);
                Ok(done.applied.record.id)
            }
            Err(faults) => {
                let mut record = old;
                (record.settings.keeps_failures, record.settings.token) = (call.keeps_failures, call.token.clone());
                let failed = failures::update(record, &checked.template, &faults, &context.now.iso_millis());
                self.say_failed(asked, &faults);
                self.keep(context.caller, &failed)?;
                Ok(failed.id)
            }
        }
    }

    /// What would change; none where nothing would. `planned` is none where a resource will be refused.
    pub(super) fn changes(
        &self,
        prepared: &Prepared,
        old: Option<&Record>,
        planned: Option<&Done>,
    ) -> Option<Vec<changes::Planned>> {
        let old = old.filter(|old| !old.is_unmade());
        let before = old.and_then(|old| self.checked(old));
        let applied = planned.map(|planned| &planned.applied);
        let changes = changes::between(old, before.as_ref(), &prepared.checked, applied);
        let (Some(old), Some(applied)) = (old, applied) else { return Some(changes) };
        let has_tags = prepared.call.tags.as_ref().is_none_or(|tags| *tags == old.settings.tags);
        let is_same = changes.is_empty() && applied.record.outputs == old.outputs && has_tags;
        (!is_same).then_some(changes)
    }

    fn done(&self, prepared: &Prepared, done: &Done) {
        self.office.desk().outdate(&prepared.asked.name);
        self.places.tidy(&self.functions.here());
        let text = self.told(&prepared.asked, done, Told::Applied);
        self.log.iter().for_each(|log| log.say(LogLevel::Info, text.trim_end().to_owned()));
    }

    fn say_failed(&self, asked: &Asked, faults: &[Fault]) {
        let text = format!("stack {} is left as it was: {}", asked.name, super::super::faults(asked, faults));
        self.log.iter().for_each(|log| log.say(LogLevel::Warn, text.clone()));
    }

    /// AWS would refuse; here what a template says of roles is not done, so that there is nothing to acknowledge.
    pub(super) fn remark_on_capabilities(&self, prepared: &Prepared, is_change_set: bool) {
        let needed = Needed::of(&prepared.checked.template, &prepared.checked.document);
        let lacks = needed.lacks(&prepared.call.capabilities, is_change_set);
        if !lacks.is_empty() {
            let (name, lacks) = (&prepared.asked.name, lacks.join(", "));
            let text = format!(
                "stack {name}: AWS would refuse this (InsufficientCapabilitiesException: Requires capabilities : [{lacks}])"
            );
            self.log.iter().for_each(|log| log.say(LogLevel::Warn, text.clone()));
        }
    }

    /// Keeps what is known of a stack, whose resources stay as they are.
    pub(super) fn keep(&self, caller: &Caller, record: &Record) -> Result<(), Error> {
        let keep = |batch: &mut control::Batch| {
            batch.keep_stack(&record.name, Some(record.write()));
            Ok::<_, Refused>(())
        };
        self.control.batch(caller, keep).map_err(|refused| internal(&refused))
    }

    fn forget(&self, caller: &Caller, name: &str) -> Result<(), Error> {
        let forget = |batch: &mut control::Batch| {
            batch.keep_stack(name, None);
            Ok::<_, Refused>(())
        };
        self.control.batch(caller, forget).map_err(|refused| internal(&refused))
    }
}

fn internal(refused: &Refused) -> Error {
    Error::new(500, "InternalFailure", refused.to_string())
}

/// Whether a stack is in a state to be changed.
pub(super) fn check_updatable(record: &Record) -> Result<(), Error> {
    match record.status.as_str() {
        status @ ("REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED") => {
            Err(error::not_updatable(&record.id, status))
        }
        _ => Ok(()),
    }
}

/// Parameters as they are told before anything is evaluated.
pub(super) fn shown_parameters(prepared: &Prepared) -> indexmap::IndexMap<String, KeptParameter> {
    let parameters = prepared.checked.template.parameters.iter().map(|(name, parameter)| {
        let given = prepared.asked.parameters.get(name).cloned();
        let default = || parameter.default.as_ref().and_then(stacks::Node::as_str).unwrap_or_default().to_owned();
        (name.clone(), KeptParameter { value: given.unwrap_or_else(default), is_secret: parameter.no_echo })
    });
    parameters.collect()
}
