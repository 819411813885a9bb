//! What a template's user has to acknowledge on AWS. Here nobody has to: what the template says of roles is not done.

use super::xml::Xml;
use crate::node::Node;
use crate::template::Template;

/// Types that need it, and the property that makes it `CAPABILITY_NAMED_IAM`. Source: documented.
const IAM: &[(&str, &str)] = &[
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// What a template needs: its capabilities, and why.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needed {
    /// Such as `CAPABILITY_IAM`.
    pub capabilities: Vec<&'static str>,
    /// AWS's sentence; empty where nothing is needed.
    pub reason: String,
}

impl Needed {
    /// What a template needs. `document` is the template before its transforms.
    pub fn of(template: &Template, document: &Node) -> Needed {
        let mut needed = Needed::default();
        let iam = template.resources.values().filter_map(|resource| {
            let (kind, name) = IAM.iter().find(|(kind, _)| *kind == resource.kind)?;
            Some((*kind, !name.is_empty() && resource.properties.get(name).is_some()))
        });
        let iam: Vec<_> = iam.collect();
        if !iam.is_empty() {
            let is_named = iam.iter().any(|(_, is_named)| *is_named);
            needed.capabilities.push(if is_named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" });
            let mut kinds: Vec<_> = iam.iter().map(|(kind, _)| *kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            needed.reason = format!("The following resource(s) require capabilities: [{}]", kinds.join(", "));
        }
        if document.get("Transform").is_some() {
            needed.capabilities.push("CAPABILITY_AUTO_EXPAND");
            if needed.reason.is_empty() {
                needed.reason =
                    format!("The following resource(s) require capabilities: [{}]", transforms(document).join(", "));
            }
        }
        needed
    }

    /// What was not acknowledged and would have to be. A change set expands without a word.
    pub fn lacks(&self, given: &[String], is_change_set: bool) -> Vec<&'static str> {
        let has = |wanted: &str| {
            given.iter().any(|given| given == wanted || (wanted == "CAPABILITY_IAM" && given == "CAPABILITY_NAMED_IAM"))
        };
        let needed = self.capabilities.iter().filter(|wanted| !(is_change_set && **wanted == "CAPABILITY_AUTO_EXPAND"));
        needed.filter(|wanted| !has(wanted)).copied().collect()
    }

    pub(crate) fn write(&self, xml: &mut Xml) {
        if !self.capabilities.is_empty() {
            xml.texts("Capabilities", &self.capabilities);
            xml.text("CapabilitiesReason", &self.reason);
        }
    }
}

/// The names of a template's transforms.
pub(crate) fn transforms(document: &Node) -> Vec<String> {
    let Some(node) = document.get("Transform") else { return Vec::new() };
    let items = node.as_list().unwrap_or(std::slice::from_ref(node));
    let name = |node: &Node| node.as_str().or_else(|| node.get("Name").and_then(Node::as_str)).map(str::to_owned);
    items.iter().filter_map(name).collect()
}
