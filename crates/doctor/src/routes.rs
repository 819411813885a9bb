//! Routes: which can be chosen, where they lead, what they ask for.

use std::collections::HashSet;

use mapping::{Mend, shell_word};
use types::resources::Route;

use crate::findings::Finding;
use crate::{Known, Subject};

pub(crate) fn look(subject: &Subject<'_>, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let definition = subject.definition;
    let api_id = &definition.api.api_id;
    if definition.routes.is_empty() {
        let mend = Mend::by(
            "have one",
            &format!(
                "aws apigatewayv2 create-route --api-id {api_id} --route-key '$default' --target integrations/INTEGRATION_ID"
            ),
        );
        findings.push(Finding::new("no-routes", format!("API {api_id}"), "The API has no route.").mended(mend));
        return;
    }
    let has = |key: &str| definition.routes.iter().any(|of| of.route.route_key == key);
    if !has("$default") && definition.routes.iter().any(|of| !of.route.route_key.starts_with('$')) {
        findings.push(
            Finding::new("no-default", format!("API {api_id}"), "There is no $default route.")
                .mended(create(api_id, "$default")),
        );
    }
    if has("$connect") && !has("$disconnect") {
        let what = "There is a $connect route, and no $disconnect route.";
        findings.push(
            Finding::new("disconnect-missing", format!("API {api_id}"), what).mended(create(api_id, "$disconnect")),
        );
    }
    let expression = &definition.api.route_selection_expression;
    for of in &definition.routes {
        let route = &*of.route;
        if !route.route_key.starts_with('$') && !can_give(expression, &route.route_key) {
            let what = format!("The route selection expression `{expression}` can never give `{}`.", route.route_key);
            let command = format!(
                "aws apigatewayv2 update-route --api-id {api_id} --route-id {} --route-key KEY",
                route.route_id
            );
            findings.push(
                Finding::new("route-never-chosen", place(route), what)
                    .mended(Mend::by("give it a key that can be chosen", &command)),
            );
        }
        target(subject, route, findings);
        api_key(subject, route, findings);
        models(subject, route, findings);
        parameters(subject, known, route, findings);
    }
    unused(subject, findings);
}

fn place(route: &Route) -> String {
    format!("route {}", route.route_key)
}

fn create(api_id: &str, key: &str) -> Mend {
    let command = format!(
        "aws apigatewayv2 create-route --api-id {api_id} --route-key {} --target integrations/INTEGRATION_ID",
        shell_word(key)
    );
    Mend::by("have one", &command)
}

/// Whether the expression can give that key: its texts have to stand in it, in order.
fn can_give(expression: &str, key: &str) -> bool {
    // Blanks around a key are never meant.
    if key.trim() != key {
        return false;
    }
    let mut texts = vec![String::new()];
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix('\\') {
            let c = escaped.chars().next();
            texts.last_mut().expect("there is one at least").extend(c);
            rest = &escaped[c.map_or(0, char::len_utf8)..];
        } else if let Some(reference) = rest.strip_prefix("${") {
            rest = reference.split_once('}').map_or("", |(_, rest)| rest);
            texts.push(String::new());
        } else if let Some(reference) = rest.strip_prefix('$') {
            let is_name = |c: char| c.is_alphanumeric() || "._-[]'\"".contains(c);
            rest = reference.trim_start_matches(is_name);
            texts.push(String::new());
        } else {
            texts.last_mut().expect("there is one at least").push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    let last = texts.pop().unwrap_or_default();
    if texts.is_empty() {
        return key == last;
    }
    let Some(mut key) = key.strip_prefix(texts[0].as_str()) else { return false };
    for text in &texts[1..] {
        let Some(at) = key.find(text.as_str()) else { return false };
        key = &key[at + text.len()..];
    }
    key.ends_with(&last)
}

fn target(subject: &Subject<'_>, route: &Route, findings: &mut Vec<Finding>) {
    let api_id = &subject.definition.api.api_id;
    let command = format!(
        "aws apigatewayv2 update-route --api-id {api_id} --route-id {} --target integrations/INTEGRATION_ID",
        route.route_id
    );
    let mend = || Mend::by("have it lead somewhere", &command);
    // The control plane lets none lead where nothing is.
    if route.target.as_deref().is_none_or(str::is_empty) {
        let found = Finding::new("route-does-nothing", place(route), "The route has no integration.");
        findings.push(found.mended(mend()));
    }
}

fn api_key(subject: &Subject<'_>, route: &Route, findings: &mut Vec<Finding>) {
    let definition = subject.definition;
    if route.route_key == "$connect" && route.api_key_required {
        for of in &subject.stages {
            let is_open = |plan: &types::account::UsagePlan| {
                let stages = plan.api_stages.iter();
                let mut stages = stages.filter(|stage| stage.api_id == definition.api.api_id);
                !plan.key_ids.is_empty() && stages.any(|stage| stage.stage == of.settings.stage_name)
            };
            if !subject.account.usage_plans.values().any(is_open) {
                let stage = &of.settings.stage_name;
                let what = format!("$connect asks for an API key, and no usage plan with a key has stage {stage}.");
                let command = format!(
                    "aws apigateway create-usage-plan --name PLAN --api-stages apiId={},stage={stage}",
                    definition.api.api_id
                );
                let mend =
                    Mend::by("open the stage, make a plan and put a key into it (create-usage-plan-key)", &command);
                findings.push(Finding::new("api-key-without-plan", format!("stage {stage}"), what).mended(mend));
            }
        }
    }
}

fn models(subject: &Subject<'_>, route: &Route, findings: &mut Vec<Finding>) {
    let names: HashSet<&str> = subject.definition.models.iter().map(|model| model.name.as_str()).collect();
    let api_id = &subject.definition.api.api_id;
    for name in route.request_models.values().filter(|name| !names.contains(name.as_str())) {
        let what = format!("The route asks for the model `{name}`, which is not there.");
        let command = format!(
            "aws apigatewayv2 create-model --api-id {api_id} --name {} --content-type application/json --schema file://schema.json",
            shell_word(name)
        );
        findings.push(Finding::new("model-missing", place(route), what).mended(Mend::by("have it", &command)));
    }
    let asks = route.model_selection_expression.as_deref().is_some_and(|expression| !expression.is_empty());
    if !route.request_models.is_empty() && !asks {
        let what = "The route names models, and has no model selection expression.";
        let command = format!(
            "aws apigatewayv2 update-route --api-id {api_id} --route-id {} --model-selection-expression '$request.body.action'",
            route.route_id
        );
        findings
            .push(Finding::new("model-not-asked", place(route), what).mended(Mend::by("have one chosen", &command)));
    }
}

// What a client has to send, and nobody reads.
fn parameters(subject: &Subject<'_>, known: &Known<'_>, route: &Route, findings: &mut Vec<Finding>) {
    let id = route.target.as_deref().and_then(|target| target.strip_prefix("integrations/"));
    let of = subject.definition.integrations.iter().find(|of| Some(of.integration.integration_id.as_str()) == id);
    let Some(of) = of else { return };
    let integration = &of.integration;
    // These are given the whole handshake.
    let sees_all = integration.integration_type.ends_with("_PROXY") && route.route_key == "$connect";
    for parameter in route.request_parameters.keys() {
        let name = parameter.rsplit('.').next().unwrap_or_default();
        let is_mapped = integration.request_parameters.values().any(|source| source == parameter);
        let is_named = integration.request_templates.values().any(|template| template.contains(name));
        let of_authorizer =
            subject.definition.authorizers.iter().any(|authorizer| authorizer.identity_source.contains(parameter));
        if !(sees_all || is_mapped || is_named || of_authorizer) {
            let what = format!("{parameter} is declared, and neither a mapping nor a template uses it.");
            let command = format!(
                "aws apigatewayv2 update-integration --api-id {} --integration-id {} --request-parameters {}",
                subject.definition.api.api_id,
                integration.integration_id,
                shell_word(&format!("integration.request.header.{name}={parameter}"))
            );
            findings
                .push(Finding::new("parameter-unused", place(route), what).mended(Mend::by("pass it on", &command)));
        }
    }
    let to_http = matches!(integration.integration_type.as_str(), "HTTP" | "HTTP_PROXY");
    let tells = |text: &String| text.contains("connectionId");
    let is_told =
        integration.request_parameters.values().any(tells) || integration.request_templates.values().any(tells);
    let is_last = route.route_key == "$disconnect";
    if to_http && !is_told && !known.dialect.extended && !is_last {
        let what = "The backend is not told the connection's id.";
        let command = format!(
            "aws apigatewayv2 update-integration --api-id {} --integration-id {} --request-parameters \
             integration.request.header.connectionId=context.connectionId",
            subject.definition.api.api_id, integration.integration_id
        );
        findings.push(Finding::new("connection-id-not-told", place(route), what).mended(Mend::by("tell it", &command)));
    }
    if route.route_key == "$connect"
        && integration.integration_type == "HTTP_PROXY"
        && !known.dialect.extended
        && !integration.request_parameters.keys().any(|target| target.ends_with("Sec-WebSocket-Version"))
    {
        let what = "The backend of $connect gets the client's Sec-WebSocket-* headers without an upgrade.";
        let command = format!(
            "aws apigatewayv2 update-integration --api-id {} --integration-id {} --request-parameters \
             \"integration.request.header.Sec-WebSocket-Version='0'\"",
            subject.definition.api.api_id, integration.integration_id
        );
        findings.push(
            Finding::new("proxy-sees-upgrade", place(route), what)
                .mended(Mend::by("hide them, where the backend minds", &command)),
        );
    }
}

fn unused(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let definition = subject.definition;
    let api_id = &definition.api.api_id;
    let targets: HashSet<&str> =
        definition.routes.iter().filter_map(|of| of.route.target.as_deref()?.strip_prefix("integrations/")).collect();
    for of in definition.integrations.iter().filter(|of| !targets.contains(of.integration.integration_id.as_str())) {
        let id = &of.integration.integration_id;
        let command = format!("aws apigatewayv2 delete-integration --api-id {api_id} --integration-id {id}");
        let found =
            Finding::new("integration-unused", format!("integration {id}"), "No route leads to the integration.");
        findings.push(found.mended(Mend::by("be rid of it", &command)));
    }
    let asked: HashSet<&str> = definition.routes.iter().filter_map(|of| of.route.authorizer_id.as_deref()).collect();
    for authorizer in definition.authorizers.iter().filter(|one| !asked.contains(one.authorizer_id.as_str())) {
        let (id, name) = (&authorizer.authorizer_id, &authorizer.name);
        let connect = definition.routes.iter().find(|of| of.route.route_key == "$connect");
        let route_id = connect.map_or("ROUTE_ID", |of| of.route.route_id.as_str());
        let command = format!(
            "aws apigatewayv2 update-route --api-id {api_id} --route-id {route_id} --authorization-type CUSTOM --authorizer-id {id}"
        );
        let found = Finding::new("authorizer-unused", format!("authorizer {name}"), "No route asks the authorizer.");
        findings.push(found.mended(Mend::by("have $connect ask it", &command)));
    }
}

#[cfg(test)]
mod tests {
    use super::can_give;

    #[test]
    fn an_expression_gives_what_its_texts_stand_in() {
        for (expression, key, gives) in [
            ("$request.body.action", "join", true),
            ("$request.body.action", " join", false),
            ("${request.body.service}/${request.body.action}", "chat/join", true),
            ("${request.body.service}/${request.body.action}", "join", false),
            ("v1-${request.body.action}", "v1-join", true),
            ("v1-${request.body.action}", "join", false),
            ("${request.body.action}\\$", "a$", true),
            ("fixed", "fixed", true),
            ("fixed", "join", false),
            ("$request.body['action']", "join", true),
            ("", "join", false),
        ] {
            assert_eq!(can_give(expression, key), gives, "{expression} {key}");
        }
    }
}
