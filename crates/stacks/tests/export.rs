//! What is exported as a template, applied to an empty control plane, is what it was.

mod planes;

use control::Control;
use http::Method;
use planes::{ALL, apply, call, control, documents, goes_round, try_apply};
use serde_json::{Value as Json, json};
use stacks::export;
use stacks::export::{Choice, NoSuchApi, Notation};

fn corpus(folder: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(format!("{}/../../corpus/iac/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut files: Vec<(String, String)> = files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_fixture_goes_round() {
    let mut count = 0;
    for (name, text) in corpus("") {
        let is_template = text.contains("AWS::ApiGatewayV2::Api") || text.contains("AWS::Serverless-2016");
        if !is_template || name.contains("expected") || name.ends_with(".md") {
            continue;
        }
        let control = control();
        apply(&control, &text, &name);
        goes_round(&control, &name);
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn what_sam_makes_goes_round() {
    let mut count = 0;
    for (name, text) in corpus("sam").into_iter().filter(|(name, _)| name.ends_with(".json")) {
        let case: Json = serde_json::from_str(&text).unwrap();
        let control = control();
        // Some hold what SAM takes and API Gateway refuses.
        if try_apply(&control, &case["template"].to_string(), &name).is_ok() {
            goes_round(&control, &name);
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

/// One of everything.
fn all_of_it() -> (Control, String) {
    let control = control();
    let post = |path: &str, body: Json| call(&control, Method::POST, path, &body);
    let id = |answer: &Json, member: &str| answer[member].as_str().unwrap().to_owned();
    let role = json!({"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::123456789012:role/logs"}]});
    call(&control, Method::PATCH, "/account", &role);
    let api = post(
        "/v2/apis",
        json!({"name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action", "description": "talk", "tags": {"team": "a b"}}),
    );
    let api = id(&api, "apiId");
    let at = |part: &str| format!("/v2/apis/{api}/{part}");
    let link = id(
        &post(
            "/vpclinks",
            json!({"name": "nlb", "targetArns": ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/a/1234567890123456"], "tags": {"k": "v"}}),
        ),
        "id",
    );
    post("/v2/vpclinks", json!({"name": "alb", "subnetIds": ["subnet-12345678"], "securityGroupIds": ["sg-12345678"]}));
    let certificate = id(&post("/clientcertificates", json!({"description": "to the backend"})), "clientCertificateId");
    let lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:chat:live/invocations";
    let authorizer = post(
        &at("authorizers"),
        json!({"name": "token", "authorizerType": "REQUEST", "authorizerUri": lambda.replace("chat:live", "auth"), "identitySource": ["route.request.header.Auth"]}),
    );
    post(
        &at("models"),
        json!({"name": "Join", "contentType": "application/json", "schema": "{\n  \"type\" : \"object\", \"properties\": {\"room\": {\"type\": \"string\"}}\n}"}),
    );
    let function = post(
        &at("integrations"),
        json!({"integrationType": "AWS_PROXY", "integrationMethod": "POST", "integrationUri": lambda}),
    );
    let http = post(
        &at("integrations"),
        json!({"integrationType": "HTTP", "integrationMethod": "PUT", "integrationUri": "http://127.0.0.1:3000/{x}", "connectionType": "VPC_LINK", "connectionId": link,
        "templateSelectionExpression": "\\$default", "requestTemplates": {"$default": "#set($a = 1)\n{\"a\": $a,\n\n  \"b\": \"$context.connectionId\"}\n"},
        "requestParameters": {"integration.request.path.x": "'1'", "integration.request.header.y": "context.stage"}, "timeoutInMillis": 500}),
    );
    let http = id(&http, "integrationId");
    for key in ["$default", "/2\\d\\d/", "/20\\d/"] {
        post(
            &at(&format!("integrations/{http}/integrationresponses")),
            json!({"integrationResponseKey": key, "responseTemplates": {"application/json": "yes"}, "templateSelectionExpression": "application/json"}),
        );
    }
    let function = id(&function, "integrationId");
    post(
        &at("routes"),
        json!({"routeKey": "$connect", "target": format!("integrations/{function}"), "authorizationType": "CUSTOM", "authorizerId": authorizer["authorizerId"], "apiKeyRequired": true, "requestParameters": {"route.request.header.Auth": {"required": true}}}),
    );
    let join = post(
        &at("routes"),
        json!({"routeKey": "join", "target": format!("integrations/{http}"), "routeResponseSelectionExpression": "$default", "modelSelectionExpression": "$request.body.action", "requestModels": {"join": "Join"}}),
    );
    post(&at(&format!("routes/{}/routeresponses", id(&join, "routeId"))), json!({"routeResponseKey": "$default"}));
    post(&at("routes"), json!({"routeKey": "join!", "target": format!("integrations/{http}")}));
    let deployment = id(&post(&at("deployments"), json!({"description": "first"})), "deploymentId");
    post(
        &at("stages"),
        json!({"stageName": "dev", "deploymentId": deployment, "clientCertificateId": certificate, "stageVariables": {"link": link, "port": "012"},
        "routeSettings": {"join": {"throttlingRateLimit": 2.5, "throttlingBurstLimit": 5}}, "defaultRouteSettings": {"loggingLevel": "INFO"},
        "accessLogSettings": {"destinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:chat", "format": "$context.requestId"}, "tags": {"e": "dev"}}),
    );
    post(
        &at("stages"),
        json!({"stageName": "auto", "autoDeploy": true, "routeSettings": {"join!": {"throttlingRateLimit": 1}}}),
    );
    post(
        "/v2/domainnames",
        json!({"domainName": "chat.example.com", "domainNameConfigurations": [{"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-0000-0000-000000000000", "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}]}),
    );
    post("/v2/domainnames/chat.example.com/apimappings", json!({"apiId": api, "stage": "dev", "apiMappingKey": "v1"}));
    let key = post(
        "/apikeys",
        json!({"name": "partner", "enabled": true, "value": "0123456789012345678901234567890123456789"}),
    );
    let plan = post(
        "/usageplans",
        json!({"name": "gold", "apiStages": [{"apiId": api, "stage": "dev"}], "quota": {"limit": 10, "period": "DAY"}, "throttle": {"rateLimit": 1.5, "burstLimit": 2}, "tags": {"a": "b"}}),
    );
    post(&format!("/usageplans/{}/keys", id(&plan, "id")), json!({"keyId": key["id"], "keyType": "API_KEY"}));
    (control, api)
}

#[test]
fn everything_goes_round() {
    let (control, _) = all_of_it();
    let text = goes_round(&control, "all-of-it");
    for part in [
        "  JoinRoute:\n    Type: AWS::ApiGatewayV2::Route\n    DependsOn: JoinModel\n    Properties:\n      ApiId: !Ref ChatApi\n      RouteKey: join\n",
        "      Target: !Sub integrations/${JoinIntegration}\n",
        "        $default: |\n          #set($a = 1)\n          {\"a\": $a,\n\n            \"b\": \"$context.connectionId\"}\n",
        "      FunctionName: arn:aws:lambda:us-east-1:123456789012:function:chat:live\n",
        "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ChatApi}/*\n",
        "  Join20DIntegrationResponse:\n    Type: AWS::ApiGatewayV2::IntegrationResponse\n    DependsOn: Join2DDIntegrationResponse\n",
        "      StageVariables:\n        link: !Ref NlbVpcLink\n        port: '012'\n",
        "        - ApiId: !Ref ChatApi\n          Stage: !Ref DevStage\n",
        "    Value: !Sub ${ChatApi.ApiEndpoint}/${DevStage}\n",
        "# - chat calls functions, which are not part of this: auth, chat.\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("PRIVATE KEY") && !text.contains("last edits"), "{text}");
}

#[test]
fn terraform_has_it_in_the_words_of_its_provider() {
    let (control, _) = all_of_it();
    let text = export::terraform(&documents(&control), &ALL).unwrap();
    for part in [
        "resource \"aws_apigatewayv2_route\" \"join\" {\n  api_id                              = aws_apigatewayv2_api.chat.id\n",
        "  target                              = \"integrations/${aws_apigatewayv2_integration.join.id}\"\n",
        "  request_parameter {\n    request_parameter_key = \"route.request.header.Auth\"\n    required              = true\n  }\n",
        "    \"$default\" = <<EOT\n#set($a = 1)\n{\"a\": $a,\n\n  \"b\": \"$context.connectionId\"}\nEOT\n",
        "  function_name = \"arn:aws:lambda:us-east-1:123456789012:function:chat\"\n  qualifier     = \"live\"\n",
        "  source_arn    = \"${aws_apigatewayv2_api.chat.execution_arn}/*\"\n",
        // Without a number the provider sends 0.
        "  route_settings {\n    route_key              = \"join!\"\n    throttling_rate_limit  = 1\n    throttling_burst_limit = 5000\n  }\n",
        "    stage  = aws_apigatewayv2_stage.dev.name\n",
        "  depends_on = [aws_apigatewayv2_route.join_2]\n",
        "    link = aws_api_gateway_vpc_link.nlb.id\n    port = \"012\"\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn secrets_are_left_out_unless_somebody_asks() {
    let (control, _) = all_of_it();
    let text = |with_secrets| {
        export::cloudformation(&documents(&control), &Choice { with_secrets, ..ALL }, Notation::Yaml).unwrap()
    };
    assert!(text(true).contains("0123456789012345678901234567890123456789"));
    assert!(
        !text(false).contains("0123456789012345678901234567890123456789")
            && text(false).contains("# Its value is left out")
    );
}

#[test]
fn edits_that_are_not_deployed_are_told_and_change_what_is_deployed() {
    let (control, api) = all_of_it();
    let before = export::cloudformation(&documents(&control), &ALL, Notation::Yaml).unwrap();
    call(&control, Method::POST, &format!("/v2/apis/{api}/routes"), &json!({"routeKey": "leave"}));
    let after = export::cloudformation(&documents(&control), &ALL, Notation::Yaml).unwrap();
    let name = |text: &str| text.lines().find(|line| line.starts_with("  DevDeployment")).unwrap().to_owned();
    assert!(after.contains("# - Stage dev of chat runs a deployment from before the last edits;"), "{after}");
    assert_ne!(name(&before), name(&after));
}

#[test]
fn what_aws_does_not_take_is_told() {
    let control = control();
    let post = |path: &str, body: Json| call(&control, Method::POST, path, &body);
    let api = json!({"name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"});
    let api = post("/v2/apis", api)["apiId"].as_str().unwrap().to_owned();
    let function = "arn:aws:lambda:us-east-1:123456789012:function:chat";
    let path = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:${stageVariables.f}/invocations";
    for uri in [function, path] {
        let body = json!({"integrationType": "AWS_PROXY", "integrationMethod": "POST", "integrationUri": uri});
        post(&format!("/v2/apis/{api}/integrations"), body);
    }
    let body = json!({"name": "own", "authorizerType": "REQUEST", "authorizerUri": "https://example.com/auth", "identitySource": []});
    post(&format!("/v2/apis/{api}/authorizers"), body);
    post(&format!("/v2/apis/{api}/stages"), json!({"stageName": "dev"}));
    let text = export::cloudformation(&documents(&control), &ALL, Notation::Yaml).unwrap();
    for part in [
        "Stage dev of chat has no deployment: nobody can connect to it.",
        "chat calls functions, which are not part of this: chat.",
        "function:${stageVariables.f}/invocations: which functions those are is unknown, so that no permission is here.",
        "Authorizer own of chat is https://example.com/auth, an extension of Gatewright: AWS takes functions only.",
        "function:chat, for which AWS wants arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/arn:aws:lambda:",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("AWS::Lambda::Permission").count(), 1, "{text}");
}

#[test]
fn one_api_is_chosen_with_what_it_needs() {
    let (control, api) = all_of_it();
    let other = call(
        &control,
        Method::POST,
        "/v2/apis",
        &json!({"name": "other", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}),
    );
    let other = other["apiId"].as_str().unwrap().to_owned();
    call(&control, Method::POST, &format!("/v2/apis/{other}/routes"), &json!({"routeKey": "join"}));
    call(&control, Method::POST, "/apikeys", &json!({"name": "unused"}));
    let text = |apis: &[String]| {
        export::cloudformation(&documents(&control), &Choice { apis, with_secrets: false }, Notation::Yaml)
    };
    let all = text(&[]).unwrap();
    for part in ["ChatApi:", "OtherApi:", "ChatJoinRoute:", "OtherJoinRoute:", "UnusedApiKey:", "AlbVpcLinkV2:"] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let one = text(&[api]).unwrap();
    assert!(
        ["JoinRoute:", "NlbVpcLink:", "PartnerApiKey:", "ClientCertificate:"].iter().all(|part| one.contains(part)),
        "{one}"
    );
    assert!(!["Other", "Unused", "AlbVpcLinkV2"].iter().any(|part| one.contains(part)), "{one}");
    let other = text(&[other]).unwrap();
    assert!(!["VpcLink", "ApiKey", "Domain", "UsagePlan"].iter().any(|part| other.contains(part)), "{other}");
    assert_eq!(text(&["nothere".to_owned()]), Err(NoSuchApi("nothere".to_owned())));
}
