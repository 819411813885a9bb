//! A walk through AWS's API models: every operation, every member sent and read back, every answer held against its
//! shape, every documented error provoked.

mod errors;
mod members;
mod model;
mod v1;

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::gateway::Gateway;
use model::Model;

/// A control plane with one of everything, and the model that its answers are held against.
struct Walk {
    gateway: Gateway,
    model: Model,
    /// The operations that succeeded so far.
    succeeded: RefCell<BTreeSet<String>>,
}

impl Walk {
    fn new(model: Model) -> Walk {
        Walk { gateway: Gateway::new(), model, succeeded: RefCell::default() }
    }

    /// Makes a call; a success must have the status and the shape that the model says, a refusal an error's shape.
    ///
    /// `params` are the path's parameters in order, `query` what follows the path.
    #[track_caller]
    fn call(&self, operation: &str, params: &[&str], query: &str, body: Value) -> (u16, Value) {
        let path = self.model.path(operation, params) + query;
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.gateway.send(self.model.method(operation).parse().unwrap(), &path, &text);
        let status = response.status().as_u16();
        let answer = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        if status < 300 {
            assert_eq!(status, self.model.success(operation), "{operation} {path}");
            self.model.check_output(operation, &answer);
            self.succeeded.borrow_mut().insert(operation.to_owned());
        } else {
            let name = response.headers()["x-amzn-errortype"].to_str().unwrap();
            assert!(answer["message"].is_string(), "{operation}: {name} without a message");
            return (status, json!(name));
        }
        (status, answer)
    }

    /// A call that must succeed; its answer.
    #[track_caller]
    fn ok(&self, operation: &str, params: &[&str], body: Value) -> Value {
        let (status, answer) = self.call(operation, params, "", body.clone());
        assert!(status < 300, "{operation} {params:?} {body}: {status} {answer}");
        answer
    }

    /// Every operation of these that did not succeed once.
    fn missed(&self, wanted: impl Iterator<Item = String>) -> Vec<String> {
        let succeeded = self.succeeded.borrow();
        wanted.filter(|operation| !succeeded.contains(operation)).collect()
    }
}

/// One of everything that v2 has, by the name of its kind: the parameters of its path.
struct Stand {
    api: String,
    authorizer: String,
    certificate: String,
    deployment: String,
    domain: String,
    integration: String,
    integration_response: String,
    mapping: String,
    model: String,
    route: String,
    route_response: String,
    vpc_link: String,
}

const STAGE: &str = "dev";

/// `$connect` is left free: what asks for authorization can only be there.
const ROUTE_KEY: &str = "$disconnect";

impl Stand {
    fn new(walk: &Walk) -> Stand {
        let made = |operation: &str, params: &[&str], body: Value, id: &str| {
            walk.ok(operation, params, body)[id].as_str().unwrap().to_owned()
        };
        let api = json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "a"});
        let api = made("CreateApi", &[], api, "apiId");
        let a = api.as_str();
        let integration = made("CreateIntegration", &[a], json!({"integrationType": "MOCK"}), "integrationId");
        let response = json!({"integrationResponseKey": "$default"});
        let authorizer = json!({"authorizerType": "REQUEST", "authorizerUri": URI, "identitySource": [], "name": "n"});
        let route = json!({
            "routeKey": ROUTE_KEY, "requestParameters": {"route.request.header.h": {"required": true}},
        });
        let route = made("CreateRoute", &[a], route, "routeId");
        let domain = "a.example.com".to_owned();
        walk.ok("CreateDomainName", &[], json!({"domainName": domain, "domainNameConfigurations": [{}]}));
        let deployment = made("CreateDeployment", &[a], json!({}), "deploymentId");
        let stage = json!({"stageName": STAGE, "routeSettings": {ROUTE_KEY: {"loggingLevel": "INFO"}}});
        walk.ok("CreateStage", &[a], stage);
        let certificate = walk.gateway.ok("POST", "/clientcertificates", json!({}));
        let mapping = json!({"apiId": a, "stage": STAGE});
        Stand {
            integration_response: made(
                "CreateIntegrationResponse",
                &[a, &integration],
                response,
                "integrationResponseId",
            ),
            route_response: made(
                "CreateRouteResponse",
                &[a, &route],
                json!({"routeResponseKey": "$default"}),
                "routeResponseId",
            ),
            model: made("CreateModel", &[a], json!({"name": "M", "schema": "{}"}), "modelId"),
            authorizer: made("CreateAuthorizer", &[a], authorizer, "authorizerId"),
            mapping: made("CreateApiMapping", &[&domain], mapping, "apiMappingId"),
            vpc_link: made("CreateVpcLink", &[], json!({"name": "n", "subnetIds": ["s"]}), "vpcLinkId"),
            certificate: certificate["clientCertificateId"].as_str().unwrap().to_owned(),
            api,
            deployment,
            domain,
            integration,
            route,
        }
    }

    /// The values of an operation's path parameters.
    fn params(&self, walk: &Walk, operation: &str) -> Vec<String> {
        let value = |name: &str| match name {
            "apiId" => self.api.clone(),
            "apiMappingId" => self.mapping.clone(),
            "authorizerId" => self.authorizer.clone(),
            "deploymentId" => self.deployment.clone(),
            "domainName" => self.domain.clone(),
            "integrationId" => self.integration.clone(),
            "integrationResponseId" => self.integration_response.clone(),
            "modelId" => self.model.clone(),
            "requestParameterKey" => "route.request.header.h".into(),
            "resource-arn" => format!("arn:aws:apigateway:us-east-1::/apis/{}", self.api),
            "routeId" => self.route.clone(),
            "routeKey" => ROUTE_KEY.into(),
            "routeResponseId" => self.route_response.clone(),
            "specification" => "OAS30".into(),
            "stageName" => STAGE.into(),
            "vpcLinkId" => self.vpc_link.clone(),
            other => panic!("{operation} has a parameter {other}"),
        };
        walk.model.params(operation).iter().map(|name| value(name)).collect()
    }
}

const URI: &str =
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations";

#[test]
fn every_operation_of_v2_succeeds_and_answers_in_its_shape() {
    let walk = Walk::new(Model::v2());
    let stand = Stand::new(&walk);
    let order = |operation: &String| match operation.as_str() {
        // What others hang on goes last; a mapping holds its stage, a stage its deployment, a route its target.
        "DeleteApi" => 9,
        "DeleteDomainName" => 8,
        "DeleteApiMapping" => 3,
        "DeleteStage" => 5,
        "DeleteDeployment" => 6,
        "DeleteRoute" => 6,
        "DeleteIntegration" => 6,
        name if name.starts_with("Delete") => 2,
        name if name.starts_with("Create") => 0,
        _ => 1,
    };
    let mut operations = walk.model.in_scope();
    assert_eq!(operations.len(), 72);
    operations.sort_by_key(order);
    for operation in operations.iter().filter(|operation| !operation.starts_with("Create")) {
        let params = stand.params(&walk, operation);
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        let body = match operation.as_str() {
            "TagResource" => json!({"tags": {"a": "b"}}),
            "UpdateApiMapping" => json!({"apiId": stand.api}),
            _ if ["PATCH", "PUT"].contains(&walk.model.method(operation)) => json!({}),
            _ => Value::Null,
        };
        let query = if operation == "UntagResource" { "?tagKeys=a" } else { "" };
        let (status, answer) = walk.call(operation, &params, query, body);
        assert!(status < 300 || walk.model.is_http_only(operation), "{operation}: {status} {answer}");
    }
    let wanted = operations.into_iter().filter(|operation| !walk.model.is_http_only(operation));
    assert_eq!(walk.missed(wanted), Vec::<String>::new());
}
