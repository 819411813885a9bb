//! What is made of SAM's resources is what AWS's own translator made of them: `corpus/iac/sam`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use stacks::Node;
use stacks::transforms::{Known, expand};

fn known() -> Known {
    Known { parameters: Default::default(), region: "eu-west-1".into(), partition: "aws".into() }
}

fn cases() -> Vec<(String, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/iac/sam");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, serde_json::from_str(&fs::read_to_string(path).expect("a case")).expect("JSON"))
    };
    paths.into_iter().map(read).collect()
}

/// A document without the functions and their roles, of which the translator makes more than is needed here.
fn without_functions(mut document: Json) -> Json {
    let resources = document["Resources"].as_object_mut().expect("resources");
    resources
        .retain(|_, resource| !matches!(resource["Type"].as_str(), Some("AWS::Lambda::Function" | "AWS::IAM::Role")));
    document
}

#[test]
fn what_is_made_is_what_the_translator_made() {
    let mut compared = 0;
    for (name, case) in cases() {
        let Some(expected) = case.get("expanded") else { continue };
        let expanded =
            expand(&Node::of_json(&case["template"]), &known()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        let (ours, theirs) = (without_functions(expanded.document.to_json()), without_functions(expected.clone()));
        for (id, resource) in theirs["Resources"].as_object().expect("resources") {
            assert_eq!(&ours["Resources"][id], resource, "{name}: {id}");
        }
        assert_eq!(ours, theirs, "{name}");
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} cases");
}

/// The translator's words and ours.
const MEANINGS: &[(&str, &str)] = &[
    ("IpAddressType must be", "ipv4 or dualstack"),
    ("No additional configurations supported", "takes no other settings"),
    ("is not one of AWS_IAM, CUSTOM or NONE", "is NONE, AWS_IAM or CUSTOM"),
    ("AuthArn must be specified", "needs the ARN of the authorizer's function"),
    ("Authorization is only available if there is a $connect", "needs a $connect route"),
    ("AuthType must be specified", "AuthType is missing"),
    ("Invalid Basepath name", "a base path has letters"),
    ("Basepath must be a string", "a base path is a text"),
    ("Type of property 'DisableExecuteApiEndpoint'", "this is a boolean, not a text"),
    ("EndpointConfiguration for Custom Domains", "is REGIONAL"),
    ("both DomainName and CertificateArn", "both DomainName and CertificateArn"),
    ("Missing required property 'RouteSelectionExpression'", "RouteSelectionExpression is missing"),
    ("Missing required property 'Routes'", "Routes is missing"),
    ("Route must have associated function", "needs the ARN of its function"),
    ("'WebsocketApi' is not supported", "no resources of the kind"),
    ("'Routes' is not a supported property", "cannot say Routes"),
    ("A resource with that id already exists", "the template has one of that name"),
    ("invalid resource attribute 'IgnoreGlobals'", "which Globals do not say"),
    ("must be alphanumeric. Only $connect", "letters and digits only here"),
    ("Mutual TLS", "no mutual TLS"),
    ("Property 'Name' should be a string", "this is a text, not a number"),
    ("must have at least one route", "at least one route"),
    ("Request parameters are only supported", "for the $connect route only"),
    ("HostedZoneId or HostedZoneName is required", "needs HostedZoneId or HostedZoneName"),
    ("Stages cannot be named $default", "cannot have the name $default"),
    ("Logical ids must be alphanumeric", "ids have letters and digits only"),
    ("Property 'Tags' should be a map", "this is a map, not a list"),
    ("property StagesName not defined", "knows no property \"StagesName\""),
];

#[test]
fn what_the_translator_refuses_is_refused() {
    let mut compared = 0;
    for (name, case) in cases() {
        let Some(refused) = case.get("refused").and_then(Json::as_array) else { continue };
        let faults = expand(&Node::of_json(&case["template"]), &known()).expect_err(&name);
        for refusal in refused {
            let refusal = refusal.as_str().expect("a text");
            let (_, ours) = MEANINGS
                .iter()
                .find(|(theirs, _)| refusal.contains(theirs))
                .unwrap_or_else(|| panic!("{name}: no meaning for {refusal:?}"));
            assert!(faults.iter().any(|fault| fault.message.contains(ours)), "{name}: {faults:?} without {ours:?}");
        }
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} cases");
}

fn function(properties: Json, more: Json) -> Json {
    let mut function = json!({"Type": "AWS::Serverless::Function", "Properties": properties});
    function.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
    let document = json!({
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": {"Timeout": 5, "Environment": {"Variables": {"A": "all"}}, "Architectures": ["arm64"]}},
        "Resources": {"F": function},
        "Outputs": {"Alias": {"Value": {"Ref": "F.Alias"}}},
    });
    expand(&Node::of_json(&document), &known())
        .map(|expanded| expanded.document.to_json())
        .unwrap_or_else(|faults| json!(faults[0].to_string()))
}

#[test]
fn a_function_keeps_what_runs_it() {
    let made = function(
        json!({
            "CodeUri": "src/", "Handler": "app.handler", "Runtime": "nodejs22.x", "MemorySize": 256, "Architectures": ["x86_64"],
            "Environment": {"Variables": {"B": {"Ref": "Table"}}}, "Policies": ["x"], "Events": {"E": {"Type": "Api"}},
        }),
        json!({"Metadata": {"BuildMethod": "esbuild", "BuildProperties": {"EntryPoints": ["app.ts"]}}, "Condition": "C", "DependsOn": ["X"]}),
    );
    let f = &made["Resources"]["F"];
    assert_eq!(f["Type"], "AWS::Lambda::Function");
    assert_eq!(f["Metadata"], json!({"BuildMethod": "esbuild", "BuildProperties": {"EntryPoints": ["app.ts"]}}));
    assert_eq!((&f["Condition"], &f["DependsOn"]), (&json!("C"), &json!(["X"])));
    let properties = json!({
        "Code": "src/", "Handler": "app.handler", "Runtime": "nodejs22.x", "MemorySize": 256, "Timeout": 5, "Architectures": ["x86_64"],
        "Environment": {"Variables": {"A": "all", "B": {"Ref": "Table"}}}, "Role": {"Fn::GetAtt": ["FRole", "Arn"]},
        "Tags": [{"Key": "lambda:createdBy", "Value": "SAM"}],
    });
    assert_eq!(f["Properties"], properties);
    assert_eq!(made["Resources"]["FRole"]["Type"], "AWS::IAM::Role");
    assert_eq!(made["Resources"]["FRole"]["Condition"], "C");
}

#[test]
fn code_is_where_the_template_says() {
    let code = |properties: Json| function(properties, json!({}))["Resources"]["F"]["Properties"]["Code"].clone();
    assert_eq!(code(json!({})), ".");
    assert_eq!(code(json!({"InlineCode": "x", "CodeUri": "src/"})), json!({"ZipFile": "x"}));
    assert_eq!(code(json!({"InlineCode": "x"})), json!({"ZipFile": "x"}));
    assert_eq!(
        code(json!({"CodeUri": "s3://b/k/l?versionId=3"})),
        json!({"S3Bucket": "b", "S3Key": "k/l", "S3ObjectVersion": "3"})
    );
    assert_eq!(code(json!({"CodeUri": {"Bucket": "b", "Key": "k"}})), json!({"S3Bucket": "b", "S3Key": "k"}));
    assert_eq!(code(json!({"PackageType": "Image", "ImageUri": "i"})), json!({"ImageUri": "i"}));
    assert_eq!(code(json!({"PackageType": "Image"})), Json::Null);
}

#[test]
fn an_alias_is_published() {
    let made = function(
        json!({"AutoPublishAlias": "live-1", "CodeUri": "s3://b/k", "Role": "r", "FunctionUrlConfig": {"AuthType": "NONE"}}),
        json!({}),
    );
    let resources = made["Resources"].as_object().expect("resources");
    let (version, _) = resources.iter().find(|(_, made)| made["Type"] == "AWS::Lambda::Version").expect("a version");
    // As the translator names it, of code and environment.
    assert_eq!(version, "FVersiondf9eec51fe");
    let alias = json!({"Name": "live-1", "FunctionName": {"Ref": "F"}, "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}});
    assert_eq!(resources["FAliasliveD1"]["Properties"], alias);
    assert_eq!(resources["FUrl"]["Properties"]["TargetFunctionArn"], json!({"Ref": "FAliasliveD1"}));
    assert_eq!(made["Outputs"]["Alias"]["Value"], json!({"Ref": "FAliasliveD1"}));
    assert!(!resources.contains_key("FRole"));
}

#[test]
fn a_function_that_sam_refuses_is_refused() {
    for (properties, part) in [
        (json!({"CodeUri": 12, "Environment": []}), "Environment: this is a map, not a list"),
        (json!({"CodeUri": ["x"]}), "CodeUri is a path"),
        (json!({"CodeUri": {"Bucket": "b", "Kee": "k"}}), "needs Bucket and Key"),
        (json!({"AutoPublishAlias": {"Fn::Join": []}}), "an alias is a name"),
        (json!({"AutoPublishAlias": "12"}), "an alias is a name"),
        (json!({"FunctionUrlConfig": {"AuthType": "X"}}), "needs the AuthType"),
        (json!("x"), "properties are a map"),
    ] {
        let said = function(properties, json!({}));
        assert!(said.as_str().is_some_and(|said| said.contains(part)), "{said} without {part:?}");
    }
}

#[test]
fn what_sam_does_unexpectedly_is_remarked() {
    let remarks = |case: &str| {
        let (_, case) = cases().into_iter().find(|(name, _)| name == case).expect("the case");
        let remarks = expand(&Node::of_json(&case["template"]), &known()).expect("expands").remarks;
        remarks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(remarks("condition_and_depends_on").contains("does not hand the condition"));
    assert!(remarks("two_keys_with_one_id").contains("id of another"));
    assert_eq!(remarks("the_least"), "");
    let forgotten = json!({"Resources": {"Ws": {"Type": "AWS::Serverless::WebSocketApi"}}});
    let remarks = expand(&Node::of_json(&forgotten), &known()).expect("expands").remarks;
    assert!(remarks[0].message.contains("lacks `Transform"), "{remarks:?}");
}

#[test]
fn other_transforms_are_named() {
    let document = json!({"Transform": ["AWS::ServiceCatalog", "AWS::Serverless-2016-10-31"], "Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}}});
    let expanded = expand(&Node::of_json(&document), &known()).expect("expands");
    assert_eq!(expanded.document.to_json(), json!({"Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}}}));
    assert_eq!(expanded.remarks.len(), 1);
    let faults =
        expand(&Node::of_json(&json!({"Transform": ["Mine"], "Resources": {}})), &known()).expect_err("a macro");
    assert!(faults[0].message.contains("\"Mine\""));
    expand(&Node::of_json(&json!({"Transform": [12, {}], "Resources": {}})), &known()).expect_err("no names");
}
