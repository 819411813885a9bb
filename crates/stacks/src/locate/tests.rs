use serde_json::json;

use super::*;

fn check(files: &[(&str, String)]) -> Result<Vec<Located>, Fault> {
    locate(&|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.clone()))
}

fn manifest() -> String {
    json!({"version": "48.0.0", "artifacts": {
        "Second": {
            "type": "aws:cloudformation:stack", "environment": "aws://123456789012/eu-west-1", "dependencies": ["First", "Second.assets"],
            "properties": {"templateFile": "Second.template.json", "stackName": "chat-second", "parameters": {"A": "b"}},
        },
        "First": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "First.template.json"}},
        "Second.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Second.assets.json"}},
        "assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }})
    .to_string()
}

fn assets(path: &str) -> String {
    json!({"files": {"abc": {"source": {"path": path, "packaging": "zip"}, "destinations": {"current": {"bucketName": "b", "objectKey": "abc.zip"}}}}}).to_string()
}

#[test]
fn an_app_of_the_cdk_has_its_stacks_and_assets() {
    let inner = json!({"artifacts": {"Prod": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "P.template.json"}},
        "Prod.assets": {"type": "cdk:asset-manifest", "properties": {"file": "P.assets.json"}}}});
    for folder in ["", "cdk.out/"] {
        let file = |name: &str| format!("{folder}{name}");
        let names = [
            file("manifest.json"),
            file("Second.assets.json"),
            file("assembly-Prod/manifest.json"),
            file("assembly-Prod/P.assets.json"),
        ];
        let texts = [manifest(), assets("asset.abc"), inner.to_string(), assets("../asset.x")];
        let files: Vec<(&str, String)> = names.iter().map(String::as_str).zip(texts).collect();
        let found = check(&files).expect("stacks");
        let names: Vec<_> =
            found.iter().map(|found| (found.stack.as_deref().expect("a name"), found.template.as_str())).collect();
        assert_eq!(
            names,
            [
                ("First", file("First.template.json").as_str()),
                ("chat-second", &file("Second.template.json")),
                ("Prod", &file("assembly-Prod/P.template.json")),
            ]
        );
        assert_eq!((found[0].region.as_deref(), found[0].account.as_deref()), (None, None));
        assert_eq!(
            (found[1].region.as_deref(), found[1].account.as_deref()),
            (Some("eu-west-1"), Some("123456789012"))
        );
        assert_eq!(found[1].parameters["A"], "b");
        assert_eq!(found[1].assets.path("abc.zip"), Some(file("asset.abc").as_str()));
        assert_eq!(found[1].assets.path("other.zip"), None);
        assert_eq!(found[2].assets.path("abc.zip"), None, "a path out of its folder is none");
    }
}

#[test]
fn an_app_is_bounded_and_a_circle_ends() {
    let mut artifacts = serde_json::Map::new();
    let ids: Vec<String> = (0..400).map(|number| format!("S{number}")).collect();
    for id in &ids {
        artifacts.insert(
            id.clone(),
            json!({"type": "aws:cloudformation:stack", "dependencies": ids[..40], "properties": {"templateFile": "t"}}),
        );
    }
    let app = |artifacts: &serde_json::Map<String, serde_json::Value>| json!({"artifacts": artifacts}).to_string();
    assert_eq!(check(&[("manifest.json", app(&artifacts))]).expect("stacks").len(), 400);
    let files: serde_json::Map<_, _> = (0..300)
        .map(|n| (n.to_string(), json!({"source": {"path": "a"}, "destinations": {"d": {"objectKey": n.to_string()}}})))
        .collect();
    artifacts.insert("A".into(), json!({"type": "cdk:asset-manifest", "properties": {"file": "a.json"}}));
    let fault = check(&[("manifest.json", app(&artifacts)), ("a.json", json!({"files": files}).to_string())])
        .expect_err("assets");
    assert!(fault.message.contains("assets"), "{fault}");
    for number in 400..600 {
        artifacts.insert(format!("S{number}"), artifacts["S0"].clone());
    }
    assert!(check(&[("manifest.json", app(&artifacts))]).expect_err("stacks").message.contains("stacks"));
}

#[test]
fn a_packaged_service_has_its_code_beside_it() {
    let found = check(&[("cloudformation-template-update-stack.json", "{}".into())]).expect("a template");
    assert_eq!(found[0].assets.path("serverless/a/dev/1/a.zip"), Some(".."));
    let found = check(&[(".serverless/cloudformation-template-update-stack.json", "{}".into())]).expect("a template");
    assert_eq!(found[0].template, ".serverless/cloudformation-template-update-stack.json");
    assert_eq!(found[0].assets.path("serverless/a/dev/1/a.zip"), Some("."));
}

#[test]
fn what_a_person_wrote_is_found() {
    for (file, template) in [
        ("template.yaml", "template.yaml"),
        ("serverless.yml", "serverless.yml"),
        (".aws-sam/build/template.yaml", ".aws-sam/build/template.yaml"),
    ] {
        assert_eq!(check(&[(file, "x".into())]).expect("a template")[0].template, template);
    }
    assert!(check(&[]).expect_err("nothing").message.contains("no template here"));
    // A web app's manifest is none of the CDK's.
    assert!(check(&[("manifest.json", "{\"name\": \"app\"}".into())]).is_err());
}

#[test]
fn a_manifest_that_is_none_is_a_fault() {
    for manifest in [
        "{",
        "{\"artifacts\": {}}",
        "{\"artifacts\": {\"S\": {\"type\": \"aws:cloudformation:stack\"}}}",
        "{\"artifacts\": {\"S\": {\"type\": \"aws:cloudformation:stack\", \"properties\": {\"templateFile\": \"../x\"}}}}",
        "{\"artifacts\": {\"S\": 1, \"T\": [], \"U\": {\"type\": {}}}}",
    ] {
        check(&[("manifest.json", manifest.to_owned())]).expect_err(manifest);
    }
    // An assembly that is in itself.
    let itself =
        json!({"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "a"}}}}).to_string();
    let fault = locate(&|path| path.ends_with("manifest.json").then(|| itself.clone())).expect_err("a circle");
    assert!(fault.message.contains("in each other"), "{fault}");
}

#[test]
fn the_metadata_of_a_function_names_its_code() {
    let resource =
        |path: &str| Node::of_json(&json!({"Metadata": {"aws:asset:path": path, "aws:asset:property": "Code"}}));
    assert_eq!(asset_of(&resource("asset.abc")).as_deref(), Some("asset.abc"));
    assert_eq!(asset_of(&resource("../x")), None);
    assert_eq!(asset_of(&Node::default()), None);
}
