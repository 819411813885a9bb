//! The actions of CloudFormation that are answered here.

/// What a call asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)] // Each is AWS's word.
pub enum Action {
    CreateStack,
    UpdateStack,
    DeleteStack,
    DescribeStacks,
    DescribeStackEvents,
    DescribeStackResources,
    DescribeStackResource,
    ListStackResources,
    GetTemplate,
    GetTemplateSummary,
    ValidateTemplate,
    ListStacks,
    ListExports,
    CreateChangeSet,
    DescribeChangeSet,
    ExecuteChangeSet,
    DeleteChangeSet,
    ListChangeSets,
    UpdateTerminationProtection,
}

/// Each with its name, and whether it changes something.
pub const ACTIONS: &[(&str, Action, bool)] = &[
    ("CreateStack", Action::CreateStack, true),
    ("UpdateStack", Action::UpdateStack, true),
    ("DeleteStack", Action::DeleteStack, true),
    ("DescribeStacks", Action::DescribeStacks, false),
    ("DescribeStackEvents", Action::DescribeStackEvents, false),
    ("DescribeStackResources", Action::DescribeStackResources, false),
    ("DescribeStackResource", Action::DescribeStackResource, false),
    ("ListStackResources", Action::ListStackResources, false),
    ("GetTemplate", Action::GetTemplate, false),
    ("GetTemplateSummary", Action::GetTemplateSummary, false),
    ("ValidateTemplate", Action::ValidateTemplate, false),
    ("ListStacks", Action::ListStacks, false),
    ("ListExports", Action::ListExports, false),
    ("CreateChangeSet", Action::CreateChangeSet, true),
    ("DescribeChangeSet", Action::DescribeChangeSet, false),
    ("ExecuteChangeSet", Action::ExecuteChangeSet, true),
    ("DeleteChangeSet", Action::DeleteChangeSet, true),
    ("ListChangeSets", Action::ListChangeSets, false),
    ("UpdateTerminationProtection", Action::UpdateTerminationProtection, true),
];

/// The version of the API that has them.
pub const VERSION: &str = "2010-05-15";

impl Action {
    /// The action of a name.
    pub fn of(name: &str) -> Option<Action> {
        ACTIONS.iter().find(|(of, ..)| *of == name).map(|(_, action, _)| *action)
    }

    /// Its name, which IAM's action ends with, too.
    pub fn name(self) -> &'static str {
        ACTIONS.iter().find(|(_, action, _)| *action == self).map_or("", |(name, ..)| name)
    }

    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        ACTIONS.iter().any(|(_, action, is_write)| *action == self && *is_write)
    }
}
