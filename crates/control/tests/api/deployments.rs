//! Deployments, auto-deploy, and the snapshots that come of them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::gateway::{Gateway, id};
use crate::stores::Folder;

/// An API with one route and a deployed stage `dev`: the API's path.
fn deployed(gateway: &Gateway) -> String {
    let api = gateway.api_with_route();
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    api
}

#[track_caller]
fn add_route(gateway: &Gateway, api: &str, key: &str) -> String {
    gateway.make(&format!("{api}/routes"), json!({"routeKey": key}), "routeId")
}

#[test]
fn an_edit_reaches_clients_only_through_a_deployment() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    let before = gateway.stage(&api, "dev").unwrap();
    add_route(&gateway, &api, "second");
    gateway.ok("PATCH", &api, json!({"routeSelectionExpression": "changed"}));
    assert!(Arc::ptr_eq(&before, &gateway.stage(&api, "dev").unwrap()));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first"]);
    let deployment = gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first", "second"]);
    assert_eq!(before.definition.routes.len(), 1, "who holds the old one still reads the old one");
    let stage = gateway.ok("GET", &format!("{api}/stages/dev"), Value::Null);
    assert_eq!(stage["deploymentId"], deployment["deploymentId"]);
}

#[test]
fn a_deployment_holds_routes_and_integrations_with_their_responses() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let integration = json!({
        "integrationType": "HTTP", "integrationMethod": "POST", "integrationUri": "http://h", "timeoutInMillis": 70,
        "requestParameters": {"integration.request.header.a": "'1'"},
    });
    let integration = gateway.make(&format!("{api}/integrations"), integration, "integrationId");
    let responses = format!("{integration}/integrationresponses");
    gateway.ok("POST", &responses, json!({"integrationResponseKey": "$default", "responseTemplates": {"a": "b"}}));
    let target = format!("integrations/{}", id(&integration));
    let route = json!({"routeKey": "say", "target": target, "routeResponseSelectionExpression": "$default"});
    let route = gateway.make(&format!("{api}/routes"), route, "routeId");
    gateway.ok("POST", &format!("{route}/routeresponses"), json!({"routeResponseKey": "$default"}));
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev", "stageVariables": {"a": "b"}}));
    assert!(gateway.stage(&api, "dev").is_none(), "a stage without a deployment is not reachable");
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));

    let stage = gateway.stage(&api, "dev").unwrap();
    assert_eq!(stage.settings.stage_variables["a"], "b");
    let definition = &stage.definition;
    assert_eq!((definition.api.api_id.as_str(), definition.api.name.as_str()), (id(&api), "n"));
    let route = &definition.routes[0];
    assert_eq!(route.route.target.as_deref(), Some(target.as_str()));
    assert_eq!(route.responses[0].route_response_key, "$default");
    let integration = &definition.integrations[0];
    assert_eq!(integration.integration.timeout_in_millis, Some(70));
    assert_eq!(integration.integration.request_parameters["integration.request.header.a"], "'1'");
    assert_eq!(integration.responses[0].response_templates["a"], "b");
}

#[test]
fn an_edit_of_one_stage_leaves_all_others_the_same() {
    let gateway = Gateway::new();
    let (one, two) = (deployed(&gateway), deployed(&gateway));
    gateway.ok("POST", &format!("{one}/stages"), json!({"stageName": "prod"}));
    let deployment = gateway.ok("GET", &format!("{one}/stages/dev"), Value::Null)["deploymentId"].clone();
    gateway.ok("PATCH", &format!("{one}/stages/prod"), json!({"deploymentId": deployment}));
    let before = gateway.snapshot();
    assert!(Arc::ptr_eq(
        &gateway.stage(&one, "dev").unwrap().definition,
        &gateway.stage(&one, "prod").unwrap().definition
    ));
    gateway.ok("PATCH", &format!("{one}/stages/dev"), json!({"stageVariables": {"a": "b"}}));
    let after = gateway.snapshot();
    for (key, stage) in &before.stages {
        let is_changed = key.api_id == id(&one) && key.stage == "dev";
        assert_eq!(Arc::ptr_eq(stage, &after.stages[key]), !is_changed, "{key}");
    }
    let dev = gateway.stage(&one, "dev").unwrap();
    assert_eq!(dev.settings.stage_variables["a"], "b", "settings act at once");
    assert!(Arc::ptr_eq(&dev.definition, &gateway.stage(&one, "prod").unwrap().definition));
    assert!(gateway.stage(&two, "dev").is_some());
}

#[test]
fn what_did_not_change_between_two_deployments_is_the_same_for_both() {
    let folder = Folder::new();
    let gateway = folder.open();
    let api = gateway.api_with_route();
    let model = |name: &str| json!({"name": name, "schema": "{}"});
    gateway.ok("POST", &format!("{api}/models"), model("Kept"));
    let changed = gateway.make(&format!("{api}/models"), model("Changed"), "modelId");
    for stage in ["one", "two"] {
        let deployment = gateway.ok("POST", &format!("{api}/deployments"), Value::Null)["deploymentId"].clone();
        gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": stage, "deploymentId": deployment}));
        gateway.ok("PATCH", &changed, json!({"schema": format!(r#"{{"title":"after {stage}"}}"#)}));
    }
    let check = |gateway: &Gateway, when: &str| {
        let [one, two] = ["one", "two"].map(|stage| gateway.stage(&api, stage).unwrap().definition.clone());
        assert!(!Arc::ptr_eq(&one, &two), "{when}");
        assert!(Arc::ptr_eq(&one.api, &two.api), "{when}");
        assert!(Arc::ptr_eq(&one.routes[0].route, &two.routes[0].route), "{when}");
        assert!(Arc::ptr_eq(&one.models[0], &two.models[0]), "{when}");
        assert_eq!(one.models[1].schema, "{}", "{when}");
        assert_eq!(two.models[1].schema, r#"{"title":"after one"}"#, "{when}");
    };
    check(&gateway, "as they are made");
    drop(gateway);
    check(&folder.open(), "after a restart");
}

#[test]
fn what_clients_cannot_notice_is_not_published() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    let before = gateway.publications();
    gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"description": "x"}));
    gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({}));
    gateway.ok("GET", &api, Value::Null);
    gateway.call("POST", &format!("{api}/routes"), json!({"routeKey": "$wrong"}));
    assert_eq!(gateway.publications(), before);
}

#[test]
fn a_stage_moves_back_to_an_older_deployment() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    let stage = format!("{api}/stages/dev");
    let old = gateway.ok("GET", &stage, Value::Null)["deploymentId"].clone();
    add_route(&gateway, &api, "second");
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    gateway.ok("PATCH", &stage, json!({"deploymentId": old}));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first"]);
    gateway.ok("PATCH", &stage, json!({"deploymentId": ""}));
    assert!(gateway.stage(&api, "dev").is_none());
    assert_eq!(gateway.control.stages().iter().map(|(_, is)| *is).collect::<Vec<_>>(), [false]);
}

#[test]
fn an_auto_deploy_stage_follows_every_edit_with_one_deployment() {
    let gateway = Gateway::new();
    let api = gateway.api();
    let body = json!({"stageName": "dev", "autoDeploy": true});
    let (status, stage) = gateway.call("POST", &format!("{api}/stages"), body);
    assert_eq!((status, stage.get("deploymentId")), (201, None), "without a route there is nothing to deploy yet");
    assert!(stage["lastDeploymentStatusMessage"].as_str().unwrap().starts_with("Deployment attempt failed"));

    let first = add_route(&gateway, &api, "first");
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first"]);
    add_route(&gateway, &api, "second");
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first", "second"]);
    gateway.ok("PATCH", &first, json!({"routeKey": "1st"}));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["1st", "second"]);
    gateway.ok("DELETE", &first, Value::Null);
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["second"]);
    let mock = gateway.make(&format!("{api}/integrations"), json!({"integrationType": "MOCK"}), "integrationId");
    gateway.ok("POST", &format!("{mock}/integrationresponses"), json!({"integrationResponseKey": "$default"}));
    gateway.ok("PATCH", &api, json!({"name": "renamed"}));
    let definition = gateway.stage(&api, "dev").unwrap().definition.clone();
    assert_eq!((definition.integrations[0].responses.len(), definition.api.name.as_str()), (1, "renamed"));

    let deployments = gateway.ok("GET", &format!("{api}/deployments"), Value::Null)["items"].clone();
    let stage = gateway.ok("GET", &format!("{api}/stages/dev"), Value::Null);
    let deployment = deployments[0].clone();
    assert_eq!(deployments.as_array().unwrap().len(), 1, "what was superseded is gone: {deployments}");
    assert_eq!(deployment["autoDeployed"], true);
    assert_eq!(deployment["description"], "Automatic deployment triggered by changes to the Api configuration");
    assert_eq!(stage["deploymentId"], deployment["deploymentId"]);
    let id = deployment["deploymentId"].as_str().unwrap();
    let message = format!("Successfully deployed stage with deployment ID '{id}'");
    assert_eq!(stage["lastDeploymentStatusMessage"], message);
    let before = gateway.publications();
    gateway.ok("PATCH", &api, json!({}));
    assert_eq!(gateway.publications(), before, "nothing changed, nothing deployed");
}

#[test]
fn turning_auto_deploy_on_deploys_at_once_and_manual_deployments_stay() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    add_route(&gateway, &api, "second");
    let stage = gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"autoDeploy": true}));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first", "second"]);
    let deployments = gateway.ok("GET", &format!("{api}/deployments"), Value::Null)["items"].clone();
    assert_eq!(deployments.as_array().unwrap().len(), 2);
    assert_eq!((&deployments[0]["autoDeployed"], &deployments[1]["autoDeployed"]), (&json!(false), &json!(true)));
    assert_eq!(stage["deploymentId"], deployments[1]["deploymentId"], "the answer tells of it");
    gateway.ok("DELETE", &format!("{api}/stages/dev"), Value::Null);
    let deployments = gateway.ok("GET", &format!("{api}/deployments"), Value::Null)["items"].clone();
    assert_eq!(deployments.as_array().unwrap().len(), 1, "its automatic deployment goes with the stage");
}

#[test]
fn a_person_is_told_of_a_bare_stage_and_once_of_each_series_of_edits() {
    let gateway = Gateway::new();
    let api = gateway.api_with_route();
    assert_eq!(gateway.remarks(), [""; 0]);
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "dev"}));
    let id = id(&api);
    let deploy = format!("run aws apigatewayv2 create-deployment --api-id {id} --stage-name dev");
    let bare =
        format!("stage dev of API {id} was created without a deployment; clients get 403 until you deploy: {deploy}");
    let edited = format!("API {id} was edited but not deployed to stage dev (auto-deploy is off): {deploy}");
    assert_eq!(gateway.remarks(), [bare.as_str()]);
    add_route(&gateway, &api, "a");
    assert_eq!(gateway.remarks().len(), 1, "a stage without a deployment was spoken of already");
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    let snapshot = gateway.snapshot();
    add_route(&gateway, &api, "b");
    add_route(&gateway, &api, "c");
    assert_eq!(gateway.remarks(), [bare.as_str(), &edited]);
    assert!(Arc::ptr_eq(&snapshot, &gateway.snapshot()), "only the remark was new");
    gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    add_route(&gateway, &api, "d");
    assert_eq!(gateway.remarks(), [bare.as_str(), &edited, &edited]);
    gateway.ok("POST", &format!("{api}/stages"), json!({"stageName": "auto", "autoDeploy": true}));
    add_route(&gateway, &api, "e");
    assert_eq!(gateway.remarks().len(), 3);
}

#[test]
fn a_deployment_without_effect_is_remarked() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    let first = gateway.ok("GET", &format!("{api}/stages/dev"), Value::Null)["deploymentId"].clone();
    let first = first.as_str().unwrap();
    assert!(!gateway.remarks().iter().any(|text| text.contains(first)), "it had an effect");
    let snapshot = gateway.snapshot();
    let same = gateway.ok("POST", &format!("{api}/deployments"), json!({"stageName": "dev"}));
    let same = same["deploymentId"].as_str().unwrap();
    let api_id = id(&api);
    let nothing =
        format!("deployment {same} of API {api_id} changed nothing on stage dev: the API is as in deployment {first}");
    assert_eq!(gateway.remarks().last(), Some(&nothing));
    add_route(&gateway, &api, "second");
    let unused = gateway.ok("POST", &format!("{api}/deployments"), json!({}));
    let unused = unused["deploymentId"].as_str().unwrap();
    let text = format!(
        "deployment {unused} of API {api_id} has no effect yet, as no stage points at it: run aws apigatewayv2 \
         update-stage --api-id {api_id} --stage-name dev --deployment-id {unused}"
    );
    assert_eq!(gateway.remarks().last(), Some(&text));
    let kept = &snapshot.stages[&gateway.stage(&api, "dev").unwrap().key].definition;
    assert_eq!(kept.routes.len(), gateway.deployed_routes(&api, "dev").len());
    let told = gateway.remarks().len();
    gateway.ok("PATCH", &format!("{api}/stages/dev"), json!({"deploymentId": unused}));
    assert_eq!(gateway.deployed_routes(&api, "dev"), ["first", "second"]);
    assert_eq!(gateway.remarks().len(), told, "this one had an effect");
}

#[test]
fn a_model_that_is_none_is_refused_when_it_is_made_and_changed() {
    let gateway = Gateway::new();
    let api = deployed(&gateway);
    let models = format!("{api}/models");
    let model =
        gateway.make(&models, json!({"name": "M", "schema": "{\"type\":\"string\",\"minLength\":2}"}), "modelId");
    for schema in ["[]", "not json", "{\"type\":\"objekt\"}", "{\"example\":1}"] {
        let calls =
            [("POST", &models, json!({"name": "N", "schema": schema})), ("PATCH", &model, json!({"schema": schema}))];
        for (method, path, body) in calls {
            let (status, answer) = gateway.call(method, path, body);
            let message = answer["message"].as_str().unwrap();
            assert!(
                status == 400 && message.contains("Invalid model schema specified"),
                "{schema}: {status} {message}"
            );
        }
    }
}
