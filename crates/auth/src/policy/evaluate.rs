//! Whether policies let a caller do something, and which statement decides. Source: documented (evaluation within one
//! account): a Deny that applies wins, else an Allow that applies, else nothing is allowed.

use crate::policy::keys::Keys;
use crate::policy::miss;
use crate::policy::truth::Truth;
use crate::policy::{Effect, Policy, Statement};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// `execute-api:ManageConnections`.
    pub action: &'q str,
    /// An ARN.
    pub resource: &'q str,
    /// What is known of the call.
    pub keys: &'q Keys,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny,
}

/// The answer with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub decision: Decision,
    /// The statement that decided: the policy's place in the list and the statement's in the policy, from 1.
    pub statement: Option<(usize, usize)>,
    /// Why, in words: the statement, or the nearest miss.
    pub why: String,
}

/// Asks the policies of a caller.
pub fn evaluate<'p>(policies: impl IntoIterator<Item = &'p Policy>, question: &Question<'_>) -> Verdict {
    let mut allowed = None;
    let mut allows = Vec::new();
    for (at, policy) in policies.into_iter().enumerate() {
        for statement in &policy.statements {
            let place = (at + 1, statement.number);
            match (statement.effect, applies(statement, question)) {
                (Effect::Deny, truth @ (Truth::Yes | Truth::Unknown)) => {
                    let mut why = format!("{} denies it", statement.told(&policy.name));
                    if truth == Truth::Unknown {
                        let unknown = statement.unknown().join(", ");
                        let unknown = if unknown.is_empty() { "a value is none of its kind" } else { &unknown };
                        why += &format!(", since it cannot be known whether it applies: {unknown}");
                    }
                    return Verdict { decision: Decision::ExplicitDeny, statement: Some(place), why };
                }
                (Effect::Allow, Truth::Yes) if allowed.is_none() => {
                    allowed = Some((place, format!("{} allows it", statement.told(&policy.name))));
                }
                (Effect::Allow, _) => allows.push((policy, statement)),
                (Effect::Deny, Truth::No) => {}
            }
        }
    }
    match allowed {
        Some((place, why)) => Verdict { decision: Decision::Allowed, statement: Some(place), why },
        None => Verdict { decision: Decision::ImplicitDeny, statement: None, why: miss::nearest(&allows, question) },
    }
}

fn applies(statement: &Statement, question: &Question<'_>) -> Truth {
    let action = statement.actions.fit(question.action, question.keys);
    if action == Truth::No {
        return Truth::No;
    }
    let resource = statement.resources.fit(question.resource, question.keys);
    if resource == Truth::No {
        return Truth::No;
    }
    action.and(resource).and(statement.conditions_hold(question.keys))
}
