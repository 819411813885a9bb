//! The WebSocket API of a service's events, with the ids that the framework gives.

use crate::digest::hash;
use crate::fault::Fault;
use crate::node::{Map, Node, Place, Value};

use super::events::{Authorizer, Event};
use super::function::Function;
use super::variables::Variables;
use super::{Service, names};

const API: &str = "WebsocketsApi";
const STAGE: &str = "WebsocketsDeploymentStage";
const LOG_GROUP: &str = "WebsocketsLogGroup";
const DESCRIPTION: &str = "Serverless Websockets";
const ROUTE_SELECTION: &str = "$request.body.action";
/// Where a caller's identity is looked for where an authorizer does not say it.
const IDENTITY_SOURCE: &str = "route.request.header.Auth";
/// The line of the access log where none is said.
const LOG_FORMAT: &str = "$context.identity.sourceIp $context.identity.caller $context.identity.user \
     [$context.requestTime] \"$context.eventType $context.routeKey $context.connectionId\" $context.requestId";

/// What the provider says of the API.
pub(super) struct Websocket<'a> {
    service: &'a Service,
    place: Place,
    name: Option<Node>,
    route_selection: Option<Node>,
    description: Node,
    logs: Option<Node>,
    tags: Option<Node>,
    /// An API that is there already.
    external: Option<Node>,
}

impl<'a> Websocket<'a> {
    pub(super) fn read(variables: &Variables, service: &'a Service, place: Place) -> Result<Websocket<'a>, Fault> {
        let of = |keys: &[&str]| {
            let keys: Vec<&str> = std::iter::once("provider").chain(keys.iter().copied()).collect();
            variables.whole(&keys)
        };
        let description = of(&["websocketsDescription"])?.unwrap_or_else(|| Node::text(DESCRIPTION, place));
        Ok(Websocket {
            service,
            place,
            name: of(&["websocketsApiName"])?.filter(|name| name.as_str().is_some()),
            route_selection: of(&["websocketsApiRouteSelectionExpression"])?,
            description,
            logs: of(&["logs", "websocket"])?.filter(|logs| logs.as_bool() != Some(false)),
            tags: of(&["tags"])?,
            external: of(&["apiGateway", "websocketApiId"])?,
        })
    }

    fn api_id(&self) -> Node {
        self.external.clone().unwrap_or_else(|| self.reference(API))
    }

    fn text(&self, text: &str) -> Node {
        Node::text(text, self.place)
    }

    fn reference(&self, id: &str) -> Node {
        Node::map([("Ref", self.text(id))], self.place)
    }

    fn joined(&self, separator: &str, parts: Vec<Node>) -> Node {
        let argument = Node::list([self.text(separator), Node::list(parts, self.place)], self.place);
        Node::map([("Fn::Join", argument)], self.place)
    }

    fn resource(&self, kind: &str, properties: Vec<(&str, Node)>, place: Place) -> Node {
        Node::map([("Type", Node::text(kind, place)), ("Properties", Node::map(properties, place))], place)
    }

    /// The API of the events, where there are any.
    pub(super) fn add(
        &self,
        events: &[Event],
        functions: &[Function],
        resources: &mut Map,
        outputs: &mut Map,
        faults: &mut Vec<Fault>,
    ) {
        if events.is_empty() {
            return;
        }
        let mut made = Map::new();
        if self.external.is_none() {
            made.insert(API.into(), self.api());
        }
        for event in events {
            made.insert(names::integration(&event.function), self.integration(event));
        }
        for event in events.iter().filter(|event| event.route_response.is_some()) {
            made.insert(format!("{}Response", names::route(&event.route)), self.route_response(event));
        }
        for event in events {
            let Some(authorizer) = &event.authorizer else { continue };
            if authorizer.arn.is_none() && !functions.iter().any(|function| function.name == authorizer.name) {
                let message = format!("there is no function {:?} to authorize with", authorizer.name);
                faults.push(Fault::new(message, format!("functions.{}.events", event.function), event.place));
            }
            made.insert(names::authorizer(&authorizer.name), self.authorizer(authorizer, event.place));
        }
        for event in events {
            let function = self.arn_of(&event.function);
            let depends = [self.external.is_none().then_some(API.to_owned()), Some(names::function(&event.function))];
            made.insert(names::permission(&event.function), self.permission(function, &depends, event.place));
            if let Some(authorizer) = &event.authorizer {
                let function = authorizer.arn.clone().unwrap_or_else(|| self.arn_of(&authorizer.name));
                let own = authorizer.arn.is_none().then(|| names::function(&authorizer.name));
                let depends = [self.external.is_none().then_some(API.to_owned()), own];
                made.insert(names::permission(&authorizer.name), self.permission(function, &depends, event.place));
            }
        }
        for event in events {
            let id = names::route(&event.route);
            if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let message =
                    format!("the framework would give this route the id {id:?}; ids have letters and digits only");
                faults.push(Fault::new(message, format!("functions.{}.events", event.function), event.place));
            }
            made.insert(id, self.route(event));
        }
        if self.external.is_none() {
            self.stage(&mut made, faults);
        }
        let part = Node { value: Value::Map(made.clone()), place: self.place };
        let deployment = format!("WebsocketsDeployment{}", hash(&part));
        made.insert(deployment.clone(), self.deployment(events));
        if let Some(Value::Map(stage)) = made.get_mut(STAGE).map(|stage| &mut stage.value)
            && let Some(Value::Map(properties)) = stage.get_mut("Properties").map(|properties| &mut properties.value)
        {
            properties.insert("DeploymentId".into(), self.reference(&deployment));
        }
        resources.extend(made);
        outputs.insert("ServiceEndpointWebsocket".into(), self.output());
    }

    fn api(&self) -> Node {
        let Service { name, stage, .. } = self.service;
        let mut properties = vec![
            ("Name", self.name.clone().unwrap_or_else(|| self.text(&format!("{stage}-{name}-websockets")))),
            ("RouteSelectionExpression", self.route_selection.clone().unwrap_or_else(|| self.text(ROUTE_SELECTION))),
            ("Description", self.description.clone()),
            ("ProtocolType", self.text("WEBSOCKET")),
        ];
        properties.extend(self.tags.clone().map(|tags| ("Tags", tags)));
        self.resource("AWS::ApiGatewayV2::Api", properties, self.place)
    }

    fn arn_of(&self, function: &str) -> Node {
        let parts = [self.text(&names::function(function)), self.text("Arn")];
        Node::map([("Fn::GetAtt", Node::list(parts, self.place))], self.place)
    }

    fn invocation(&self, arn: Node) -> Node {
        self.joined(
            "",
            vec![
                self.text("arn:"),
                self.reference("AWS::Partition"),
                self.text(":apigateway:"),
                self.reference("AWS::Region"),
                self.text(":lambda:path/2015-03-31/functions/"),
                arn,
                self.text("/invocations"),
            ],
        )
    }

    fn integration(&self, event: &Event) -> Node {
        let properties = vec![
            ("ApiId", self.api_id()),
            ("IntegrationType", self.text("AWS_PROXY")),
            ("IntegrationUri", self.invocation(self.arn_of(&event.function))),
        ];
        self.resource("AWS::ApiGatewayV2::Integration", properties, event.place)
    }

    fn route_response(&self, event: &Event) -> Node {
        let properties = vec![
            ("ApiId", self.api_id()),
            ("RouteId", self.reference(&names::route(&event.route))),
            ("RouteResponseKey", self.text("$default")),
        ];
        self.resource("AWS::ApiGatewayV2::RouteResponse", properties, event.place)
    }

    fn authorizer(&self, authorizer: &Authorizer, place: Place) -> Node {
        let function = authorizer.arn.clone().unwrap_or_else(|| self.arn_of(&authorizer.name));
        let source = || Node::list([self.text(IDENTITY_SOURCE)], self.place);
        let properties = vec![
            ("ApiId", self.api_id()),
            ("Name", self.text(&authorizer.name)),
            ("AuthorizerType", self.text("REQUEST")),
            ("AuthorizerUri", self.invocation(function)),
            ("IdentitySource", authorizer.identity_source.clone().unwrap_or_else(source)),
        ];
        self.resource("AWS::ApiGatewayV2::Authorizer", properties, place)
    }

    fn permission(&self, function: Node, depends: &[Option<String>], place: Place) -> Node {
        let properties = vec![
            ("FunctionName", function),
            ("Action", self.text("lambda:InvokeFunction")),
            ("Principal", self.text("apigateway.amazonaws.com")),
        ];
        let mut permission = self.resource("AWS::Lambda::Permission", properties, place);
        if let Value::Map(map) = &mut permission.value {
            let depends = depends.iter().flatten().map(|id| self.text(id));
            map.insert("DependsOn".into(), Node::list(depends, place));
        }
        permission
    }

    fn route(&self, event: &Event) -> Node {
        let kind = if event.authorizer.is_some() { "CUSTOM" } else { "NONE" };
        let target = vec![self.text("integrations"), self.reference(&names::integration(&event.function))];
        let mut properties = vec![
            ("ApiId", self.api_id()),
            ("RouteKey", self.text(&event.route)),
            ("AuthorizationType", self.text(kind)),
            ("Target", self.joined("/", target)),
        ];
        properties.extend(event.route_response.clone().map(|response| ("RouteResponseSelectionExpression", response)));
        if let Some(authorizer) = &event.authorizer {
            properties.push(("AuthorizerId", self.reference(&names::authorizer(&authorizer.name))));
        }
        self.resource("AWS::ApiGatewayV2::Route", properties, event.place)
    }

    fn stage(&self, made: &mut Map, faults: &mut Vec<Fault>) {
        let mut properties = vec![
            ("ApiId", self.api_id()),
            ("StageName", self.text(&self.service.stage)),
            ("Description", self.description.clone()),
        ];
        if let Some(logs) = &self.logs {
            let is_on = |name: &str| logs.get(name).and_then(Node::as_bool).unwrap_or(true);
            let level = match logs.get("level").and_then(Node::as_str) {
                _ if !is_on("executionLogging") => "OFF",
                None => "INFO",
                Some(level @ ("INFO" | "ERROR")) => level,
                Some(level) => {
                    let message = format!("the level of a log is INFO or ERROR, not {level:?}");
                    faults.push(Fault::new(message, "provider.logs.websocket.level", logs.place));
                    level
                }
            };
            let trace = Node { value: Value::Plain(is_on("fullExecutionData").to_string()), place: logs.place };
            let settings = [("DataTraceEnabled", trace), ("LoggingLevel", Node::text(level, logs.place))];
            properties.push(("DefaultRouteSettings", Node::map(settings, logs.place)));
            if is_on("accessLogging") {
                let arn = format!(
                    "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{LOG_GROUP}}}"
                );
                let destination = Node::map([("Fn::Sub", Node::text(arn, logs.place))], logs.place);
                let format = logs.get("format").cloned().unwrap_or_else(|| self.text(LOG_FORMAT));
                let settings = [("DestinationArn", destination), ("Format", format)];
                properties.push(("AccessLogSettings", Node::map(settings, logs.place)));
            }
            let Service { name, stage, .. } = self.service;
            let group = vec![("LogGroupName", self.text(&format!("/aws/websocket/{name}-{stage}")))];
            made.insert(LOG_GROUP.into(), self.resource("AWS::Logs::LogGroup", group, logs.place));
        }
        made.insert(STAGE.into(), self.resource("AWS::ApiGatewayV2::Stage", properties, self.place));
    }

    fn deployment(&self, events: &[Event]) -> Node {
        let mut properties = vec![("ApiId", self.api_id()), ("Description", self.description.clone())];
        if self.external.is_some() {
            properties.push(("StageName", self.text(&self.service.stage)));
        }
        let mut deployment = self.resource("AWS::ApiGatewayV2::Deployment", properties, self.place);
        let mut depends = Vec::new();
        for event in events {
            let route = names::route(&event.route);
            depends.extend(event.route_response.as_ref().map(|_| self.text(&format!("{route}Response"))));
            depends.push(self.text(&route));
        }
        if let Value::Map(map) = &mut deployment.value {
            map.insert("DependsOn".into(), Node::list(depends, self.place));
        }
        deployment
    }

    fn output(&self) -> Node {
        let Service { name, stage, .. } = self.service;
        let url = self.joined(
            "",
            vec![
                self.text("wss://"),
                self.api_id(),
                self.text(".execute-api."),
                self.reference("AWS::Region"),
                self.text("."),
                self.reference("AWS::URLSuffix"),
                self.text(&format!("/{stage}")),
            ],
        );
        let export =
            Node::map([("Name", self.text(&format!("sls-{name}-{stage}-ServiceEndpointWebsocket")))], self.place);
        let members = [("Description", self.text("URL of the service endpoint")), ("Value", url), ("Export", export)];
        Node::map(members, self.place)
    }
}
