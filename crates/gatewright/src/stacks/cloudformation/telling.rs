//! What is only told.

use stacks::api::xml::Xml;
use stacks::api::{Checked, Error, Form, error, events, names, resources, stacks as shown, templates};
use stacks::{Record, read};

use super::super::Stacks;
use super::Context;

impl Stacks {
    pub(super) fn describe_stacks(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let token = names::token(form)?;
        match form.text("StackName") {
            Some(name) => {
                let record = self.known(name)?.ok_or_else(|| error::no_stack(name))?;
                shown::describe(xml, &[&record], token)
            }
            None => {
                let records = self.records();
                shown::describe(xml, &records.iter().collect::<Vec<_>>(), token)
            }
        }
    }

    pub(super) fn list_stacks(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let mut records: Vec<Record> = self.office.desk().deleted().cloned().collect();
        records.extend(self.records());
        shown::list(xml, &records.iter().collect::<Vec<_>>(), form, names::token(form)?)
    }

    pub(super) fn list_exports(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let records = self.records();
        shown::exports(xml, &records.iter().collect::<Vec<_>>(), names::token(form)?)
    }

    pub(super) fn describe_stack_events(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let name = form.required("StackName")?;
        let record = self.known(name)?.ok_or_else(|| error::no_such_stack(name))?;
        events::write(xml, &record, names::token(form)?)
    }

    pub(super) fn describe_stack_resources(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let (logical, physical) = (form.text("LogicalResourceId"), form.text("PhysicalResourceId"));
        let record = match (form.text("StackName"), physical) {
            (Some(_), _) => self.named(form)?,
            (None, Some(physical)) => {
                let has = |record: &Record| record.resources.values().any(|resource| resource.physical == physical);
                let found = self.records().into_iter().find(has);
                found
                    .ok_or_else(|| Error::new(400, "ValidationError", format!("Stack for {physical} does not exist")))?
            }
            (None, None) => {
                let text = "Either StackName or PhysicalResourceId must be specified";
                return Err(Error::new(400, "ValidationError", text));
            }
        };
        resources::describe(xml, &record, logical, physical);
        Ok(())
    }

    pub(super) fn describe_stack_resource(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        let (record, logical) = (self.named(form)?, form.required("LogicalResourceId")?);
        let document = read::read(&record.template).ok();
        resources::describe_one(xml, &record, logical, document.as_ref())
    }

    pub(super) fn list_stack_resources(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        resources::list(xml, &self.named(form)?, names::token(form)?)
    }

    pub(super) fn get_template(&self, xml: &mut Xml, form: &Form) -> Result<(), Error> {
        if let Some(set) = form.text("ChangeSetName") {
            let desk = self.office.desk();
            let set = desk.find(set, names::name_of(form.text("StackName").unwrap_or_default()))?;
            let checked = Checked::read(&set.text, &set.given, &self.home.region).ok();
            return templates::get(xml, &set.text, checked.as_ref(), form);
        }
        let record = self.named(form)?;
        templates::get(xml, &record.template, self.checked(&record).as_ref(), form)
    }

    /// A stack's own template, read again.
    pub(super) fn checked(&self, record: &Record) -> Option<Checked> {
        let values = record.parameters.iter().map(|(name, kept)| (name.clone(), kept.value.clone())).collect();
        Checked::read(&record.template, &values, &self.home.region).ok()
    }

    pub(super) fn validate_template(&self, xml: &mut Xml, form: &Form, context: &Context) -> Result<(), Error> {
        templates::validated(xml, &self.given_template(form, context)?);
        Ok(())
    }

    pub(super) fn get_template_summary(&self, xml: &mut Xml, form: &Form, context: &Context) -> Result<(), Error> {
        let checked = match form.text("StackName") {
            Some(_) => {
                let record = self.named(form)?;
                let text = "the stack's template cannot be read";
                self.checked(&record).ok_or_else(|| Error::new(400, "ValidationError", text))?
            }
            None => self.given_template(form, context)?,
        };
        templates::summary(xml, &checked);
        Ok(())
    }

    fn given_template(&self, form: &Form, context: &Context) -> Result<Checked, Error> {
        let asked = stacks::api::Asked::of(form)?;
        let text = self.template_text(&asked.source, None, context)?;
        Checked::read(&text, &Default::default(), &self.home.region)
    }
}
