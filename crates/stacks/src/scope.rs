//! A template with the values that are given to it: what its conditions say, which resources exist, and in which order.

use std::cell::RefCell;
use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::fault::{Fault, Faults, shortened};
use crate::intrinsics::Evaluation;
use crate::node::{Node, Place};
use crate::order::{self, Order};
use crate::parameters;
use crate::references::{Name, Walk};
use crate::template::Template;

/// What the pseudo parameters say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pseudo {
    /// `AWS::AccountId`: twelve digits.
    pub account: String,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::Partition`: `aws`.
    pub partition: String,
    /// `AWS::URLSuffix`: `amazonaws.com`.
    pub url_suffix: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// `AWS::StackId`: an ARN.
    pub stack_id: String,
}

/// What is known only once a resource is made.
pub trait References {
    /// What `Ref` gives of a resource.
    fn reference(&self, logical: &str) -> Option<Node>;

    /// What `Fn::GetAtt` gives of a resource: `attribute` may have dots.
    fn attribute(&self, logical: &str, attribute: &str) -> Option<Node>;
}

/// Where there are no resources: between conditions, and while their order is looked for.
pub(crate) struct Nothing;

impl References for Nothing {
    fn reference(&self, _: &str) -> Option<Node> {
        None
    }

    fn attribute(&self, _: &str, _: &str) -> Option<Node> {
        None
    }
}

/// What other stacks give.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// What `Fn::ImportValue` finds, by name.
    pub exports: IndexMap<String, String>,
    /// What `Fn::GetStackOutput` finds, by the names of stack and output.
    pub outputs: IndexMap<(String, String), String>,
}

/// A template whose parameters have values and whose conditions are decided.
#[derive(Debug)]
pub struct Scope<'t> {
    pub(crate) template: &'t Template,
    pub(crate) values: IndexMap<String, Node>,
    pub(crate) pseudo: Pseudo,
    pub(crate) others: Others,
    /// What was imported so far.
    pub(crate) imported: RefCell<BTreeSet<String>>,
    conditions: IndexMap<String, bool>,
}

impl<'t> Scope<'t> {
    /// Gives a template its parameters and decides its conditions.
    ///
    /// # Errors
    /// Those of [`parameters::values`]; else those of the conditions; else each name of a resource whose condition does not
    /// hold, where what names it exists. All of a kind at once.
    pub fn new(
        template: &'t Template,
        given: &IndexMap<String, String>,
        pseudo: Pseudo,
        others: &Others,
    ) -> Result<Scope<'t>, Vec<Fault>> {
        let values = parameters::values(&template.parameters, given)?;
        let others = others.clone();
        let mut scope =
            Scope { template, values, pseudo, others, imported: RefCell::default(), conditions: IndexMap::new() };
        let order = scope.condition_order().map_err(|fault| vec![fault])?;
        let mut faults = Faults::default();
        let mut decided: IndexMap<String, bool> =
            template.conditions.keys().map(|name| (name.clone(), false)).collect();
        for index in order {
            let Some((name, node)) = template.conditions.get_index(index) else { continue };
            let path = format!("Conditions.{name}");
            let decision = Evaluation::new(&scope, &path, &Nothing).condition(node);
            match decision {
                Ok(holds) => {
                    scope.conditions.insert(name.clone(), holds);
                    decided[index] = holds;
                }
                Err(fault) => faults.push(fault),
            }
        }
        scope.conditions = decided;
        // Where a condition has no answer, what depends on it would be wrong for no reason of its own.
        if faults.is_empty() {
            scope.check_absent(&mut faults);
        }
        faults.into_result(scope)
    }

    /// Finds what exists and names a resource whose condition does not hold, in branches that are taken.
    fn check_absent(&self, faults: &mut Faults) {
        let existing = self.template.resources.iter().filter(|(name, _)| self.exists(name));
        let properties = existing.map(|(name, each)| (format!("Resources.{name}.Properties"), &each.properties));
        let outputs = self.template.outputs.iter().filter(|(_, each)| self.holds(each.condition.as_deref()));
        let values = outputs.flat_map(|(name, each)| {
            let export = each.export.as_ref().map(|export| (format!("Outputs.{name}.Export.Name"), export));
            std::iter::once((format!("Outputs.{name}.Value"), &each.value)).chain(export)
        });
        for (path, node) in properties.chain(values) {
            let mut told = |name: Name<'_>, node: &Node, path: &str| {
                if let Name::Ref { name, .. } | Name::Attribute { logical: name, .. } = name
                    && !self.values.contains_key(name)
                    && self.template.resources.contains_key(name)
                    && !self.exists(name)
                {
                    faults.add(self.absent(name), path, node.place);
                }
            };
            Walk { taken: &|name| self.decided(name), conditions: false, told: &mut told, path }.through(node);
        }
    }

    /// The conditions, those first that others ask.
    fn condition_order(&self) -> Result<Vec<usize>, Fault> {
        let conditions = &self.template.conditions;
        let edges = conditions.values().map(|node| {
            let mut edges = Vec::new();
            let mut told = |name: Name<'_>, _: &Node, _: &str| {
                if let Name::Condition(name) = name {
                    edges.extend(conditions.get_index_of(name));
                }
            };
            Walk { taken: &|_| None, conditions: true, told: &mut told, path: String::new() }.through(node);
            edges
        });
        order::sorted(&edges.collect::<Vec<_>>()).map_err(|cycle| {
            let names: Vec<&str> =
                cycle.iter().filter_map(|index| conditions.get_index(*index)).map(|(name, _)| name.as_str()).collect();
            let place = names.first().map_or(Place::default(), |name| conditions[*name].place);
            Fault::new(format!("these conditions ask each other: {}", order::shown(&names)), "Conditions", place)
        })
    }

    /// Whether a resource of the template exists: it has no condition, or one that holds.
    pub fn exists(&self, logical: &str) -> bool {
        self.template.resources.get(logical).is_some_and(|resource| self.holds(resource.condition.as_deref()))
    }

    /// Whether a condition holds; `None`, which asks for none, does.
    pub fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    /// The resources that exist, those first that others wait for, else as in the file. Deployments wait for all that their
    /// API answers with, also where the template does not say so: see [`Scope::implied`].
    ///
    /// # Errors
    /// Resources that wait for each other.
    pub fn order(&self) -> Result<Vec<&'t str>, Fault> {
        Order::of(self).resources()
    }

    /// Which deployment waits for which route, integration or response although the template does not make it wait. On AWS
    /// such a deployment may be made first: without a single route it fails, and what comes later is not part of it.
    pub fn implied(&self) -> Vec<(&'t str, &'t str)> {
        Order::of(self).implied()
    }

    /// What a value of the template evaluates to; `None` where that is `AWS::NoValue`. `path` is that of the value, such as
    /// `Resources.Join.Properties`, and begins the paths of faults.
    ///
    /// What is written keeps its place, and what functions make has theirs.
    ///
    /// # Errors
    /// The first function that cannot be evaluated, or the bounds of [`crate::intrinsics`]. Where a parameter with `NoEcho`
    /// went in, the sentence repeats no value.
    pub fn evaluate(&self, node: &Node, path: &str, references: &dyn References) -> Result<Option<Node>, Fault> {
        Evaluation::new(self, path, references).value(node)
    }

    /// The names of what was imported so far.
    pub fn imported(&self) -> Vec<String> {
        self.imported.borrow().iter().cloned().collect()
    }

    /// What each condition says.
    pub fn conditions(&self) -> &IndexMap<String, bool> {
        &self.conditions
    }

    /// Each parameter's value as it may be shown.
    pub fn parameters(&self) -> IndexMap<String, String> {
        let shown = |(name, value): (&String, &Node)| {
            let parameter = self.template.parameters.get(name)?;
            Some((name.clone(), parameters::shown(parameter, value)))
        };
        self.values.iter().filter_map(shown).collect()
    }

    /// Each parameter's value as it is: a text, or a list of texts.
    pub(crate) fn values(&self) -> &IndexMap<String, Node> {
        &self.values
    }

    /// What a condition says, where it is decided.
    pub(crate) fn decided(&self, name: &str) -> Option<bool> {
        self.conditions.get(name).copied()
    }

    /// Whether a parameter's value is not to be seen.
    pub(crate) fn is_secret(&self, parameter: &str) -> bool {
        self.template.parameters.get(parameter).is_some_and(|parameter| parameter.no_echo)
    }

    /// What is said of a resource whose condition does not hold.
    pub(crate) fn absent(&self, logical: &str) -> String {
        let condition = self.template.resources.get(logical).and_then(|resource| resource.condition.as_deref());
        let condition = shortened(condition.unwrap_or_default());
        format!("the resource {} does not exist, because its condition {condition} does not hold", shortened(logical))
    }
}
