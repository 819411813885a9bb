//! The properties of exported resources: what the documents say, with references in place of ids, and without what is so by
//! itself.

use serde_json::{Value as Json, json};

use super::Choice;
use super::documents::{Document, Documents, text};
use super::items::{Index, Item, Items};
use super::permissions;
use super::value::{Part, Value, is_empty};
use crate::kinds::Kind;

/// What a property is where nothing is said, so that nobody need say it. Source: CloudFormation's reference of each type, and
/// what API Gateway answers.
fn is_default(kind: &str, property: &str, value: &Json) -> bool {
    let default = match (kind.rsplit_once(':').map_or(kind, |(_, noun)| noun), property) {
        ("Api", "ApiKeySelectionExpression") => json!("$request.header.x-api-key"),
        ("Api", "DisableExecuteApiEndpoint") | ("Stage", "AutoDeploy") => json!(false),
        ("Api", "IpAddressType") => json!("ipv4"),
        ("Route", "ApiKeyRequired") => json!(false),
        ("Route", "AuthorizationType") => json!("NONE"),
        ("Integration", "ConnectionType") => json!("INTERNET"),
        ("Integration", "PassthroughBehavior") => json!("WHEN_NO_MATCH"),
        ("Integration", "PayloadFormatVersion") => json!("1.0"),
        ("Integration", "TimeoutInMillis") => json!(29_000),
        ("Stage", "DefaultRouteSettings") => {
            json!({"dataTraceEnabled": false, "detailedMetricsEnabled": false, "loggingLevel": "OFF"})
        }
        ("DomainName", "RoutingMode") => json!("API_MAPPING_ONLY"),
        _ => return false,
    };
    *value == default
}

/// What a person looks for first; the other properties follow in alphabetical order.
const FIRST: [&str; 21] = [
    "ApiId",
    "UsagePlanId",
    "DomainName",
    "Name",
    "UsagePlanName",
    "ProtocolType",
    "RouteKey",
    "RouteSelectionExpression",
    "RouteId",
    "IntegrationId",
    "IntegrationResponseKey",
    "RouteResponseKey",
    "StageName",
    "DeploymentId",
    "IntegrationType",
    "IntegrationMethod",
    "IntegrationUri",
    "ConnectionType",
    "ConnectionId",
    "AuthorizerType",
    "AuthorizerUri",
];

/// Gives all items their properties.
pub(super) fn fill(items: &mut Items, documents: &Documents, index: &Index, choice: &Choice) {
    for item in &mut items.list {
        let filling = Filling { documents, index, choice, path: item.path.split('/').collect() };
        let (properties, after, remarks) = filling.item(item);
        item.properties = properties;
        item.after.extend(after);
        item.remarks.extend(remarks);
    }
}

struct Filling<'f, 'd> {
    documents: &'f Documents<'d>,
    index: &'f Index,
    choice: &'f Choice<'f>,
    path: Vec<&'f str>,
}

type Filled = (Vec<(&'static str, Value)>, Vec<usize>, Vec<String>);

impl Filling<'_, '_> {
    fn item(&self, item: &Item) -> Filled {
        let (Some(kind), Some(document)) = (Kind::of(item.kind), item.document) else {
            return (self.permission(item), Vec::new(), Vec::new());
        };
        let mut properties: Vec<(&'static str, Value)> = Vec::new();
        for property in kind.properties {
            if let Some(value) = self.property(kind.name, property.name, document) {
                properties.push((property.name, value));
                continue;
            }
            let json = document.get(&property.wire()).filter(|json| !is_empty(json) || property.is_required);
            let is_left_out = match (kind.noun, property.name) {
                ("API key", "Value") => !self.choice.with_secrets,
                // What a stage that deploys by itself has, and what a deployment was made for, is no wish.
                ("API key", "StageKeys") | ("stage", "DeploymentId") | ("deployment", "StageName") => true,
                _ => false,
            };
            let json = json.filter(|json| !is_left_out && !is_default(kind.name, property.name, json));
            if let Some(value) = json.and_then(|json| Value::shaped(property.shape, json)) {
                properties.push((property.name, value));
            }
        }
        properties.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
        (properties, self.after(kind, document), self.remarks(kind, document))
    }

    /// A property in which something else is named, or which stands in the path.
    fn property(&self, kind: &str, property: &str, document: &Document) -> Option<Value> {
        let at = |path: String| self.index.get(&path).map(Value::reference);
        let first = |count: usize| at(self.path.get(..count)?.join("/"));
        let own = |collection: &str, member: &str| {
            at(format!("apis/{}/{collection}/{}", self.path.get(1)?, text(document, member)))
        };
        match property {
            "ApiId" if self.path[0] == "apis" => first(2),
            "ApiId" => at(format!("apis/{}", text(document, "apiId"))),
            "IntegrationId" | "RouteId" => first(4),
            "DomainName" if kind == "AWS::ApiGatewayV2::ApiMapping" => first(2),
            "UsagePlanId" => first(2),
            "KeyId" => at(format!("apikeys/{}", text(document, "id"))),
            "KeyType" => Some(Value::text("API_KEY")),
            "Stage" => at(format!("apis/{}/stages/{}", text(document, "apiId"), text(document, "stage"))),
            "Target" => {
                let id = text(document, "target").strip_prefix("integrations/")?;
                let index = self.index.get(&format!("apis/{}/integrations/{id}", self.path.get(1)?))?;
                Some(Value::Parts(vec![Part::Text("integrations/".to_owned()), Part::Reference(index)]))
            }
            "AuthorizerId" => own("authorizers", "authorizerId"),
            "ConnectionId" => self.link(text(document, "connectionId")),
            "DeploymentId" => own("deployments", "deploymentId"),
            "ClientCertificateId" => at(format!("clientcertificates/{}", text(document, "clientCertificateId"))),
            "StageVariables" => self.variables(document),
            "ApiStages" => self.api_stages(document),
            _ => None,
        }
    }

    fn link(&self, id: &str) -> Option<Value> {
        self.index.get(&format!("vpclinks/{id}")).map(Value::reference)
    }

    /// Stage variables, in which the ids of VPC links may stand.
    fn variables(&self, document: &Document) -> Option<Value> {
        let variables = document.get("stageVariables").and_then(Json::as_object).filter(|map| !map.is_empty())?;
        let value = |value: &Json| match value.as_str() {
            Some(text) => self.link(text).unwrap_or_else(|| Value::text(text)),
            None => Value::of_json(value),
        };
        Some(Value::Map(variables.iter().map(|(name, json)| (name.clone(), value(json))).collect()))
    }

    /// The stages of a usage plan, as far as they are written.
    fn api_stages(&self, document: &Document) -> Option<Value> {
        let kind = Kind::of("AWS::ApiGateway::UsagePlan")?;
        let stages = document.get("apiStages").and_then(Json::as_array)?;
        let written = stages.iter().filter_map(|stage| {
            let member = |name: &str| stage.get(name).and_then(Json::as_str).unwrap_or_default();
            let api = self.index.get(&format!("apis/{}", member("apiId")))?;
            let at = self.index.get(&format!("apis/{}/stages/{}", member("apiId"), member("stage")))?;
            let shaped = Value::shaped(kind.property("ApiStages")?.shape, &Json::Array(vec![stage.clone()]))?;
            let throttle = match &shaped {
                Value::List(items) => items.first()?.get("Throttle").cloned(),
                _ => None,
            };
            let mut members =
                vec![("ApiId".to_owned(), Value::reference(api)), ("Stage".to_owned(), Value::reference(at))];
            members.extend(throttle.map(|throttle| ("Throttle".to_owned(), throttle)));
            Some(Value::Map(members))
        });
        let written: Vec<Value> = written.collect();
        (!written.is_empty()).then_some(Value::List(written))
    }

    /// What must be there before it although it does not refer to it.
    fn after(&self, kind: &Kind, document: &Document) -> Vec<usize> {
        let api = self.path.get(..2).map(|path| path.join("/")).unwrap_or_default();
        let keys = |member: &str| document.get(member).and_then(Json::as_object).into_iter().flatten();
        match kind.noun {
            "route" | "route response" => {
                let models = self.documents.all(&format!("{api}/models"));
                let named = keys("requestModels").chain(keys("responseModels"));
                let found = named.filter_map(|(_, name)| {
                    let (id, _) = models.iter().find(|(_, model)| text(model, "name") == name)?;
                    self.index.get(&format!("{api}/models/{id}"))
                });
                let mut found: Vec<usize> = found.collect();
                found.sort_unstable();
                found.dedup();
                found
            }
            "stage" => {
                let levels = keys("routeSettings").map(|(_, settings)| settings);
                let mut levels = levels.chain(document.get("defaultRouteSettings"));
                let is_logging = document.contains_key("accessLogSettings")
                    || levels.any(|settings| settings.get("loggingLevel").is_some_and(|level| level != "OFF"));
                let mut after: Vec<usize> =
                    is_logging.then(|| self.index.get("account/settings")).flatten().into_iter().collect();
                if document.get("autoDeploy") == Some(&Json::Bool(true)) {
                    let routes = self.documents.all(&format!("{api}/routes"));
                    let named = keys("routeSettings").filter_map(|(key, _)| {
                        let (id, _) = routes.iter().find(|(_, route)| text(route, "routeKey") == key)?;
                        self.index.get(&format!("{api}/routes/{id}"))
                    });
                    after.extend(named);
                }
                after
            }
            _ => Vec::new(),
        }
    }

    fn remarks(&self, kind: &Kind, document: &Document) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match kind.noun {
            "API key" if !self.choice.with_secrets && document.contains_key("value") => {
                one("Its value is left out, and AWS makes one up; --with-secrets writes it.")
            }
            "client certificate" => one("AWS makes a new one, with another key: tell the backends that check it."),
            "deployment" => {
                one("Its name holds a digest of what it deploys: AWS deploys again where the name is another.")
            }
            _ => Vec::new(),
        }
    }

    /// A function that API Gateway may call, in the name of an API.
    fn permission(&self, item: &Item) -> Vec<(&'static str, Value)> {
        let function = self.path.get(3..).map(|rest| rest.join("/")).unwrap_or_default();
        debug_assert!(!permissions::name(&function).is_empty() && item.document.is_none());
        let mut properties = vec![
            ("Action", Value::text("lambda:InvokeFunction")),
            ("FunctionName", Value::text(function)),
            ("Principal", Value::text("apigateway.amazonaws.com")),
        ];
        if let Some(api) = self.path.get(..2).and_then(|path| self.index.get(&path.join("/"))) {
            // The star stands for slashes too: all stages and routes, and the authorizers.
            let source = vec![Part::ExecutionArn(api), Part::Text("/*".to_owned())];
            properties.push(("SourceArn", Value::Parts(source)));
        }
        properties
    }
}
