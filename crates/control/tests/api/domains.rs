//! Custom domain names, their mappings, VPC links, client certificates, the account, and model templates.

use std::sync::Arc;

use serde_json::{Value, json};
use types::StageKey;

use crate::gateway::{Gateway, id, without};

const BAD: (u16, &str) = (400, "BadRequestException");
const GONE: (u16, &str) = (404, "NotFoundException");
const CONFLICT: (u16, &str) = (409, "ConflictException");

#[track_caller]
fn refused(gateway: &Gateway, call: (&str, &str), body: Value, name: (u16, &str), message: &str) {
    gateway.check_refused(call.0, call.1, body, name.0, name.1, message);
}

fn domain(name: &str) -> Value {
    json!({"domainName": name, "domainNameConfigurations": [{"certificateArn": "arn:aws:acm:x:1:certificate/c"}]})
}

/// An API with a stage `dev` and its path.
fn staged(gateway: &Gateway) -> String {
    let api = gateway.api_with_route();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    api
}

#[test]
fn a_domain_name_gets_a_host_of_its_own_and_keeps_it() {
    let gateway = Gateway::new();
    let made = gateway.ok("POST", "/v2/domainnames", domain("api.example.com"));
    let host = made["domainNameConfigurations"][0]["apiGatewayDomainName"].as_str().unwrap();
    assert!(host.starts_with("d-") && host.ends_with(".execute-api.us-east-1.amazonaws.com") && host.len() == 48);
    let expected = json!({
        "apiMappingSelectionExpression": "$request.basepath", "domainName": "api.example.com",
        "domainNameArn": "arn:aws:apigateway:us-east-1::/domainnames/api.example.com",
        "domainNameConfigurations": [{
            "apiGatewayDomainName": host, "certificateArn": "arn:aws:acm:x:1:certificate/c",
            "domainNameStatus": "AVAILABLE", "endpointType": "REGIONAL", "hostedZoneId": "Z00000000GATEWRIGHT",
            "ipAddressType": "ipv4", "securityPolicy": "TLS_1_2",
        }],
        "routingMode": "API_MAPPING_ONLY", "tags": {},
    });
    assert_eq!(made, expected);
    let path = "/v2/domainnames/api.example.com";
    gateway.check("GET", path, Value::Null, 200, expected.clone());
    let change = json!({"domainNameConfigurations": [{"certificateArn": "arn:other", "hostedZoneId": "Zmine"}]});
    let changed = gateway.ok("PATCH", path, change);
    let configuration = &changed["domainNameConfigurations"][0];
    assert_eq!(configuration["certificateArn"], "arn:other");
    assert_eq!(configuration["apiGatewayDomainName"], host, "an update does not move the host");
    assert_eq!(configuration["hostedZoneId"], "Z00000000GATEWRIGHT", "a caller does not choose the zone");
    let published = gateway.snapshot().account.clone();
    assert_eq!(published.domain_names["api.example.com"].certificate_arn.as_deref(), Some("arn:other"));
    gateway.check("DELETE", path, Value::Null, 204, Value::Null);
    refused(&gateway, ("GET", path), json!(null), GONE, "Invalid domain name identifier specified");
    assert!(gateway.snapshot().account.domain_names.is_empty());
}

#[test]
fn domain_names_are_refused_in_the_words_of_aws() {
    let gateway = Gateway::new();
    let create = |body: Value, name, message: &str| refused(&gateway, ("POST", "/v2/domainnames"), body, name, message);
    let invalid = "Invalid domain name specified. It must be a lower-case host name; it may begin with *.";
    for name in ["Api.example.com", "a_b.example.com", "localhost", "", "-a.b", "a..b", "a.*.b", "*.", "a/b.c"] {
        create(domain(name), BAD, invalid);
    }
    gateway.ok("POST", "/v2/domainnames", domain("*.example.com"));
    assert_eq!(gateway.ok("GET", "/v2/domainnames/%2A.example.com", Value::Null)["domainName"], "*.example.com");
    create(domain("*.example.com"), CONFLICT, "The domain name you provided already exists.");
    let with = |member: &str, value: &str| json!({"domainName": "a.b", "domainNameConfigurations": [{member: value}]});
    create(with("securityPolicy", "TLS_1_0"), BAD, "TLS_1_0 is not supported for APIGatewayV2 domainName.");
    create(with("endpointType", "EDGE"), BAD, "EDGE endpoint type is not supported for APIGatewayV2 domainName");
    let one = "Invalid input. Expected one domain name configuration";
    create(json!({"domainName": "a.b"}), BAD, one);
    create(json!({"domainName": "a.b", "domainNameConfigurations": [{}, {}]}), BAD, one);
    let wrong = json!({"domainName": "a.b", "domainNameConfigurations": ["x"]});
    create(wrong, BAD, "member `domainNameConfigurations[0]` must be an object");
}

#[test]
fn a_mapping_leads_to_a_stage_and_keeps_it_there() {
    let gateway = Gateway::new();
    let api = staged(&gateway);
    gateway.ok("POST", "/v2/domainnames", domain("a.example.com"));
    let mappings = "/v2/domainnames/a.example.com/apimappings";
    let root = json!({"apiId": id(&api), "stage": "dev"});
    let before = gateway.snapshot();
    let made = gateway.make(mappings, root.clone(), "apiMappingId");
    let answer = gateway.ok("GET", &made, Value::Null);
    assert_eq!(without(answer, &["apiMappingId"]), root);
    let published = gateway.snapshot();
    let key = StageKey { api_id: id(&api).into(), stage: "dev".into() };
    assert_eq!(published.account.domain_names["a.example.com"].mappings[""], key);
    assert!(!Arc::ptr_eq(&before.account, &published.account));

    let keyed = json!({"apiId": id(&api), "stage": "dev", "apiMappingKey": "chat"});
    let chat = gateway.make(mappings, keyed.clone(), "apiMappingId");
    let taken = |key: &str| format!("ApiMapping with key {key} already exists for this domain name");
    refused(&gateway, ("POST", mappings), keyed, CONFLICT, &taken("chat"));
    refused(&gateway, ("POST", mappings), root, CONFLICT, &taken("(none)"));
    let clear = json!({"apiId": id(&api), "apiMappingKey": ""});
    refused(&gateway, ("PATCH", &chat), clear, CONFLICT, &taken("(none)"));
    gateway.ok("PATCH", &chat, json!({"apiId": id(&api), "apiMappingKey": "talk"}));
    assert!(gateway.snapshot().account.domain_names["a.example.com"].mappings.contains_key("talk"));
    let invalid = "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),";
    for key in ["a/b", "a b", "ü", &"k".repeat(301)] {
        let body = json!({"apiId": id(&api), "stage": "dev", "apiMappingKey": key});
        refused(&gateway, ("POST", mappings), body, BAD, invalid);
    }
    let body = json!({"apiId": id(&api), "stage": "nope", "apiMappingKey": "x"});
    refused(&gateway, ("POST", mappings), body, BAD, "Invalid stage identifier specified");
    let body = json!({"apiId": "nope", "stage": "dev"});
    refused(&gateway, ("POST", mappings), body, BAD, "Invalid API identifier specified 000000000000:nope");
    refused(
        &gateway,
        ("GET", &format!("{mappings}/nope")),
        json!(null),
        GONE,
        "Invalid API mapping identifier specified",
    );

    let message = format!(
        "Deleting API {} failed. Please remove all API mappings for the API from your custom domain names.",
        id(&api)
    );
    refused(&gateway, ("DELETE", &api), json!(null), BAD, &message);
    let message = format!(
        "Deleting stage dev of API {} failed. Please remove all API mappings for the stage from your custom domain \
         names.",
        id(&api)
    );
    refused(&gateway, ("DELETE", &format!("{api}/stages/dev")), json!(null), CONFLICT, &message);
    gateway.check("DELETE", &chat, Value::Null, 204, Value::Null);
    gateway.ok("DELETE", "/v2/domainnames/a.example.com", Value::Null);
    assert_eq!(gateway.call("GET", &made, Value::Null).0, 404, "a domain name takes its mappings with it");
    gateway.ok("DELETE", &api, Value::Null);
}

#[test]
fn mutual_tls_and_websocket_apis_do_not_go_together() {
    let gateway = Gateway::new();
    let api = staged(&gateway);
    let mut body = domain("a.example.com");
    body["mutualTlsAuthentication"] = json!({"truststoreUri": "s3://bucket/key"});
    gateway.ok("POST", "/v2/domainnames", body);
    let mappings = "/v2/domainnames/a.example.com/apimappings";
    let mapping = json!({"apiId": id(&api), "stage": "dev"});
    let message = "Mutual TLS domain name association is not supported for Websocket APIs.";
    refused(&gateway, ("POST", mappings), mapping.clone(), BAD, message);
    let path = "/v2/domainnames/a.example.com";
    gateway.ok("PATCH", path, json!({"mutualTlsAuthentication": {}}));
    gateway.ok("POST", mappings, mapping);
    let body = json!({"mutualTlsAuthentication": {"truststoreUri": "s3://bucket/key"}});
    refused(&gateway, ("PATCH", path), body, BAD, message);
}

#[test]
fn v1_and_v2_see_one_domain_name() {
    let gateway = Gateway::new();
    let body = json!({
        "domainName": "v1.example.com", "regionalCertificateArn": "arn:c", "tags": {"a": "b"},
        "endpointConfiguration": {"types": ["REGIONAL"]}, "securityPolicy": "TLS_1_2",
    });
    let made = gateway.ok("POST", "/domainnames", body);
    let v2 = gateway.ok("GET", "/v2/domainnames/v1.example.com", Value::Null);
    let expected = json!({
        "regionalDomainName": v2["domainNameConfigurations"][0]["apiGatewayDomainName"],
        "regionalHostedZoneId": "Z00000000GATEWRIGHT", "regionalCertificateArn": "arn:c",
        "securityPolicy": "TLS_1_2", "domainNameStatus": "AVAILABLE", "domainName": "v1.example.com",
        "domainNameArn": "arn:aws:apigateway:us-east-1::/domainnames/v1.example.com", "tags": {"a": "b"},
        "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
        "routingMode": "BASE_PATH_MAPPING_ONLY",
    });
    assert_eq!(made, expected);
    gateway.check("GET", "/domainnames/v1.example.com", Value::Null, 200, expected.clone());
    gateway.check("GET", "/domainnames", Value::Null, 200, json!({"item": [expected]}));
    gateway.check("GET", "/domainnames?resourceOwner=OTHER_ACCOUNTS", Value::Null, 200, json!({"item": []}));
    let steps = json!({"patchOperations": [
        {"op": "replace", "path": "/regionalCertificateArn", "value": "arn:d"},
        {"op": "replace", "path": "/mutualTlsAuthentication/truststoreUri", "value": "s3://b/k"},
        {"op": "replace", "path": "/endpointConfiguration/ipAddressType", "value": "dualstack"},
        {"op": "replace", "path": "/routingMode", "value": "ROUTING_RULE_ONLY"},
    ]});
    let changed = gateway.ok("PATCH", "/domainnames/v1.example.com", steps);
    assert_eq!(changed["mutualTlsAuthentication"], json!({"truststoreUri": "s3://b/k"}));
    let v2 = gateway.ok("GET", "/v2/domainnames/v1.example.com", Value::Null);
    assert_eq!(v2["domainNameConfigurations"][0]["certificateArn"], "arn:d");
    assert_eq!(v2["domainNameConfigurations"][0]["ipAddressType"], "dualstack");
    assert_eq!(v2["routingMode"], "ROUTING_RULE_ONLY");
    let steps = json!({"patchOperations": [
        {"op": "replace", "path": "/certificateArn", "value": "arn:e"},
        {"op": "remove", "path": "/mutualTlsAuthentication/truststoreUri"},
    ]});
    let changed = gateway.ok("PATCH", "/domainnames/v1.example.com", steps);
    assert_eq!(changed["regionalCertificateArn"], "arn:e");
    assert!(changed.get("mutualTlsAuthentication").is_none(), "{changed}");
    let create = |body: Value, message: &str| refused(&gateway, ("POST", "/domainnames"), body, BAD, message);
    let typed = |kind: &str| json!({"domainName": "a.b", "endpointConfiguration": {"types": [kind]}});
    create(typed("EDGE"), "EDGE endpoint type is not supported for APIGatewayV2 domainName");
    create(typed("PRIVATE"), "PRIVATE endpoint type is not supported for APIGatewayV2 domainName");
    let message = "Only the security policy TLS_1_2 is supported for APIGatewayV2 domainName";
    create(json!({"domainName": "a.b", "securityPolicy": "SecurityPolicy_TLS13_2025_EDGE"}), message);
    let message = "Certificates are named by ARN (regionalCertificateArn); their text is not taken";
    create(json!({"domainName": "a.b", "certificateBody": "-----BEGIN"}), message);
    gateway.check("DELETE", "/domainnames/v1.example.com", Value::Null, 202, Value::Null);
}

#[test]
fn a_v1_vpc_link_is_ready_when_it_is_read_and_stays_while_it_is_used() {
    let gateway = Gateway::new();
    let arn = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/nlb/1";
    let body = json!({"name": "nlb", "targetArns": [arn], "tags": {"a": "b"}});
    let (status, made) = gateway.call("POST", "/vpclinks", body.clone());
    assert_eq!((status, &made["status"]), (202, &json!("PENDING")));
    assert!(made.get("statusMessage").is_none());
    let link = format!("/vpclinks/{}", made["id"].as_str().unwrap());
    let mut expected = json!({
        "name": "nlb", "targetArns": [arn], "id": id(&link), "status": "AVAILABLE",
        "statusMessage": "Your vpc link is ready for use", "tags": {"a": "b"},
    });
    gateway.check("GET", &link, Value::Null, 200, expected.clone());
    expected.as_object_mut().unwrap().shift_remove("tags");
    gateway.check("GET", "/vpclinks", Value::Null, 200, json!({"item": [expected]}));
    let steps = json!({"patchOperations": [{"op": "replace", "path": "/name", "value": "new"}]});
    assert_eq!(gateway.ok("PATCH", &link, steps)["name"], "new");
    let steps = json!({"patchOperations": [{"op": "replace", "path": "/targetArns", "value": "x"}]});
    let message = "Invalid patch path  '/targetArns' specified for op 'replace'. Must be one of: [/description, /name]";
    refused(&gateway, ("PATCH", &link), steps, BAD, message);
    let status = |target: &str| {
        let made = gateway.ok("POST", "/vpclinks", json!({"name": "n", "targetArns": [target]}));
        let link = gateway.ok("GET", &format!("/vpclinks/{}", made["id"].as_str().unwrap()), Value::Null);
        (link["status"].clone(), link["statusMessage"].clone())
    };
    assert_eq!(status("10.0.0.1:8080").0, "AVAILABLE");
    let alb = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/alb/1";
    assert_eq!(status(alb), (json!("FAILED"), json!("NLB ARN is malformed")));
    let create = |body: Value, message: &str| refused(&gateway, ("POST", "/vpclinks"), body, BAD, message);
    create(json!({"targetArns": [arn]}), "Name cannot be empty");
    create(json!({"name": "n", "targetArns": ["nonsense"]}), "Invalid ARN. ARN is not well formed nonsense");
    create(json!({"name": "n", "targetArns": [arn, arn]}), "A VPC link has exactly one target ARN");

    let api = gateway.api();
    let integration = json!({
        "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": "http://www.example.net",
        "connectionType": "VPC_LINK", "connectionId": id(&link),
    });
    let integration = gateway.make(&format!("{api}/integrations"), integration, "integrationId");
    let message =
        format!("Cannot delete VPC link {}: integration {} of API {} uses it", id(&link), id(&integration), id(&api));
    refused(&gateway, ("DELETE", &link), json!(null), BAD, &message);
    gateway.ok("PATCH", &integration, json!({"connectionId": "${stageVariables.link}"}));
    gateway.check("DELETE", &link, Value::Null, 202, Value::Null);
    refused(&gateway, ("GET", &link), json!(null), GONE, "Invalid Vpc Link identifier specified");
}

#[test]
fn a_v2_vpc_link_is_kept_but_not_for_websocket_integrations() {
    let gateway = Gateway::new();
    let body = json!({"name": "n", "subnetIds": ["s-1"], "tags": {"a": "b"}});
    let made = gateway.ok("POST", "/v2/vpclinks", body);
    assert_eq!(made["vpcLinkStatus"], "PENDING");
    let link = format!("/v2/vpclinks/{}", made["vpcLinkId"].as_str().unwrap());
    let answer = without(gateway.ok("GET", &link, Value::Null), &["createdDate", "vpcLinkId"]);
    let expected = json!({
        "name": "n", "securityGroupIds": [], "subnetIds": ["s-1"], "tags": {"a": "b"}, "vpcLinkStatus": "AVAILABLE",
        "vpcLinkStatusMessage": "VPC link is ready to route traffic", "vpcLinkVersion": "V2",
    });
    assert_eq!(answer, expected);
    assert_eq!(gateway.ok("PATCH", &link, json!({"name": "m", "subnetIds": ["other"]}))["subnetIds"], json!(["s-1"]));
    let message = "SubnetIds for a vpc link cannot be empty";
    for body in [json!({"name": "n"}), json!({"name": "n", "subnetIds": []})] {
        refused(&gateway, ("POST", "/v2/vpclinks"), body, BAD, message);
    }
    let integration = json!({
        "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": "http://example.net",
        "connectionType": "VPC_LINK", "connectionId": id(&link),
    });
    let message = "VPC links of v2 are not supported for WEBSOCKET protocolType; create one with \
                   `aws apigateway create-vpc-link`";
    refused(&gateway, ("POST", &format!("{}/integrations", gateway.api())), integration, BAD, message);
    let tags = format!("/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fvpclinks%2F{}", id(&link));
    gateway.check("GET", &tags, Value::Null, 200, json!({"tags": {"a": "b"}}));
    assert!(gateway.snapshot().account.vpc_links.is_empty());
    gateway.check("DELETE", &link, Value::Null, 202, Value::Null);
    refused(&gateway, ("GET", &link), json!(null), GONE, "Invalid VpcLink identifier specified");
}

#[test]
fn a_client_certificate_is_made_here_and_its_key_stays_here() {
    let gateway = Gateway::new();
    let made = gateway.ok("POST", "/clientcertificates", json!({"description": "d", "tags": {"a": "b"}}));
    let certificate = format!("/clientcertificates/{}", made["clientCertificateId"].as_str().unwrap());
    assert!(made["pemEncodedCertificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let (created, expires) = (made["createdDate"].as_u64().unwrap(), made["expirationDate"].as_u64().unwrap());
    assert_eq!(expires / 86_400 - created / 86_400, 365);
    assert!(!made.to_string().contains("PRIVATE"), "{made}");
    gateway.check("GET", &certificate, Value::Null, 200, made.clone());
    gateway.check("GET", "/clientcertificates", Value::Null, 200, json!({"item": [made]}));
    let published = gateway.snapshot().account.client_certificates[id(&certificate)].clone();
    assert_eq!(published.certificate_pem, made["pemEncodedCertificate"]);
    assert!(published.private_key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    let steps = json!({"patchOperations": [{"op": "replace", "path": "/description", "value": "e"}]});
    let changed = gateway.ok("PATCH", &certificate, steps);
    assert_eq!(
        (&changed["description"], &changed["pemEncodedCertificate"]),
        (&json!("e"), &made["pemEncodedCertificate"])
    );

    let api = gateway.api();
    let stages = format!("{api}/stages");
    let stage = json!({"stageName": "dev", "clientCertificateId": id(&certificate)});
    gateway.ok("POST", &stages, stage);
    let message = "Invalid Client Certificate identifier specified";
    refused(&gateway, ("POST", &stages), json!({"stageName": "x", "clientCertificateId": "no"}), BAD, message);
    let in_use =
        format!("Cannot delete client certificate {}: stage dev of API {} uses it", id(&certificate), id(&api));
    refused(&gateway, ("DELETE", &certificate), json!(null), CONFLICT, &in_use);
    gateway.ok("PATCH", &format!("{stages}/dev"), json!({"clientCertificateId": ""}));
    gateway.check("DELETE", &certificate, Value::Null, 202, Value::Null);
    refused(&gateway, ("GET", &certificate), json!(null), GONE, message);
}

#[test]
fn the_account_keeps_the_role_that_writes_logs() {
    let gateway = Gateway::new();
    let mut expected = json!({
        "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0}, "features": ["UsagePlans"], "apiKeyVersion": "4",
    });
    gateway.check("GET", "/account", Value::Null, 200, expected.clone());
    let step =
        |op: &str, path: &str, value: &str| json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
    expected["cloudwatchRoleArn"] = json!("arn:aws:iam::1:role/logs");
    let set = step("replace", "/cloudwatchRoleArn", "arn:aws:iam::1:role/logs");
    assert_eq!(gateway.ok("PATCH", "/account", set), expected);
    assert_eq!(gateway.ok("GET", "/account", Value::Null), expected);
    let message = "Invalid patch path  '/features' specified for op 'add'. Must be one of: [/cloudwatchRoleArn]";
    refused(&gateway, ("PATCH", "/account"), step("add", "/features", "x"), BAD, message);
    let message = "The role ARN is not well formed";
    refused(&gateway, ("PATCH", "/account"), step("replace", "/cloudwatchRoleArn", "role"), BAD, message);
    let cleared = gateway.ok("PATCH", "/account", step("replace", "/cloudwatchRoleArn", ""));
    assert!(cleared.get("cloudwatchRoleArn").is_none());
}

#[test]
fn everything_that_can_be_tagged_is_tagged_by_both_apis() {
    let gateway = Gateway::new();
    let api = gateway.make(
        "/v2/apis",
        json!({"name": "n", "protocolType": "WEBSOCKET", "routeSelectionExpression": "a"}),
        "apiId",
    );
    gateway.ok("POST", "/v2/domainnames", domain("a.example.com"));
    let made = [
        api,
        "/v2/domainnames/a.example.com".to_owned(),
        gateway.make("/vpclinks", json!({"name": "n", "targetArns": ["h:1"]}), "id"),
        gateway.make("/v2/vpclinks", json!({"name": "n", "subnetIds": ["s"]}), "vpcLinkId"),
        gateway.make("/apikeys", json!({}), "id"),
        gateway.make("/usageplans", json!({"name": "n"}), "id"),
        gateway.make("/clientcertificates", json!({}), "clientCertificateId"),
    ];
    for path in made {
        let arn = format!("arn:aws:apigateway:us-east-1::{}", path.trim_start_matches("/v2")).replace(':', "%3A");
        let arn = arn.replace('/', "%2F");
        gateway.check("POST", &format!("/v2/tags/{arn}"), json!({"tags": {"a": "1"}}), 201, json!({}));
        gateway.check("PUT", &format!("/tags/{arn}"), json!({"tags": {"b": "2"}}), 204, Value::Null);
        gateway.check("GET", &format!("/tags/{arn}"), Value::Null, 200, json!({"tags": {"a": "1", "b": "2"}}));
        assert_eq!(gateway.ok("GET", &path, Value::Null)["tags"], json!({"a": "1", "b": "2"}), "{path}");
        gateway.check("DELETE", &format!("/tags/{arn}?tagKeys=a"), Value::Null, 204, Value::Null);
        gateway.check("GET", &format!("/v2/tags/{arn}"), Value::Null, 200, json!({"tags": {"b": "2"}}));
        let gone = arn.rsplit_once("%2F").unwrap().0.to_owned() + "%2Fnope";
        assert_eq!(gateway.call("GET", &format!("/tags/{gone}"), Value::Null).0, 404, "{path}");
    }
}

#[test]
fn a_model_suggests_a_template_that_renders() {
    let gateway = Gateway::new();
    let models = format!("{}/models", gateway.api());
    let schema = json!({
        "type": "object",
        "definitions": {"user": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "properties": {
            "text": {"type": "string"}, "count": {"type": "integer"}, "from": {"$ref": "#/definitions/user"},
            "tags": {"type": "array", "items": {"type": "string"}}, "my-key": {"type": "boolean"},
        },
    });
    let model = gateway.make(&models, json!({"name": "Chat", "schema": schema.to_string()}), "modelId");
    let template = gateway.ok("GET", &format!("{model}/template"), Value::Null)["value"].clone();
    let expected = "#set($inputRoot = $input.path('$'))\n{\n  \"text\" : \"$inputRoot.text\",\n  \"count\" : $inputRoot.count,\n  \
                    \"from\" : {\n    \"name\" : \"$inputRoot.from.name\"\n  },\n  \"tags\" : [\n#foreach($elem1 in \
                    $inputRoot.tags)\n    \"$elem1\"#if($foreach.hasNext),#end\n#end\n  ],\n  \"my-key\" : \
                    $inputRoot.get('my-key')\n}";
    assert_eq!(template, expected);
    assert!(mapping::check::template(template.as_str().unwrap()).is_ok());
    let endless = json!({"type": "object", "properties": {"me": {"$ref": "#"}, "you": {"$ref": "#"}}}).to_string();
    let model = gateway.make(&models, json!({"name": "Endless", "schema": endless}), "modelId");
    let template = gateway.ok("GET", &format!("{model}/template"), Value::Null)["value"].clone();
    assert!(template.as_str().unwrap().len() < 2_000_000);
    let circle = gateway.make(&models, json!({"name": "Circle", "schema": "{\"$ref\": \"#\"}"}), "modelId");
    gateway.ok("GET", &format!("{circle}/template"), Value::Null);
    assert_eq!(gateway.call("GET", &format!("{models}/nope/template"), Value::Null).0, 404);
}
