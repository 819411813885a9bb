//! Which statement would nearly have allowed a call, for people who wonder why it was refused.

use crate::policy::evaluate::Question;
use crate::policy::pattern::Pattern;
use crate::policy::truth::Truth;
use crate::policy::{Policy, Statement};

/// The nearest miss in words.
pub(super) fn nearest(allows: &[(&Policy, &Statement)], question: &Question<'_>) -> String {
    let miss = |(policy, statement): &(&Policy, &Statement)| {
        let told = statement.told(&policy.name);
        let fits_action = statement.actions.fit(question.action, question.keys) == Truth::Yes;
        let fits_resource = statement.resources.fit(question.resource, question.keys);
        match (fits_action, fits_resource) {
            (true, Truth::Yes) => (4, format!("{told} would allow it, but {}", condition(statement, question))),
            (true, Truth::Unknown) => (3, format!("{told} cannot be decided: {}", statement.unknown().join(", "))),
            (true, Truth::No) => match resource(statement, question) {
                Some(text) => (2, format!("{told} {text}")),
                None => (1, format!("{told} is for {}", statement.resources.told())),
            },
            (false, Truth::Yes) => (1, format!("{told} allows {}", statement.actions.told())),
            (false, _) => (0, String::new()),
        }
    };
    // Of those as near the first is told.
    let best = allows.iter().map(miss).reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Question { action, resource, .. } = question;
    match best {
        Some((1.., text)) => format!("{text}; the call was {action} on {resource}"),
        _ => format!("no statement is about {action} on {resource}"),
    }
}

fn condition(statement: &Statement, question: &Question<'_>) -> String {
    let failed = statement.conditions.iter().find(|condition| condition.holds(question.keys) != Truth::Yes);
    let Some(failed) = failed else { return "its condition does not hold".to_owned() };
    if let Some(unknown) = failed.unknown() {
        return unknown;
    }
    let is = match question.keys.get(failed.key()) {
        Some(values) => format!("it is {}", values.join(", ")),
        None => "the call has none".to_owned(),
    };
    format!("its condition {} does not hold: {is}", failed.told())
}

/// The mistakes that people make with resources. Observed: grants of POST alone, one slash too many for `$connect`, another
/// Region or account.
fn resource(statement: &Statement, question: &Question<'_>) -> Option<String> {
    let fits = |resource: &str| statement.resources.fit(resource, question.keys) == Truth::Yes;
    let parts: Vec<&str> = question.resource.splitn(6, ':').collect();
    let [arn, partition, service, region, account, rest] = parts[..] else { return None };
    if let Some((before, id)) = rest.split_once("/@connections/")
        && let Some((stage, method)) = before.rsplit_once('/')
    {
        let with =
            |method: &str| format!("{arn}:{partition}:{service}:{region}:{account}:{stage}/{method}/@connections/{id}");
        let others: Vec<_> = ["POST", "GET", "DELETE"].into_iter().filter(|other| fits(&with(other))).collect();
        if !others.is_empty() {
            return Some(format!("allows {}, and not {method}", others.join(" and ")));
        }
    }
    if let Some(stage) = rest.strip_suffix("/$connect")
        && fits(&format!("{arn}:{partition}:{service}:{region}:{account}:{stage}/GET/$connect"))
    {
        return Some(format!("is for {}, which has a slash more than $connect", statement.resources.told()));
    }
    let elsewhere = |pattern: &Pattern| {
        let own: Vec<&str> = pattern.text().splitn(6, ':').collect();
        let [_, _, _, own_region, own_account, _] = own[..] else { return None };
        let there = format!("{arn}:{partition}:{service}:{own_region}:{own_account}:{rest}");
        match fits(&there) {
            true if own_region != region => Some(format!("is for Region {own_region}, and this one is {region}")),
            true => Some(format!("is for account {own_account}, and this one is {account}")),
            false => None,
        }
    };
    statement.resources.patterns.iter().find_map(elsewhere)
}
