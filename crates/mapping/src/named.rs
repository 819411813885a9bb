//! What templates name, looked at when a stage is compiled: a name that nothing has prints nothing, which takes long to
//! find; and what only a handshake has is empty for a message.

use types::nearest::nearest;
use vtl::{Template, Use, UseStep};

use crate::context::{self, Named};
use crate::objects::UTIL_FUNCTIONS;

/// A name in a template that nothing has.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As it is written: `$context.connectonId`.
    pub name: String,
    /// Counted from 1.
    pub line: usize,
    /// What may have been meant, as it would be written.
    pub meant: Option<String>,
}

/// What a template names, for whoever renders it without a stage.
#[derive(Debug, Default)]
pub struct Names {
    /// What nothing has.
    pub unknown: Vec<Unknown>,
    /// Whether it asks for `$context`, and for `$stageVariables`.
    pub context: bool,
    /// As above.
    pub stage_variables: bool,
}

/// What the template `text` names; nothing where it is no template.
pub fn names(text: &str) -> Names {
    let Ok(template) = Template::parse(text) else { return Names::default() };
    let asks = |name: &str| template.uses().iter().any(|used| used.variable == name && !used.is_set);
    Names { unknown: unknown(&template, false), context: asks("context"), stage_variables: asks("stageVariables") }
}

/// What every map of a template understands, besides its keys. Source: Velocity on Java's maps (corpus/vtl).
const OF_MAPS: &[&str] = &[
    "get",
    "put",
    "size",
    "keySet",
    "values",
    "entrySet",
    "containsKey",
    "containsValue",
    "isEmpty",
    "toString",
    "hashCode",
    "equals",
    "putAll",
    "remove",
    "clear",
    "class",
    "empty",
    "getClass",
    "getOrDefault",
];
/// What `$context` holds in templates beside the variables of `context.rs`, and the maps that hold those.
const BESIDE: &[&str] =
    &["requestOverride", "responseOverride", "authorizer", "identity", "identity.clientCert", "error"];
/// What there is in templates before they set anything: the gateway's objects, and what a loop brings.
const OBJECTS: &[&str] = &["input", "context", "util", "stageVariables"];
const OF_LOOPS: &[&str] = &["foreach", "velocityCount", "velocityHasNext"];
const INPUT: &[&str] = &["body", "json", "path", "params", "getBody"];

/// Every variable, and every name under `$context`, `$input` and `$util`, that there is not, each once.
pub(crate) fn unknown(template: &Template, extended: bool) -> Vec<Unknown> {
    let (uses, gives) = (template.uses(), template.gives());
    let mut unknown: Vec<Unknown> = Vec::new();
    for used in &uses {
        let Some((name, meant)) = no_variable(used, &gives).or_else(|| fault(used, &uses, extended)) else { continue };
        if unknown.iter().all(|other| other.name != name) {
            unknown.push(Unknown { name, line: used.line, meant });
        }
    }
    unknown
}

/// Whether anything of the message, or of the answer where it is a response's, gets into what the template makes.
pub(crate) fn reads_input(template: &Template) -> bool {
    template.uses().iter().any(|used| used.variable == "input")
}

/// The template's uses of what a handshake brought, as written: `$input.params('user')`.
pub(crate) fn of_handshake(template: &Template) -> Option<String> {
    template.uses().iter().find_map(|used| match (used.variable, used.steps.first()?) {
        ("input", UseStep::Method("params", Some(name))) => Some(format!("$input.params('{name}')")),
        ("input", UseStep::Method("params", None)) => Some("$input.params()".to_owned()),
        _ => None,
    })
}

/// The regular expressions of a template that may be slow, and where they stand.
pub(crate) fn slow_patterns(template: &Template) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    for used in template.uses() {
        for step in used.steps {
            if let Some(pattern) = step.pattern()
                && java::is_slow_pattern(pattern)
            {
                found.push((pattern, used.line));
            }
        }
    }
    found
}

// A variable that is none of the gateway's and that the template never sets.
fn no_variable(used: &Use<'_>, gives: &[&str]) -> Option<(String, Option<String>)> {
    let name = used.variable;
    if used.is_set || OBJECTS.contains(&name) || OF_LOOPS.contains(&name) || gives.contains(&name) {
        return None;
    }
    let near = meant(name, OBJECTS.iter().copied().chain(OF_LOOPS.iter().copied()));
    Some((format!("${name}"), near.map(|name| format!("${name}"))))
}

// The name as it is written and what may have been meant, if there is no such thing.
fn fault(used: &Use<'_>, all: &[Use<'_>], extended: bool) -> Option<(String, Option<String>)> {
    match (used.variable, used.steps.first()?) {
        ("context", UseStep::Property(first)) => in_context(used, first, all),
        ("context", UseStep::Method("get", Some(key))) => {
            let known = is_context(key) || is_set(key, all);
            (!known).then(|| (format!("$context.get('{key}')"), meant(key, context_names()).map(under_context)))
        }
        ("input", UseStep::Property(name)) => {
            (*name != "body").then(|| (format!("$input.{name}"), meant(name, INPUT.iter().copied()).map(under_input)))
        }
        ("input", UseStep::Method(name, _)) => (!INPUT.contains(name))
            .then(|| (format!("$input.{name}(…)"), meant(name, INPUT.iter().copied()).map(under_input))),
        ("util", UseStep::Method("toJson", _)) if extended => None,
        ("util", UseStep::Method(name, _)) => {
            let known = UTIL_FUNCTIONS.iter().any(|known| known == name);
            let near = meant(name, UTIL_FUNCTIONS.iter().copied()).map(|name| format!("$util.{name}(…)"));
            (!known).then(|| (format!("$util.{name}(…)"), near))
        }
        ("util", UseStep::Property(name)) => Some((format!("$util.{name}"), None)),
        _ => None,
    }
}

fn in_context(used: &Use<'_>, first: &str, all: &[Use<'_>]) -> Option<(String, Option<String>)> {
    let second = match (first, used.steps.get(1)) {
        ("identity" | "error", Some(UseStep::Property(second))) => Some(*second),
        _ => None,
    };
    let name = second.map_or_else(|| first.to_owned(), |second| format!("{first}.{second}"));
    let is_map = OF_MAPS.contains(&second.unwrap_or(first));
    if is_context(&name) || is_map || is_set(first, all) {
        return None;
    }
    Some((format!("$context.{name}"), meant(&name, context_names()).map(under_context)))
}

fn is_context(name: &str) -> bool {
    BESIDE.contains(&name) || Named::find(name).is_some()
}

// What the template sets itself is there.
fn is_set(first: &str, all: &[Use<'_>]) -> bool {
    let own = UseStep::Property(first);
    all.iter().any(|used| {
        used.variable == "context"
            && match used.steps.first() {
                Some(step) if *step == own => used.is_set,
                Some(UseStep::Method("put", Some(key))) => *key == first,
                // `#set($context = …)`, and `putAll` or a computed key: nothing is certain then.
                Some(UseStep::Method("putAll", _) | UseStep::Method("put", None)) => true,
                Some(UseStep::Index) | None => used.is_set,
                Some(_) => false,
            }
    })
}

fn context_names() -> impl Iterator<Item = &'static str> {
    context::names().chain(BESIDE.iter().copied())
}

fn meant(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    nearest(name, known)
}

fn under_context(name: &str) -> String {
    format!("$context.{name}")
}

fn under_input(name: &str) -> String {
    match name {
        "body" => "$input.body".to_owned(),
        _ => format!("$input.{name}(…)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_there_are_not_are_found_and_the_others_left_alone() {
        for (template, expected) in [
            ("$context.connectonId", &[("$context.connectonId", Some("$context.connectionId"))][..]),
            ("$context.identity.sourceIP", &[("$context.identity.sourceIP", Some("$context.identity.sourceIp"))]),
            ("$input.jsn('$')", &[("$input.jsn(…)", Some("$input.json(…)"))]),
            ("$input.bdy", &[("$input.bdy", Some("$input.body"))]),
            (
                "\"$util.escapeJavascript($input.body)\"",
                &[("$util.escapeJavascript(…)", Some("$util.escapeJavaScript(…)"))],
            ),
            ("$util.uuid() $context.zzz", &[("$util.uuid(…)", None), ("$context.zzz", None)]),
            ("$context.get('connectonId')", &[("$context.get('connectonId')", Some("$context.connectionId"))]),
            ("$context.connectionId $context.identity.userAgent $context.authorizer.anything.deep", &[]),
            ("$context.identity.clientCert.subjectDN $context.identity.clientCert", &[]),
            ("$context.identity $context.keySet() $context.identity.get('x') $context.size()", &[]),
            ("#set($context.mine = 1)$context.mine $context.requestOverride.header.x", &[]),
            ("$input.path('$.a').anything $input.params().header.x $input.body.length()", &[]),
            ("$inptu.body $mine.connectonId", &[("$inptu", Some("$input")), ("$mine", None)]),
            ("#set($a = 1)$a #foreach($b in [1])$b$foreach.count$velocityCount#end #define($c)#end$c", &[]),
            ("#set($m.a = 1)#if($undefined)x#end $stageVariables.x", &[("$undefined", None)]),
            ("$util.parseJson($input.body) $util.base64Decode('x').foo", &[]),
        ] {
            let found = unknown(&Template::parse(template).unwrap(), false);
            let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.meant.as_deref())).collect();
            assert_eq!(found, expected, "{template}");
        }
        assert_eq!(unknown(&Template::parse("$util.toJson($input)").unwrap(), true), []);
    }
}
