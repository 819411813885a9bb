//! Integrations: their URIs, what fills them, what may pass, and where they lead.

use mapping::{Mend, shell_word};
use types::message::HttpTarget;
use types::resources::Integration;

use crate::findings::Finding;
use crate::{Known, Subject};

/// What CloudFormation's `Fn::Sub` would have replaced begins so.
const OF_TEMPLATES: &[&str] = &["${AWS::", "${!", "${StageName", "${Env", "!Sub", "Fn::Sub"];

/// A place that an integration connects to, to be tried by the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The integration's id.
    pub integration_id: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

pub(crate) fn look(subject: &Subject<'_>, known: &Known<'_>, findings: &mut Vec<Finding>) {
    for of in &subject.definition.integrations {
        let integration = &*of.integration;
        uri(subject, integration, findings);
        passthrough(subject, integration, findings);
        link(subject, known, integration, findings);
        left_over(subject, integration, findings);
        elsewhere(subject, known, integration, findings);
    }
}

fn place(integration: &Integration) -> String {
    format!("integration {}", integration.integration_id)
}

fn update(subject: &Subject<'_>, integration: &Integration, text: &str, options: &str) -> Mend {
    let (api_id, id) = (&subject.definition.api.api_id, &integration.integration_id);
    Mend::by(text, &format!("aws apigatewayv2 update-integration --api-id {api_id} --integration-id {id} {options}"))
}

fn uri(subject: &Subject<'_>, integration: &Integration, findings: &mut Vec<Finding>) {
    let uri = integration.integration_uri.as_deref().unwrap_or_default();
    for name in variables(uri) {
        for of in subject.stages.iter().filter(|of| !of.settings.stage_variables.contains_key(name)) {
            let stage = &of.settings.stage_name;
            let what = format!("The URI names the stage variable `{name}`, which stage {stage} has not.");
            let command = format!(
                "aws apigatewayv2 update-stage --api-id {} --stage-name {stage} --stage-variables {}",
                subject.definition.api.api_id,
                shell_word(&format!("{name}=VALUE"))
            );
            findings
                .push(Finding::new("variable-unset", place(integration), what).mended(Mend::by("set it", &command)));
        }
    }
    if !integration.integration_type.starts_with("HTTP") {
        return;
    }
    for name in parameters(uri) {
        let target = format!("integration.request.path.{name}");
        let overrides = integration.request_templates.values().any(|template| template.contains("requestOverride"));
        if !integration.request_parameters.contains_key(&target) && !overrides {
            let what = format!("The URI has the parameter {{{name}}}, and nothing is mapped to {target}.");
            let parameter = format!("{target}=route.request.querystring.{name}");
            let options = format!("--request-parameters {}", shell_word(&parameter));
            findings.push(Finding::new("path-unfilled", place(integration), what).mended(update(
                subject,
                integration,
                "fill it",
                &options,
            )));
        }
    }
}

// `${stageVariables.name}`.
fn variables(uri: &str) -> impl Iterator<Item = &str> {
    uri.split("${stageVariables.").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

// `{name}` and `{name+}`, which are not behind a dollar.
fn parameters(uri: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = uri[from..].find('{').map(|at| at + from) {
        let end = uri[at..].find('}').map_or(uri.len(), |end| end + at);
        let name = uri[at + 1..end].trim_end_matches('+');
        if !uri[..at].ends_with('$') && !name.is_empty() {
            found.push(name);
        }
        from = end;
    }
    found
}

fn passthrough(subject: &Subject<'_>, integration: &Integration, findings: &mut Vec<Finding>) {
    let behaviour = integration.passthrough_behavior.as_deref().unwrap_or("WHEN_NO_MATCH");
    let reads_templates = !integration.integration_type.ends_with("_PROXY") && integration.integration_type != "MOCK";
    if behaviour == "NEVER" && integration.request_templates.is_empty() && reads_templates {
        let what = "The passthrough behaviour is NEVER, and there is no request template.";
        let mend =
            update(subject, integration, "let messages pass as they are", "--passthrough-behavior WHEN_NO_MATCH");
        findings.push(Finding::new("passes-nothing", place(integration), what).mended(mend));
    }
}

fn link(subject: &Subject<'_>, known: &Known<'_>, integration: &Integration, findings: &mut Vec<Finding>) {
    if integration.connection_type.as_deref() != Some("VPC_LINK") {
        return;
    }
    let id = integration.connection_id.as_deref().unwrap_or_default();
    // Which link it is may be said by a variable.
    if id.contains("${") {
        return;
    }
    let addresses = (known.link_addresses)(id);
    // The settings may name one that nobody made as a resource.
    if addresses.as_ref().is_some_and(|addresses| !addresses.is_empty()) {
        return;
    }
    if !subject.account.vpc_links.contains_key(id) {
        let what = format!("The integration goes through VPC link `{id}`, which is not there.");
        let mend = Mend::by("have one", "aws apigateway create-vpc-link --name LINK --target-arns HOST:PORT");
        findings.push(Finding::new("link-unknown", place(integration), what).mended(mend));
    } else if addresses.is_some() {
        let what = format!("No address is known of VPC link `{id}`, through which the integration goes.");
        let mend = Mend::told("say where it leads, start with [vpc-links] in the settings file (docs/settings.md)");
        findings.push(Finding::new("link-without-address", place(integration), what).mended(mend));
    }
}

fn left_over(subject: &Subject<'_>, integration: &Integration, findings: &mut Vec<Finding>) {
    let uri = integration.integration_uri.iter().map(|uri| ("the URI".to_owned(), uri, "--integration-uri URL"));
    let templates = integration
        .request_templates
        .iter()
        .map(|(key, text)| (format!("request template `{key}`"), text, "--request-templates file://templates.json"));
    for (what, text, options) in uri.chain(templates) {
        let is_uri = what == "the URI";
        let left = OF_TEMPLATES.iter().find(|left| text.contains(**left));
        // Of a URI nothing but stage variables may stand in `${…}`.
        let other = text.split("${").skip(1).find(|rest| is_uri && !rest.starts_with("stageVariables."));
        let shown = match (left, other) {
            (Some(left), _) => (*left).to_owned(),
            (None, Some(rest)) => format!("${{{}", rest.split_inclusive('}').next().unwrap_or_default()),
            (None, None) => continue,
        };
        let told =
            format!("In {what} stands `{shown}`, which a template of CloudFormation should have replaced (Fn::Sub).");
        let mend = update(subject, integration, "say what it stands for", options);
        findings.push(Finding::new("substitution-left", place(integration), told).mended(mend));
    }
}

// Functions and services that are nowhere, as far as the URI says which.
fn elsewhere(subject: &Subject<'_>, known: &Known<'_>, integration: &Integration, findings: &mut Vec<Finding>) {
    let uri = integration.integration_uri.as_deref().unwrap_or_default();
    if !integration.integration_type.starts_with("AWS") || uri.contains("${") {
        return;
    }
    match mapping::function_of(uri) {
        Some(function) if !(known.has_function)(&function) => {
            let what = format!("The function {} runs nowhere, as far as is known.", function.name);
            let mend = Mend::told(
                "have it run, start with --function FILE, [functions] in the settings file, or --lambda-endpoint URL (docs/functions.md)",
            );
            findings.push(Finding::new("function-nowhere", place(integration), what).mended(mend));
        }
        None if !known.has_services && !subject.definition.routes.is_empty() => {
            let what = format!("The integration calls a service of AWS ({uri}), and nothing says where services are.");
            let mend =
                Mend::told("have it called, start with --aws-endpoint URL or --aws-endpoint aws (docs/services.md)");
            findings.push(Finding::new("service-nowhere", place(integration), what).mended(mend));
        }
        Some(_) | None => {}
    }
}

/// The places that the HTTP integrations of an API connect to, those of VPC links among them: where no variable decides.
pub fn targets(subject: &Subject<'_>, known: &Known<'_>) -> Vec<Target> {
    let mut targets: Vec<Target> = subject
        .definition
        .integrations
        .iter()
        .filter(|of| of.integration.integration_type.starts_with("HTTP"))
        .flat_map(|of| {
            let integration = &*of.integration;
            let places = match integration.connection_type.as_deref() {
                Some("VPC_LINK") => {
                    let id = integration.connection_id.as_deref().unwrap_or_default();
                    (known.link_addresses)(id).unwrap_or_default()
                }
                _ => own_place(integration).into_iter().collect(),
            };
            let integration_id = integration.integration_id.clone();
            places.into_iter().map(move |(host, port)| Target { integration_id: integration_id.clone(), host, port })
        })
        .collect();
    targets.sort();
    targets.dedup();
    targets
}

fn own_place(integration: &Integration) -> Option<(String, u16)> {
    let uri = integration.integration_uri.as_deref().filter(|uri| !uri.contains("${"))?;
    let target = HttpTarget::parse(uri).ok()?;
    Some((target.host, target.port))
}

/// What the program found: nobody is there.
pub fn unreachable(target: &Target, api_id: &str, why: &str) -> Finding {
    let Target { integration_id, host, port } = target;
    let what = format!("Nobody takes connections at {host}:{port}: {why}.");
    let command = format!(
        "aws apigatewayv2 update-integration --api-id {api_id} --integration-id {integration_id} --integration-uri URL"
    );
    let mend = Mend::by("call another address, if the backend is not to be started at this one", &command);
    Finding::new("backend-unreachable", format!("integration {integration_id}"), what).mended(mend)
}
