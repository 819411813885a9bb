//! Compiles a stage into its plan.
//!
//! Compiling keeps going over mistakes: a route that cannot work fails by itself, the others run, and each mistake
//! becomes a [`Note`], so that one deployment shows them all.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use types::Dialect;
use types::account::Throttle;
use types::limits::Limits;
use types::message::Way;
use types::resources::{LoggingLevel, Map, RouteSettings, Stage};
use types::snapshot::{DeployedStage, IntegrationDefinition, RouteDefinition};

use super::{
    ApiKeySource, Backend, Integration, Logging, Passthrough, Plan, Required, Response, ResponseKey, Route,
    RouteTarget, Routes, carries_body,
};
use crate::access_log::AccessLog;
use crate::aws_uri::AwsUri;
use crate::expression::Expression;
use crate::named::{self, Unknown};
use crate::note::{Half, Note, Site};
use crate::parameters::{Parameter, Target};
use crate::response;
use crate::shared::Shared;
use crate::template::Templates;
use crate::uri::{UriTemplate, with_variables};
use crate::validation::{self, Models, Validation};

impl Plan {
    /// Compiles a stage. The notes name every resource that cannot work or will surprise. What other plans have already is
    /// taken from `shared`.
    pub fn compile(stage: &DeployedStage, limits: &Limits, dialect: Dialect, shared: &mut Shared) -> (Plan, Vec<Note>) {
        let api = &stage.definition.api;
        let models = validation::compile(&api.api_id, &stage.definition.models);
        let site = Site { key: Arc::new(stage.key.clone()), deploys_itself: stage.settings.auto_deploy };
        let mut compiler = Compiler { stage, limits, dialect, models, shared, site: site.clone(), notes: Vec::new() };
        let selection = Expression::parse(&api.route_selection_expression);
        match &selection {
            Err(detail) => compiler.broken("the route selection expression", detail),
            Ok(selection) if selection.gives_nothing() => {
                let (expression, site) = (api.route_selection_expression.clone(), compiler.site.clone());
                compiler.remark(Note::SelectionGivesNothing { expression, site });
            }
            Ok(_) => {}
        }
        let routes = stage.definition.routes.iter().map(|route| (route.route.route_key.clone(), compiler.route(route)));
        let mut routes: Routes = routes.collect();
        let detailed_routes = number_detailed(&mut routes, &stage.settings);
        let access_log = stage.settings.access_log_settings.as_ref();
        let access_log = access_log.and_then(|settings| AccessLog::compile(settings, &mut compiler.notes));
        let default_logging = logging(None, &stage.settings.default_route_settings);
        let plan = Plan {
            key: site.key.clone(),
            site,
            default_endpoint: !api.disable_execute_api_endpoint,
            default_logging,
            connect_throttle: throttle(None, &stage.settings.default_route_settings),
            logs: default_logging.level > LoggingLevel::Off
                || routes.values().any(|route| route.logging.level > LoggingLevel::Off),
            api_key_source: match api.api_key_selection_expression.as_deref() {
                Some("$context.authorizer.usageIdentifierKey") => ApiKeySource::Authorizer,
                _ => ApiKeySource::Header,
            },
            access_log,
            deployment_id: stage.settings.deployment_id.as_deref().map(Arc::from),
            detailed_routes,
            extended: dialect.extended,
            tracing: dialect.tracing,
            selection,
            selection_text: api.route_selection_expression.clone(),
            variables: stage.settings.stage_variables.clone(),
            routes,
        };
        (plan, compiler.notes)
    }
}

// Numbers the routes whose own settings, or else the stage's, ask for detailed metrics.
fn number_detailed(routes: &mut Routes, settings: &Stage) -> Vec<Arc<str>> {
    let by_default = settings.default_route_settings.detailed_metrics_enabled.unwrap_or_default();
    let mut keys = Vec::new();
    for (key, route) in routes {
        let own = settings.route_settings.get(key).and_then(|own| own.detailed_metrics_enabled);
        if own.unwrap_or(by_default) {
            route.detailed = Some(keys.len());
            keys.push(route.key.clone());
        }
    }
    keys
}

fn logging(own: Option<&RouteSettings>, default: &RouteSettings) -> Logging {
    Logging {
        level: own.and_then(|own| own.logging_level).or(default.logging_level).unwrap_or_default(),
        data_trace: own.and_then(|own| own.data_trace_enabled).or(default.data_trace_enabled).unwrap_or_default(),
    }
}

/// The route's own numbers, each alone, before the stage's. A rate without a burst may be used up at once in a second
/// (inferred); a burst without a rate bounds nothing.
fn throttle(own: Option<&RouteSettings>, default: &RouteSettings) -> Option<Throttle> {
    let rate = own.and_then(|own| own.throttling_rate_limit).or(default.throttling_rate_limit);
    let burst = own.and_then(|own| own.throttling_burst_limit).or(default.throttling_burst_limit);
    match (rate, burst) {
        (Some(rate), burst) => {
            let burst = burst.unwrap_or(rate.ceil().clamp(0.0, f64::from(u32::MAX)) as u32);
            Some(Throttle { burst_limit: burst, rate_limit: rate })
        }
        (None, Some(0)) => Some(Throttle { burst_limit: 0, rate_limit: 0.0 }),
        (None, _) => None,
    }
}

pub(super) struct Compiler<'a> {
    pub(super) stage: &'a DeployedStage,
    pub(super) limits: &'a Limits,
    dialect: Dialect,
    models: Models<'a>,
    shared: &'a mut Shared,
    site: Site,
    pub(super) notes: Vec<Note>,
}

impl Compiler<'_> {
    fn broken(&mut self, what: &str, detail: &str) {
        self.notes.push(Note::Broken { what: what.to_owned(), detail: detail.to_owned() });
    }

    fn route(&mut self, definition: &RouteDefinition) -> Route {
        let route = &definition.route;
        let key = route.route_key.clone();
        let expression = route.route_response_selection_expression.as_deref() == Some("$default");
        let response = definition.responses.iter().any(|response| response.route_response_key == "$default");
        // $connect uses the route response only for the body of a refusal; half of it surprises nobody there.
        if expression != response && !matches!(key.as_str(), "$connect" | "$disconnect") {
            let missing = if expression { Half::Response } else { Half::Expression };
            let (route_id, site) = (route.route_id.clone(), self.site.clone());
            self.notes.push(Note::HalfTwoWay { route_key: key.clone(), missing, route_id, site });
        }
        let mut target = self.target(route.target.as_deref(), &key);
        let validation =
            Validation::compile(route, &mut self.models, &mut self.shared.models).unwrap_or_else(|detail| {
                self.broken(&format!("route {key}"), &detail);
                // Letting messages pass unchecked would surprise more than refusing them.
                target = RouteTarget::Broken(detail);
                None
            });
        for (name, pattern) in validation.iter().flat_map(Validation::slow_patterns) {
            self.remark(Note::SlowPattern { what: format!("model `{name}`"), pattern: pattern.to_owned(), line: None });
        }
        let settings = &self.stage.settings;
        let throttle = throttle(settings.route_settings.get(&key), &settings.default_route_settings);
        if throttle.is_some_and(|throttle| throttle.burst_limit == 0 || throttle.rate_limit <= 0.0) {
            self.notes.push(Note::ThrottledToNothing {
                route_key: key.clone(),
                api_id: self.stage.key.api_id.clone(),
                stage: self.stage.key.stage.clone(),
            });
        }
        let required = route.request_parameters.iter().filter(|(_, constraints)| constraints.required);
        Route {
            two_way: expression || response,
            logging: logging(self.stage.settings.route_settings.get(&key), &self.stage.settings.default_route_settings),
            needs_api_key: route.api_key_required && key == "$connect",
            authorization: self.authorization(route),
            throttle,
            validation,
            detailed: None,
            required: required.filter_map(|(parameter, _)| required_parameter(parameter)).collect(),
            target,
            id: route.route_id.clone(),
            key: key.into(),
        }
    }

    fn target(&mut self, target: Option<&str>, route_key: &str) -> RouteTarget {
        let Some(target) = target.filter(|target| !target.is_empty()) else { return RouteTarget::None };
        let id = target.strip_prefix("integrations/").unwrap_or(target);
        let integrations = &self.stage.definition.integrations;
        let Some(definition) = integrations.iter().find(|i| i.integration.integration_id == id) else {
            let detail = format!("its target names the integration {id}, which does not exist");
            self.broken(&format!("route {route_key}"), &detail);
            return RouteTarget::Broken(detail);
        };
        match self.integration(definition, route_key) {
            Ok(integration) => RouteTarget::Integration(Box::new(integration)),
            Err(detail) => {
                self.broken(&format!("route {route_key} with integration {id}"), &detail);
                RouteTarget::Broken(detail)
            }
        }
    }

    fn integration(&mut self, definition: &IntegrationDefinition, route_key: &str) -> Result<Integration, String> {
        let integration = &definition.integration;
        let id = &integration.integration_id;
        let uri = || -> Result<UriTemplate, String> {
            let uri = integration.integration_uri.as_deref().unwrap_or_default();
            let uri = UriTemplate::compile(uri, &self.stage.settings.stage_variables);
            Ok(uri.map_err(|detail| format!("Invalid endpoint address: {detail}"))?.by(self.way(integration)?))
        };
        let backend = match integration.integration_type.as_str() {
            "HTTP" => Backend::Http(uri()?),
            "HTTP_PROXY" => Backend::HttpProxy(uri()?),
            "MOCK" => Backend::Mock,
            "AWS" | "AWS_PROXY" => self.aws(integration)?,
            other => return Err(format!("there are no integrations of type {other}")),
        };
        let is_proxy = backend.is_proxy();
        let method = match (&backend, integration.integration_method.as_deref()) {
            (Backend::Mock, _) => String::new(),
            // Observed on REST APIs: any other method fails.
            (Backend::Function(_) | Backend::FunctionProxy(_), method) => match method.unwrap_or("POST") {
                "POST" | "ANY" => "POST".to_owned(),
                other => return Err(format!("its method is {other}; functions are called with POST")),
            },
            // A message has no method that could be passed on. Ours; what AWS sends is not known.
            (_, Some("ANY")) => "POST".to_owned(),
            (_, Some(method)) if is_token(method) => method.to_ascii_uppercase(),
            (_, method) => return Err(format!("its method `{}` is no HTTP method", method.unwrap_or_default())),
        };
        // A proxy does not use its templates, so they cannot break it.
        let templates = match is_proxy {
            true => Templates::compile(None, &Map::new(), &mut self.shared.templates),
            false => Templates::compile(
                integration.template_selection_expression.as_deref(),
                &integration.request_templates,
                &mut self.shared.templates,
            ),
        };
        let templates = templates.map_err(|error| format!("request {error}"))?;
        let parameters =
            integration.request_parameters.iter().map(|(target, source)| Parameter::request(target, source));
        let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
        parameters.iter().for_each(|parameter| self.remark_on_source(parameter));
        self.check_parameters(&parameters, &backend)?;
        let responses = definition.responses.iter().map(|response| self.response(response));
        let responses = responses.collect::<Result<Vec<_>, _>>()?;
        if !is_proxy && responses.is_empty() {
            self.remark(Note::NoIntegrationResponses { integration_id: id.clone(), site: self.site.clone() });
        }
        if !matches!(backend, Backend::Mock)
            && !carries_body(&method)
            && !matches!(route_key, "$connect" | "$disconnect")
        {
            self.notes.push(Note::BodyWillBeDiscarded {
                method: method.clone(),
                route_key: route_key.to_owned(),
                integration_id: id.clone(),
                site: self.site.clone(),
            });
        }
        self.remark_on_handshake(route_key, integration, &parameters, &templates);
        let sends_messages = !matches!(backend, Backend::Mock) && !matches!(route_key, "$connect" | "$disconnect");
        if sends_messages && carries_body(&method) && !templates.is_empty() {
            let deaf = templates.parsed().filter(|(_, template)| !named::reads_input(template));
            for key in deaf.map(|(key, _)| key.to_owned()).collect::<Vec<_>>() {
                self.remark(Note::MessageUnread { key, integration_id: id.clone(), site: self.site.clone() });
            }
        }
        if is_proxy && !integration.request_templates.is_empty() {
            let kind = integration.integration_type.clone();
            self.remark(Note::TemplatesIgnored { kind, integration_id: id.clone(), site: self.site.clone() });
        }
        if matches!(backend, Backend::FunctionProxy(_)) && !parameters.is_empty() {
            self.remark(Note::ParametersIgnored { integration_id: id.clone(), site: self.site.clone() });
        }
        let mend = self.site.update_integration(id, " --request-templates file://templates.json");
        self.remark_on_names(&templates, |key| format!("request template `{key}` of integration {id}"), &mend);
        for (definition, response) in definition.responses.iter().zip(&responses) {
            let response_id = &definition.integration_response_id;
            let mend = self.site.update_response(id, response_id);
            let what = |key: &str| format!("response template `{key}` of integration {id}");
            self.remark_on_names(&response.templates, what, &mend);
        }
        let most = self.limits.integration_timeout;
        Ok(Integration {
            id: id.clone(),
            backend,
            method,
            timeout: integration.timeout_in_millis.map_or(most, Duration::from_millis).min(most),
            parameters,
            templates,
            extended: self.dialect.extended,
            passthrough: match integration.passthrough_behavior.as_deref() {
                Some("NEVER") => Passthrough::Never,
                Some("WHEN_NO_TEMPLATES") => Passthrough::WhenNoTemplates,
                _ => Passthrough::WhenNoMatch,
            },
            responses,
            to_binary: integration.content_handling_strategy.as_deref() == Some("CONVERT_TO_BINARY"),
        })
    }

    fn aws(&self, integration: &types::resources::Integration) -> Result<Backend, String> {
        let uri = integration.integration_uri.as_deref().unwrap_or_default();
        let uri = AwsUri::compile(uri, &self.stage.settings.stage_variables);
        let is_proxy = integration.integration_type == "AWS_PROXY";
        match uri.map_err(|detail| format!("Invalid endpoint address: {detail}"))? {
            AwsUri::Function(function) if is_proxy => Ok(Backend::FunctionProxy(Arc::new(function))),
            AwsUri::Function(function) => Ok(Backend::Function(Arc::new(function))),
            AwsUri::Service(_) if is_proxy => {
                Err("its type is AWS_PROXY, which calls functions only; services are called with the type AWS"
                    .to_owned())
            }
            AwsUri::Service(uri) => {
                let variables = &self.stage.settings.stage_variables;
                let role = integration.credentials_arn.as_deref().filter(|role| !role.is_empty());
                let role = role.map(|role| with_variables(role, variables)).transpose();
                let role = role.map_err(|detail| format!("its credentials: {detail}"))?;
                Ok(Backend::Service(Box::new(uri.signed_by(role))))
            }
        }
    }

    fn remark_on_source(&mut self, parameter: &Parameter) {
        if let Some(meant) = parameter.has_no_source() {
            let (target, source) = (parameter.target_text.clone(), parameter.source_text.clone());
            self.remark(Note::SourceGivesNothing { target, source, meant });
        }
    }

    // Several routes may share an integration, whose remarks are the same.
    fn remark(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn remark_on_names(&mut self, templates: &Templates, what: impl Fn(&str) -> String, mend: &str) {
        for (key, template) in templates.parsed() {
            for (pattern, line) in named::slow_patterns(template) {
                self.remark(Note::SlowPattern { what: what(key), pattern: pattern.to_owned(), line: Some(line) });
            }
            for Unknown { name, line, meant } in named::unknown(template, self.dialect.extended) {
                self.remark(Note::UnknownName { what: what(key), name, line, meant, mend: mend.to_owned() });
            }
        }
    }

    // What only $connect has is empty for a message. An integration that $connect shares has it there, on purpose.
    fn remark_on_handshake(
        &mut self,
        route_key: &str,
        integration: &types::resources::Integration,
        parameters: &[Parameter],
        templates: &Templates,
    ) {
        let target = format!("integrations/{}", integration.integration_id);
        let is_connect = |route: &&RouteDefinition| route.route.route_key == "$connect";
        let connect = self.stage.definition.routes.iter().find(is_connect);
        if route_key == "$connect" || connect.is_some_and(|connect| connect.route.target.as_ref() == Some(&target)) {
            return;
        }
        let mapped = parameters.iter().filter(|parameter| parameter.reads_handshake());
        let mapped = mapped.map(|parameter| parameter.source_text.clone());
        let named = templates.parsed().filter_map(|(_, template)| named::of_handshake(template));
        for source in mapped.chain(named).collect::<Vec<_>>() {
            self.remark(Note::OnlyAtConnect { route_key: route_key.to_owned(), source });
        }
    }

    fn way(&self, integration: &types::resources::Integration) -> Result<Option<Arc<Way>>, String> {
        let variables = &self.stage.settings.stage_variables;
        let link =
            integration.connection_id.as_deref().filter(|_| integration.connection_type.as_deref() == Some("VPC_LINK"));
        let link = link.map(|link| with_variables(link, variables)).transpose();
        let tls = integration.tls_config.as_ref();
        let way = Way {
            link: link.map_err(|detail| format!("its VPC link: {detail}"))?,
            server_name: tls.and_then(|tls| tls.server_name_to_verify.clone()).filter(|name| !name.is_empty()),
            client_certificate: self.stage.settings.client_certificate_id.clone().filter(|id| !id.is_empty()),
        };
        Ok((way != Way::default()).then(|| Arc::new(way)))
    }

    // The texts are what AWS logs on REST APIs (observed there).
    fn check_parameters(&mut self, parameters: &[Parameter], backend: &Backend) -> Result<(), String> {
        // A mock sends nothing, and the event of a function has no part of these.
        if matches!(backend, Backend::Mock | Backend::FunctionProxy(_)) {
            return Ok(());
        }
        for parameter in parameters {
            let has_parameter = |name: &str| match backend {
                Backend::Http(uri) | Backend::HttpProxy(uri) => uri.has_parameter(name),
                Backend::Service(uri) => uri.has_parameter(name),
                Backend::Mock | Backend::Function(_) | Backend::FunctionProxy(_) => false,
            };
            match &parameter.target {
                Target::Header(name) if backend.owns(name) => return Err(format!("{name} header already present")),
                Target::Header(name) if backend.drops(name) => {
                    self.notes.push(Note::HeaderNeverSent { name: name.clone() });
                }
                Target::Path(name) if !has_parameter(name) => {
                    let detail = format!("it maps {}, but the URI has no {{{name}}}", parameter.target_text);
                    self.notes.push(Note::Broken { what: "a path parameter".into(), detail });
                }
                Target::Header(_) | Target::Query(_) | Target::Path(_) => {}
            }
        }
        Ok(())
    }

    fn response(&mut self, response: &types::resources::IntegrationResponse) -> Result<Response, String> {
        let key = &response.integration_response_key;
        let compiled = match response::pattern(key) {
            // The whole status must match, as on REST APIs (inferred for WebSocket APIs).
            Some(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => ResponseKey::Pattern(pattern),
                // It fits no status, and the other responses still work.
                Err(_) => {
                    self.remark(Note::ResponseKeyFitsNothing { key: key.clone() });
                    ResponseKey::Nothing
                }
            },
            None if key == "$default" => ResponseKey::Default,
            None => return Err(format!("its response key `{key}` is neither $default nor a /regular expression/")),
        };
        let parameters = response.response_parameters.iter();
        let parameters: Vec<_> = parameters.map(|(target, source)| Parameter::response(target, source)).collect();
        let parameters = parameters.into_iter().collect::<Result<Vec<_>, _>>()?;
        parameters.iter().for_each(|parameter| self.remark_on_source(parameter));
        let templates = Templates::compile(
            response.template_selection_expression.as_deref(),
            &response.response_templates,
            &mut self.shared.templates,
        );
        let templates = templates.map_err(|error| format!("response {error}"))?;
        let to_text = response.content_handling_strategy.as_deref() == Some("CONVERT_TO_TEXT");
        Ok(Response { key: compiled, parameters, templates, to_text })
    }
}

fn is_token(method: &str) -> bool {
    !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        && method != "ANY"
}

fn required_parameter(parameter: &str) -> Option<Required> {
    let rest = parameter.strip_prefix("route.request.").or_else(|| parameter.strip_prefix("method.request."))?;
    let (kind, name) = rest.split_once('.')?;
    Some(Required { in_query: kind == "querystring", name: name.to_owned() })
}
