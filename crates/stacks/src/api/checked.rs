//! A template that a call brings, read and checked as far as that is possible before anything is made.

use indexmap::IndexMap;

use super::error::{Error, validation};
use crate::fault::Fault;
use crate::node::Node;
use crate::read;
use crate::scope::{Others, Pseudo, Scope};
use crate::template::Template;
use crate::transforms::{self, Known};

/// The largest template, in bytes. Source: documented, of templates in buckets; those in calls may be as large here.
pub const TEMPLATE_BYTES_MAX: usize = 1_048_576;

/// How many faults a message tells.
const FAULTS_SHOWN: usize = 10;

/// A template, read.
#[derive(Clone, Debug)]
pub struct Checked {
    /// As it was written.
    pub document: Node,
    /// After its transforms.
    pub expanded: Node,
    /// Sorted.
    pub template: Template,
}

impl Checked {
    /// Reads a template. `parameters` are those that are given: loops may need them.
    ///
    /// # Errors
    /// Whatever is wrong with it, each with its line.
    pub fn read(text: &str, parameters: &IndexMap<String, String>, region: &str) -> Result<Checked, Error> {
        let document = read::read(text).map_err(|fault| wrong("Template format error", &[fault]))?;
        let known = Known { parameters: parameters.clone(), region: region.to_owned(), partition: "aws".to_owned() };
        let expanded =
            transforms::expand(&document, &known).map_err(|faults| wrong("Transform failed with", &faults))?;
        let template = Template::of(&expanded.document).map_err(|faults| wrong("Template format error", &faults))?;
        Ok(Checked { document, expanded: expanded.document, template })
    }

    /// Whether its parameters fit, its conditions can be decided, and nothing waits for itself.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(&self, parameters: &IndexMap<String, String>, pseudo: Pseudo, others: &Others) -> Result<(), Error> {
        let scope = Scope::new(&self.template, parameters, pseudo, others);
        let scope = scope.map_err(|faults| wrong("Template error", &faults))?;
        scope.order().map(drop).map_err(|fault| wrong("Template error", &[fault]))
    }
}

fn wrong(what: &str, faults: &[Fault]) -> Error {
    validation(format!("{what}: {}", said(faults)))
}

/// Faults as one text, each with its line.
pub fn said(faults: &[Fault]) -> String {
    let mut texts: Vec<String> = faults.iter().take(FAULTS_SHOWN).map(with_place).collect();
    if faults.len() > FAULTS_SHOWN {
        texts.push(format!("and {} more", faults.len() - FAULTS_SHOWN));
    }
    texts.join("; ")
}

/// A fault and where it stands.
pub fn with_place(fault: &Fault) -> String {
    match fault.place.line {
        0 => fault.to_string(),
        _ => format!("{fault} ({})", fault.place),
    }
}
