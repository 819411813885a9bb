//! `AWS::Serverless::WebSocketApi`: an API, per route a route, an integration and a permission, and a stage.
//!
//! Source: observed, of AWS's translator 1.115: the cases of `corpus/iac/sam`.

use crate::node::{Map, Node, Place, Value};
use crate::remark::Remark;

use super::checks::{Property, Takes, check, is_text, some, truthy};
use super::references::with_parameters;
use super::{Made, Subject, Work, domain, reference, resource, substituted};

/// The stage's name where none is said. (Not `$default`, as of HTTP APIs.)
const STAGE: &str = "default";
/// The tag that says who made it.
pub(super) const TAG: &str = "websocketapi:createdBy";
/// The routes that may have a sign in their key.
const SPECIAL: &[&str] = &["$connect", "$disconnect", "$default"];

const PROPERTIES: &[Property] = &[
    ("ApiKeySelectionExpression", Takes::Text, false),
    ("AccessLogSettings", Takes::Map, false),
    ("Auth", Takes::Map, false),
    ("DefaultRouteSettings", Takes::Map, false),
    ("Description", Takes::Text, false),
    ("DisableExecuteApiEndpoint", Takes::Boolean, false),
    ("Domain", Takes::Map, false),
    ("DisableSchemaValidation", Takes::Boolean, false),
    ("FailOnWarnings", Takes::Boolean, false),
    ("IpAddressType", Takes::Text, false),
    ("Name", Takes::Text, false),
    ("PropagateTags", Takes::Boolean, false),
    ("Routes", Takes::Map, true),
    ("RouteSettings", Takes::Map, false),
    ("RouteSelectionExpression", Takes::Text, true),
    ("StageName", Takes::Text, false),
    ("StageVariables", Takes::Map, false),
    ("Tags", Takes::Map, false),
];
/// What a route says that is said to the route that is made of it.
const OF_ROUTES: &[&str] = &["ApiKeyRequired", "ModelSelectionExpression", "OperationName", "RequestModels"];

/// The API that is being expanded.
struct Api<'a> {
    id: &'a str,
    place: Place,
    properties: &'a Map,
    /// `Auth`, where it says something.
    auth: Option<Map>,
    routes: Map,
    tags: Map,
    path: String,
}

/// What is made of one; nothing where something is wrong with it.
pub(super) fn expand(subject: &Subject, work: &mut Work) -> Vec<Made> {
    if !check(subject, PROPERTIES, work) {
        return Vec::new();
    }
    let before = work.faults.len();
    let member = |name: &str| some(&subject.properties, name).map(|node| with_parameters(node, work.known));
    let (auth, domain, routes) = (member("Auth"), member("Domain"), member("Routes"));
    let mut tags = subject.properties.get("Tags").and_then(Node::as_map).cloned().unwrap_or_default();
    tags.insert(TAG.into(), Node::text("SAM", subject.resource.place));
    let api = Api {
        id: subject.id,
        place: subject.resource.place,
        properties: &subject.properties,
        auth: auth.and_then(into_map).filter(|auth| !auth.is_empty()),
        routes: routes.and_then(into_map).unwrap_or_default(),
        tags,
        path: format!("Resources.{}.Properties", subject.id),
    };
    api.check(work);
    let mut made = vec![(api.id.to_owned(), api.itself(subject))];
    let mut route_ids = Vec::new();
    for (key, route) in &api.routes {
        let Some(name) = api.route_name(key, route, work) else { continue };
        route_ids.push(format!("{name}Route"));
        made.extend(api.route(key, route, &name));
    }
    if let Some(domain) = domain.as_ref() {
        made.extend(domain::expand(api.id, domain, work));
    }
    made.push(api.stage(&route_ids));
    made.extend(api.authorizer());
    if work.faults.len() > before {
        return Vec::new();
    }
    if subject.properties.get("PropagateTags").is_some_and(super::checks::is_truthy)
        && truthy(&subject.properties, "Tags").is_some()
    {
        made.iter_mut().for_each(|(_, made)| propagate(made, &api.tags));
    }
    api.remark(subject, &route_ids, work);
    work.made.insert(format!("{}.Stage", api.id), api.stage_id());
    if let Some((id, _)) = made.iter().rfind(|(_, made)| super::type_of(made) == Some(domain::TYPE)) {
        work.made.insert(format!("{}.DomainName", api.id), id.clone());
    }
    work.checked(subject, made)
}

impl Api<'_> {
    /// What is wrong with the API as a whole.
    fn check(&self, work: &mut Work) {
        let at =
            |name: &str| (format!("{}.{name}", self.path), self.properties.get(name).map_or(self.place, |n| n.place));
        if self.routes.is_empty() {
            let (path, place) = at("Routes");
            work.fault("a WebSocket API has at least one route", path, place);
        }
        if let Some(kind) = some(self.properties, "IpAddressType").filter(|kind| kind.as_function().is_none())
            && !matches!(kind.as_str(), Some("ipv4" | "dualstack"))
        {
            let (path, place) = at("IpAddressType");
            work.fault("this is ipv4 or dualstack", path, place);
        }
        if some(self.properties, "StageName").and_then(Node::as_str) == Some("$default") {
            let (path, place) = at("StageName");
            work.fault("a stage of a WebSocket API cannot have the name $default", path, place);
        }
        if let Some(auth) = &self.auth {
            let (path, place) = at("Auth");
            if !self.routes.contains_key("$connect") {
                work.fault("authorization needs a $connect route, which there is none", &path, place);
            }
            if let Some(message) = auth_fault(auth) {
                work.fault(message, &path, place);
            }
        }
    }

    fn itself(&self, subject: &Subject) -> Node {
        let mut properties = Map::new();
        for name in [
            "ApiKeySelectionExpression",
            "Description",
            "DisableExecuteApiEndpoint",
            "DisableSchemaValidation",
            "IpAddressType",
        ] {
            pass(&mut properties, self.properties, name, name);
        }
        let name = some(self.properties, "Name").cloned().unwrap_or_else(|| Node::text(self.id, self.place));
        properties.insert("Name".into(), name);
        properties.insert("ProtocolType".into(), Node::text("WEBSOCKET", self.place));
        pass(&mut properties, self.properties, "RouteSelectionExpression", "RouteSelectionExpression");
        properties.insert("Tags".into(), Node { value: Value::Map(self.tags.clone()), place: self.place });
        let mut api = resource("AWS::ApiGatewayV2::Api", properties, self.place);
        if let (Value::Map(map), Some(depends)) = (&mut api.value, subject.resource.get("DependsOn"))
            && super::checks::is_truthy(depends)
        {
            map.insert("DependsOn".into(), depends.clone());
        }
        api
    }

    /// What the ids of a route's parts begin with.
    fn route_name(&self, key: &str, route: &Node, work: &mut Work) -> Option<String> {
        let path = format!("{}.Routes.{key}", self.path);
        if !SPECIAL.contains(&key) && (key.is_empty() || !key.chars().all(char::is_alphanumeric)) {
            let message = "a route's key has letters and digits only here, besides $connect, $disconnect and $default";
            work.fault(message, path, route.place);
            return None;
        }
        let Some(spec) = route.as_map() else {
            work.fault(format!("a route is a map, not {}", route.kind()), path, route.place);
            return None;
        };
        if some(spec, "FunctionArn").is_none() {
            work.fault("a route needs the ARN of its function: FunctionArn", &path, route.place);
        }
        if truthy(spec, "RequestParameters").is_some() && key != "$connect" {
            work.fault("request parameters are for the $connect route only", &path, route.place);
        }
        let key = key.trim_start_matches('$');
        let mut chars = key.chars();
        // As Python's `capitalize`: what follows is lower case, so `sendMessage` is `Sendmessage`.
        let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        Some(format!("{}{first}{}", self.id, chars.as_str().to_lowercase()))
    }

    fn route(&self, key: &str, route: &Node, name: &str) -> Vec<Made> {
        let place = route.place;
        let Some(spec) = route.as_map() else { return Vec::new() };
        let function = spec.get("FunctionArn").cloned().unwrap_or_default();
        let integration_id = format!("{name}Integration");
        let api_id = reference(self.id, place);

        let mut properties = Map::new();
        properties.insert("ApiId".into(), api_id.clone());
        for name in OF_ROUTES {
            pass(&mut properties, spec, name, name);
        }
        if let Some(parameters) = truthy(spec, "RequestParameters") {
            properties.insert("RequestParameters".into(), parameters.clone());
        }
        if let (Some(auth), "$connect") = (&self.auth, key) {
            let kind = auth.get("AuthType").and_then(Node::as_str).unwrap_or_default();
            properties.insert("AuthorizationType".into(), Node::text(kind, place));
            if kind == "CUSTOM" {
                properties.insert("AuthorizerId".into(), reference(&self.authorizer_id(), place));
            }
        }
        properties.insert("RouteKey".into(), Node::text(key, place));
        pass(&mut properties, spec, "RouteResponseSelectionExpression", "RouteResponseSelectionExpression");
        let parts = Node::list([Node::text("integrations", place), reference(&integration_id, place)], place);
        let target = Node::map([("Fn::Join", Node::list([Node::text("/", place), parts], place))], place);
        properties.insert("Target".into(), target);
        let route = resource("AWS::ApiGatewayV2::Route", properties, place);

        let mut properties = Map::new();
        properties.insert("ApiId".into(), api_id);
        properties.insert("IntegrationType".into(), Node::text("AWS_PROXY", place));
        properties.insert("IntegrationUri".into(), invocation("FunctionArn", &function, place));
        pass(&mut properties, spec, "IntegrationTimeout", "TimeoutInMillis");
        let integration = resource("AWS::ApiGatewayV2::Integration", properties, place);

        let arn =
            format!("arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{}.ApiId}}", self.id);
        let source = match self.stage_name() {
            Stage::Text(stage) => substituted(format!("{arn}/{stage}/{key}"), Vec::new(), place),
            Stage::Function(stage) => {
                substituted(format!("{arn}/${{__StageName__}}/{key}"), vec![("__StageName__", stage.clone())], place)
            }
        };
        let permission = permission(&function, source, place);
        vec![(format!("{name}Route"), route), (integration_id, integration), (format!("{name}Permission"), permission)]
    }

    fn stage_name(&self) -> Stage<'_> {
        match some(self.properties, "StageName") {
            None => Stage::Text(STAGE),
            Some(name) if is_text(name) => Stage::Text(name.as_str().unwrap_or_default()),
            Some(function) => Stage::Function(function),
        }
    }

    fn stage_id(&self) -> String {
        match self.stage_name() {
            Stage::Text(STAGE) => format!("{}DefaultStage", self.id),
            Stage::Text(name) => format!("{}{name}Stage", self.id),
            Stage::Function(_) => format!("{}Stage", self.id),
        }
    }

    fn stage(&self, route_ids: &[String]) -> Made {
        let mut properties = Map::new();
        for name in ["AccessLogSettings", "DefaultRouteSettings", "RouteSettings"] {
            pass(&mut properties, self.properties, name, name);
        }
        properties.insert("ApiId".into(), reference(self.id, self.place));
        let name = match self.stage_name() {
            Stage::Text(name) => Node::text(name, self.place),
            Stage::Function(name) => name.clone(),
        };
        properties.insert("StageName".into(), name);
        properties.insert("Tags".into(), Node::map([(TAG, Node::text("SAM", self.place))], self.place));
        pass(&mut properties, self.properties, "StageVariables", "StageVariables");
        properties.insert("AutoDeploy".into(), Node { value: Value::Plain("true".into()), place: self.place });
        let mut stage = resource("AWS::ApiGatewayV2::Stage", properties, self.place);
        if let Value::Map(map) = &mut stage.value
            && truthy(self.properties, "RouteSettings").is_some()
        {
            let ids = route_ids.iter().map(|id| Node::text(id, self.place));
            map.insert("DependsOn".into(), Node::list(ids, self.place));
        }
        (self.stage_id(), stage)
    }

    fn authorizer_id(&self) -> String {
        format!("{}ConnectAuthorizer", self.id)
    }

    /// The authorizer of `AuthType: CUSTOM`, and the permission that it needs without a role.
    fn authorizer(&self) -> Vec<Made> {
        let Some(auth) =
            self.auth.as_ref().filter(|auth| auth.get("AuthType").and_then(Node::as_str) == Some("CUSTOM"))
        else {
            return Vec::new();
        };
        let function = auth.get("AuthArn").cloned().unwrap_or_default();
        let place = auth.values().next().map_or(self.place, |first| first.place);
        let mut properties = Map::new();
        properties.insert("ApiId".into(), reference(self.id, place));
        pass(&mut properties, auth, "InvokeRole", "AuthorizerCredentialsArn");
        properties.insert("AuthorizerType".into(), Node::text("REQUEST", place));
        properties.insert("AuthorizerUri".into(), invocation("AuthArn", &function, place));
        pass(&mut properties, auth, "IdentitySource", "IdentitySource");
        let name = truthy(auth, "Name").cloned().unwrap_or_else(|| Node::text(self.authorizer_id(), place));
        properties.insert("Name".into(), name);
        let mut made = vec![(self.authorizer_id(), resource("AWS::ApiGatewayV2::Authorizer", properties, place))];
        if truthy(auth, "InvokeRole").is_none() {
            let source = substituted(
                "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*",
                vec![("__ApiId__", reference(self.id, place))],
                place,
            );
            made.push((format!("{}AuthorizerPermission", self.id), permission(&function, source, place)));
        }
        made
    }

    /// What the translator does that its user may not expect.
    fn remark(&self, subject: &Subject, route_ids: &[String], work: &mut Work) {
        if let Some(condition) = subject.resource.get("Condition") {
            let message =
                "SAM does not hand the condition of a WebSocket API on to what it makes: it is made in any case";
            work.remarks.push(Remark::new(message, format!("Resources.{}.Condition", self.id), condition.place));
        }
        let mut seen = std::collections::HashSet::new();
        for (id, (key, route)) in route_ids.iter().zip(&self.routes) {
            if !seen.insert(id) {
                let message =
                    "SAM gives this route the id of another, whose place it takes: keys differ in more than case";
                work.remarks.push(Remark::new(message, format!("{}.Routes.{key}", self.path), route.place));
            }
        }
    }
}

/// A stage's name: known, or a function.
enum Stage<'a> {
    Text(&'a str),
    Function(&'a Node),
}

/// What is wrong with `Auth`.
fn auth_fault(auth: &Map) -> Option<String> {
    let Some(kind) = truthy(auth, "AuthType") else {
        return Some("AuthType is missing; the other settings mean nothing without it".into());
    };
    match kind.as_str() {
        Some("CUSTOM") if truthy(auth, "AuthArn").is_none() => {
            Some("AuthType CUSTOM needs the ARN of the authorizer's function: AuthArn".into())
        }
        Some(kind @ ("AWS_IAM" | "NONE")) if auth.len() > 1 => Some(format!("AuthType {kind} takes no other settings")),
        Some("CUSTOM" | "AWS_IAM" | "NONE") => None,
        _ => Some("AuthType is NONE, AWS_IAM or CUSTOM".into()),
    }
}

/// Hands a property on where it says something.
fn pass(to: &mut Map, from: &Map, name: &str, as_name: &str) {
    if let Some(value) = some(from, name) {
        to.insert(as_name.into(), value.clone());
    }
}

fn into_map(node: Node) -> Option<Map> {
    match node.value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

/// The URI by which API Gateway runs a function.
fn invocation(name: &str, function: &Node, place: Place) -> Node {
    let uri = format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{name}}}/invocations"
    );
    substituted(uri, vec![(name, function.clone())], place)
}

fn permission(function: &Node, source: Node, place: Place) -> Node {
    let properties = [
        ("Action", Node::text("lambda:InvokeFunction", place)),
        ("FunctionName", function.clone()),
        ("Principal", Node::text("apigateway.amazonaws.com", place)),
        ("SourceArn", source),
    ];
    let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    resource("AWS::Lambda::Permission", properties, place)
}

/// Gives the API's tags to what takes tags.
fn propagate(made: &mut Node, tags: &Map) {
    let place = made.place;
    let takes = matches!(super::type_of(made), Some("AWS::ApiGatewayV2::Stage" | domain::TYPE));
    if let (true, Value::Map(map)) = (takes, &mut made.value)
        && let Some(Value::Map(properties)) = map.get_mut("Properties").map(|node| &mut node.value)
    {
        properties.insert("Tags".into(), Node { value: Value::Map(tags.clone()), place });
    }
}
