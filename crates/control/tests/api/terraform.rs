//! Terraform's sequences, as its provider sends them: create and read, change each attribute and read, import.
//!
//! After each of them a plan must be empty: what is read is what was configured, and what was not configured has the
//! provider's default or is not there. Source: the provider's acceptance tests, in words
//! (docs/aws/control-plane.md 6 and 7).

use serde_json::{Value, json};

use crate::gateway::{Gateway, id};

/// One resource of a configuration.
struct Resource<'a> {
    gateway: &'a Gateway,
    path: String,
    /// Every attribute that the provider compares, as the configuration and its defaults have it; null: not there.
    state: Value,
}

impl<'a> Resource<'a> {
    /// What `apply` does first: create, then read. `defaults` are the attributes that the configuration leaves out.
    #[track_caller]
    fn create(gateway: &'a Gateway, collection: &str, id_member: &str, sent: Value, defaults: Value) -> Resource<'a> {
        let path = gateway.make(collection, sent.clone(), id_member);
        let mut state = defaults;
        for (attribute, value) in sent.as_object().unwrap() {
            state[attribute] = value.clone();
        }
        let resource = Resource { gateway, path, state };
        resource.plan_is_empty("create");
        resource
    }

    /// What `apply` does with a changed attribute: send it, then read; an emptied one is sent as `""`.
    #[track_caller]
    fn update(&mut self, sent: Value, expected: Value) {
        self.gateway.ok("PATCH", &self.path, sent.clone());
        for (attribute, value) in expected.as_object().unwrap() {
            self.state[attribute] = value.clone();
        }
        self.plan_is_empty(&sent.to_string());
    }

    /// Sends each member alone, and expects it to be read as it was sent; then sends what clears it.
    #[track_caller]
    fn set_and_clear(&mut self, members: &[(&str, Value)]) {
        for (member, value) in members {
            self.update(json!({*member: value}), json!({*member: value}));
            self.update(json!({*member: ""}), json!({*member: null}));
        }
    }

    #[track_caller]
    fn plan_is_empty(&self, after: &str) {
        let read = self.gateway.ok("GET", &self.path, Value::Null);
        for (attribute, expected) in self.state.as_object().unwrap() {
            let is = read.get(attribute).cloned().unwrap_or_default();
            assert_eq!(is, *expected, "{attribute} of {} after {after}", self.path);
        }
    }

    /// `import` knows the id alone: what it reads is the state, so that the next plan is empty, too.
    #[track_caller]
    fn import(&self) {
        self.plan_is_empty("import");
    }

    /// `destroy`; a second one finds nothing, which the provider takes for success.
    #[track_caller]
    fn destroy(self) {
        let (status, _) = self.gateway.call("DELETE", &self.path, Value::Null);
        assert!(status < 300, "{}: {status}", self.path);
        assert_eq!(self.gateway.call("DELETE", &self.path, Value::Null).0, 404, "{}", self.path);
    }
}

fn api(gateway: &Gateway) -> Resource<'_> {
    let sent = json!({
        "name": "orders", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.op",
        "apiKeySelectionExpression": "$request.header.x-api-key", "disableExecuteApiEndpoint": false,
        "tags": {"team": "orders"},
    });
    let defaults = json!({
        "corsConfiguration": null, "description": null, "version": null, "target": null, "routeKey": null,
        "ipAddressType": "ipv4",
    });
    Resource::create(gateway, "/v2/apis", "apiId", sent, defaults)
}

#[test]
fn api_attributes() {
    let gateway = Gateway::new();
    let mut api = api(&gateway);
    api.set_and_clear(&[("description", json!("d")), ("version", json!("v1"))]);
    for (member, value) in [
        ("name", json!("renamed")),
        ("disableExecuteApiEndpoint", json!(true)),
        ("apiKeySelectionExpression", json!("$context.authorizer.usageIdentifierKey")),
        ("routeSelectionExpression", json!("$request.body.action")),
        ("ipAddressType", json!("dualstack")),
    ] {
        api.update(json!({member: value}), json!({member: value}));
    }
    let arn = format!("/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F{}", id(&api.path));
    gateway.ok("DELETE", &format!("{arn}?tagKeys=team"), Value::Null);
    gateway.ok("POST", &arn, json!({"tags": {"owner": "me"}}));
    api.state["tags"] = json!({"owner": "me"});
    api.plan_is_empty("tags");
    api.import();
    api.destroy();
}

fn integration<'a>(gateway: &'a Gateway, api: &str, link: &str) -> Resource<'a> {
    let sent = json!({
        "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": "http://www.example.net",
        "connectionType": "VPC_LINK", "connectionId": link, "passthroughBehavior": "WHEN_NO_MATCH",
        "payloadFormatVersion": "1.0", "timeoutInMillis": 8000, "description": "d",
        "requestParameters": {"integration.request.header.a": "context.connectionId"},
    });
    let defaults = json!({
        "contentHandlingStrategy": null, "credentialsArn": null, "integrationSubtype": null, "requestTemplates": null,
        "responseParameters": null, "templateSelectionExpression": null, "tlsConfig": null,
        "integrationResponseSelectionExpression": null,
    });
    Resource::create(gateway, &format!("{api}/integrations"), "integrationId", sent, defaults)
}

#[test]
fn integration_attributes() {
    let gateway = Gateway::new();
    let api = api(&gateway);
    let target = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/orders/0";
    let (_, link) = gateway.call("POST", "/vpclinks", json!({"name": "orders", "targetArns": [target]}));
    let link = format!("/vpclinks/{}", link["id"].as_str().unwrap());
    assert_eq!(gateway.ok("GET", &link, Value::Null)["status"], "AVAILABLE", "the provider polls for this");
    let mut integration = integration(&gateway, &api.path, id(&link));
    integration.set_and_clear(&[
        ("contentHandlingStrategy", json!("CONVERT_TO_TEXT")),
        ("credentialsArn", json!("arn:aws:iam::1:role/r")),
        ("description", json!("e")),
        ("templateSelectionExpression", json!("$request.body.t")),
    ]);
    // The provider repeats the type in each update, and empties maps key by key.
    let kind = json!("HTTP_PROXY");
    let first = json!({"integration.request.header.a": "", "integration.request.header.b": "'v'"});
    integration.update(
        json!({"integrationType": kind, "requestParameters": first}),
        json!({"requestParameters": {"integration.request.header.b": "'v'"}}),
    );
    let last = json!({"integration.request.header.b": ""});
    integration.update(json!({"integrationType": kind, "requestParameters": last}), json!({"requestParameters": null}));
    let templates = json!({"application/json": "", "$default": "$context"});
    integration.update(json!({"requestTemplates": templates}), json!({"requestTemplates": templates}));
    let templates = json!({"$default": "{}"});
    integration.update(json!({"requestTemplates": templates}), json!({"requestTemplates": templates}));
    integration.update(json!({"timeoutInMillis": 29000}), json!({"timeoutInMillis": 29000}));
    integration.update(json!({"passthroughBehavior": "NEVER"}), json!({"passthroughBehavior": "NEVER"}));
    integration.update(json!({"integrationMethod": "GET"}), json!({"integrationMethod": "GET"}));
    integration.update(
        json!({"connectionType": "INTERNET", "connectionId": ""}),
        json!({"connectionType": "INTERNET", "connectionId": null}),
    );
    integration.import();
    integration.destroy();
    assert_eq!(gateway.call("DELETE", &link, Value::Null).0, 202);
    // Of each type, what the provider's tests find filled in.
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations";
    for (kind, method, selection) in [
        ("MOCK", None, json!("${integration.response.statuscode}")),
        ("AWS", Some("POST"), json!("${integration.response.body.errorMessage}")),
        ("AWS_PROXY", Some("POST"), json!(null)),
    ] {
        let mut sent = json!({
            "integrationType": kind, "connectionType": "INTERNET", "passthroughBehavior": "WHEN_NO_MATCH",
            "payloadFormatVersion": "1.0",
        });
        if let Some(method) = method {
            sent["integrationMethod"] = method.into();
            sent["integrationUri"] = uri.into();
        }
        let defaults = json!({
            "timeoutInMillis": 29000, "integrationResponseSelectionExpression": selection, "connectionId": null,
        });
        let made = Resource::create(&gateway, &format!("{}/integrations", api.path), "integrationId", sent, defaults);
        made.import();
        made.destroy();
    }
}

#[test]
fn responses_and_models() {
    let gateway = Gateway::new();
    let api = api(&gateway);
    let mock = json!({"integrationType": "MOCK"});
    let mock = gateway.make(&format!("{}/integrations", api.path), mock, "integrationId");
    let defaults = json!({
        "contentHandlingStrategy": null, "responseParameters": null, "responseTemplates": null,
        "templateSelectionExpression": null,
    });
    let mut response = Resource::create(
        &gateway,
        &format!("{mock}/integrationresponses"),
        "integrationResponseId",
        json!({"integrationResponseKey": "/200/"}),
        defaults,
    );
    response.update(json!({"integrationResponseKey": "/404/"}), json!({"integrationResponseKey": "/404/"}));
    let templates = json!({"application/json": "", "application/xml": "#set($percent=$number/100)"});
    response.update(json!({"responseTemplates": templates}), json!({"responseTemplates": templates}));
    response.set_and_clear(&[
        ("contentHandlingStrategy", json!("CONVERT_TO_BINARY")),
        ("templateSelectionExpression", json!("$request.body.t")),
    ]);
    response.import();
    response.destroy();
    let route = gateway.make(&format!("{}/routes", api.path), json!({"routeKey": "r"}), "routeId");
    let mut response = Resource::create(
        &gateway,
        &format!("{route}/routeresponses"),
        "routeResponseId",
        json!({"routeResponseKey": "$default"}),
        json!({"modelSelectionExpression": null, "responseModels": null}),
    );
    response.set_and_clear(&[("modelSelectionExpression", json!("action"))]);
    response.update(json!({"responseModels": {"a": "M"}}), json!({"responseModels": {"a": "M"}}));
    response.import();
    response.destroy();
    let sent = json!({"name": "M", "contentType": "application/json", "schema": "{\"type\": \"object\"}"});
    let models = format!("{}/models", api.path);
    let mut model = Resource::create(&gateway, &models, "modelId", sent, json!({"description": null}));
    model.set_and_clear(&[("description", json!("d"))]);
    for (member, value) in [("name", "N2"), ("contentType", "text/x-json"), ("schema", "{}")] {
        model.update(json!({member: value}), json!({member: value}));
    }
    model.import();
    model.destroy();
}

#[test]
fn route_and_authorizer_attributes() {
    let gateway = Gateway::new();
    let api = api(&gateway);
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations";
    let sent = json!({
        "authorizerType": "REQUEST", "authorizerUri": uri, "name": "a",
        "identitySource": ["route.request.header.Auth"],
    });
    let defaults = json!({
        "authorizerCredentialsArn": null, "authorizerPayloadFormatVersion": null, "authorizerResultTtlInSeconds": null,
        "enableSimpleResponses": null, "jwtConfiguration": null,
    });
    let mut authorizer =
        Resource::create(&gateway, &format!("{}/authorizers", api.path), "authorizerId", sent, defaults);
    authorizer.set_and_clear(&[("authorizerCredentialsArn", json!("arn:aws:iam::1:role/r"))]);
    authorizer.update(json!({"identitySource": []}), json!({"identitySource": null}));
    let sources = json!(["route.request.querystring.User", "stageVariables.s"]);
    authorizer.update(json!({"identitySource": sources}), json!({"identitySource": sources}));
    authorizer.update(json!({"name": "b"}), json!({"name": "b"}));
    authorizer.import();

    let integration = integration(&gateway, &api.path, "link");
    let target = json!(format!("integrations/{}", id(&integration.path)));
    let sent = json!({"routeKey": "$connect", "apiKeyRequired": false, "authorizationType": "NONE", "target": target});
    let defaults = json!({
        "authorizerId": null, "authorizationScopes": null, "modelSelectionExpression": null, "operationName": null,
        "requestModels": null, "requestParameters": null, "routeResponseSelectionExpression": null,
    });
    let mut route = Resource::create(&gateway, &format!("{}/routes", api.path), "routeId", sent, defaults);
    let custom = json!({"authorizationType": "CUSTOM", "authorizerId": id(&authorizer.path)});
    route.update(custom.clone(), custom);
    let none = json!({"authorizationType": "NONE", "authorizerId": ""});
    route.update(none, json!({"authorizationType": "NONE", "authorizerId": null}));
    route.update(json!({"authorizationType": "AWS_IAM"}), json!({"authorizationType": "AWS_IAM"}));
    route.update(json!({"authorizationType": "NONE"}), json!({"authorizationType": "NONE"}));
    route.update(json!({"apiKeyRequired": true}), json!({"apiKeyRequired": true}));
    route.set_and_clear(&[
        ("modelSelectionExpression", json!("action")),
        ("operationName", json!("op")),
        ("routeResponseSelectionExpression", json!("$default")),
        ("target", target),
    ]);
    let parameters =
        json!({"route.request.header.a": {"required": true}, "route.request.querystring.b": {"required": false}});
    route.update(json!({"requestParameters": parameters}), json!({"requestParameters": parameters}));
    // A parameter that left the configuration is deleted by a call of its own.
    gateway.ok("DELETE", &format!("{}/requestparameters/route.request.header.a", route.path), Value::Null);
    assert_eq!(
        gateway.call("DELETE", &format!("{}/requestparameters/route.request.header.a", route.path), Value::Null).0,
        404
    );
    route.state["requestParameters"] = json!({"route.request.querystring.b": {"required": false}});
    route.plan_is_empty("a request parameter that left");
    route.update(json!({"requestModels": {"a": "M"}}), json!({"requestModels": {"a": "M"}}));
    route.update(json!({"requestModels": {"b": "N"}}), json!({"requestModels": {"b": "N"}}));
    route.update(json!({"routeKey": "$default"}), json!({"routeKey": "$default"}));
    route.import();
    route.destroy();
    integration.destroy();
    authorizer.destroy();
}

#[test]
fn stage_attributes_and_a_deployment_that_is_replaced_before_it_is_destroyed() {
    let gateway = Gateway::new();
    let api = api(&gateway);
    gateway.ok("POST", &format!("{}/routes", api.path), json!({"routeKey": "say"}));
    let deployments = format!("{}/deployments", api.path);
    let defaults = json!({"autoDeployed": false, "deploymentStatus": "DEPLOYED"});
    let deploy = |description: &str| {
        Resource::create(&gateway, &deployments, "deploymentId", json!({"description": description}), defaults.clone())
    };
    let first = deploy("first");
    let sent = json!({"stageName": "prod", "autoDeploy": false, "deploymentId": id(&first.path), "tags": {"a": "b"}});
    let logging =
        |level: &str| json!({"dataTraceEnabled": false, "detailedMetricsEnabled": false, "loggingLevel": level});
    let defaults = json!({
        "accessLogSettings": null, "clientCertificateId": null, "defaultRouteSettings": logging("OFF"),
        "description": null, "routeSettings": {}, "stageVariables": {},
    });
    let mut stage = Resource::create(&gateway, &format!("{}/stages", api.path), "stageName", sent, defaults);
    let certificate = gateway.make("/clientcertificates", json!({}), "clientCertificateId");
    stage.set_and_clear(&[("clientCertificateId", json!(id(&certificate))), ("description", json!("d"))]);
    stage.update(
        json!({"defaultRouteSettings": {"loggingLevel": "INFO"}}),
        json!({"defaultRouteSettings": logging("INFO")}),
    );
    let variables = json!({"a": "1", "b": "2"});
    stage.update(json!({"stageVariables": variables}), json!({"stageVariables": variables}));
    stage.update(json!({"stageVariables": {"a": "", "b": "3"}}), json!({"stageVariables": {"b": "3"}}));
    let log = json!({"destinationArn": "arn:aws:logs:r:1:log-group:g", "format": "$context.requestId"});
    stage.update(json!({"accessLogSettings": log}), json!({"accessLogSettings": log}));
    stage.update(json!({"accessLogSettings": {}}), json!({"accessLogSettings": null}));
    let settings = json!({"say": {"throttlingRateLimit": 5.5, "throttlingBurstLimit": 3}});
    stage.update(json!({"routeSettings": settings}), json!({"routeSettings": settings}));
    gateway.ok("DELETE", &format!("{}/routesettings/say", stage.path), Value::Null);
    stage.state["routeSettings"] = json!({});
    stage.plan_is_empty("settings of a route that left");
    // create_before_destroy: the new deployment, the stage, then the old deployment.
    let second = deploy("second");
    stage.update(json!({"deploymentId": id(&second.path)}), json!({"deploymentId": id(&second.path)}));
    first.destroy();
    let mut second = second;
    second.update(json!({"description": "renamed"}), json!({"description": "renamed"}));
    second.import();
    stage.import();
    stage.destroy();
    second.destroy();
    api.destroy();
}

#[test]
fn domain_names_mappings_and_what_v1_has() {
    let gateway = Gateway::new();
    let api = api(&gateway);
    let stages = format!("{}/stages", api.path);
    gateway.ok("POST", &stages, json!({"stageName": "prod"}));
    gateway.ok("POST", &stages, json!({"stageName": "dev"}));
    let configuration =
        |arn: &str| json!([{"certificateArn": arn, "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}]);
    let sent = json!({"domainName": "ws.example.com", "domainNameConfigurations": configuration("arn:a"), "tags": {}});
    let path = gateway.make("/v2/domainnames", sent, "domainName");
    let compared = |arn: &str| {
        let read = gateway.ok("GET", &path, Value::Null);
        for (member, value) in configuration(arn)[0].as_object().unwrap() {
            assert_eq!(read["domainNameConfigurations"][0][member], *value);
        }
    };
    compared("arn:a");
    gateway.ok("PATCH", &path, json!({"domainNameConfigurations": configuration("arn:b")}));
    compared("arn:b");
    let sent = json!({"apiId": id(&api.path), "stage": "prod"});
    let mappings = format!("{path}/apimappings");
    let mut mapping = Resource::create(&gateway, &mappings, "apiMappingId", sent, json!({"apiMappingKey": null}));
    let with_api = |member: &str, value: &str| json!({"apiId": id(&api.path), member: value});
    mapping.update(with_api("apiMappingKey", "chat"), json!({"apiMappingKey": "chat"}));
    mapping.update(with_api("apiMappingKey", ""), json!({"apiMappingKey": null}));
    mapping.update(with_api("stage", "dev"), json!({"stage": "dev"}));
    mapping.import();

    let patch = |path: &str, value: &str| json!({"patchOperations": [{"op": "replace", "path": path, "value": value}]});
    let sent = json!({"name": "k", "description": "Managed by Terraform", "enabled": true, "tags": {}});
    let mut key = Resource::create(&gateway, "/apikeys", "id", sent, json!({"customerId": null}));
    key.update(patch("/enabled", "false"), json!({"enabled": false}));
    key.update(patch("/description", ""), json!({"description": null}));
    key.update(patch("/name", "l"), json!({"name": "l"}));
    key.import();
    let stage = json!({"apiId": id(&api.path), "stage": "prod"});
    let sent = json!({"name": "p", "apiStages": [stage], "quota": {"limit": 10, "offset": 1, "period": "WEEK"}});
    let defaults = json!({"description": null, "throttle": null, "tags": {}});
    let mut plan = Resource::create(&gateway, "/usageplans", "id", sent, defaults);
    plan.update(patch("/name", "q"), json!({"name": "q"}));
    plan.update(patch("/quota/limit", "20"), json!({"quota": {"limit": 20, "offset": 1, "period": "WEEK"}}));
    let throttle = json!({"patchOperations": [
        {"op": "replace", "path": "/throttle/rateLimit", "value": "10.500000"},
        {"op": "replace", "path": "/throttle/burstLimit", "value": "5"},
    ]});
    plan.update(throttle, json!({"throttle": {"burstLimit": 5, "rateLimit": 10.5}}));
    let remove = json!({"patchOperations": [{"op": "remove", "path": "/throttle"}]});
    plan.update(remove, json!({"throttle": null}));
    let plan_key = json!({"keyId": id(&key.path), "keyType": "API_KEY"});
    let plan_key = gateway.make(&format!("{}/keys", plan.path), plan_key, "id");
    assert_eq!(gateway.ok("GET", &plan_key, Value::Null)["type"], "API_KEY");
    plan.import();
    gateway.ok("DELETE", &plan_key, Value::Null);
    let value = format!("{}:prod", id(&api.path));
    let remove = json!({"patchOperations": [{"op": "remove", "path": "/apiStages", "value": value}]});
    plan.update(remove, json!({"apiStages": []}));
    plan.destroy();
    key.destroy();
    mapping.destroy();
    gateway.ok("DELETE", &path, Value::Null);
    api.destroy();
}
