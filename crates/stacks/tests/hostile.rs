//! Templates that mean harm, and templates with any mistake: a clear fault in bounded time and memory, and never a panic.

mod common;

use common::{Placeholders, corpus, pseudo};
use indexmap::IndexMap;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use stacks::read::{DEPTH_MAX, read};
use stacks::scope::{Others, Scope};
use stacks::template::{RESOURCES_MAX, Template};
use stacks::{Fault, Map, Node, Place, Value};

const SEED: u64 = 20_261_201;
/// How many values of each template get a wrong kind, one at a time; of the small one that has a bit of everything more than
/// there are values, each with several kinds.
const VALUES_PER_FILE: usize = 250;
const VALUES_OF_SCAFFOLD: usize = 2_500;
const SCAFFOLD: &str = "intrinsics/scaffold.yaml";

/// All that is done with a template: each resource and output evaluates, or a fault says what is wrong.
fn whole(document: &Node, given: &IndexMap<String, String>) -> Vec<Fault> {
    let template = match Template::of(document) {
        Ok(template) => template,
        Err(faults) => return faults,
    };
    let scope = match Scope::new(&template, given, pseudo(&json!({})), &Others::default()) {
        Ok(scope) => scope,
        Err(faults) => return faults,
    };
    let mut faults = Vec::new();
    let references = Placeholders { pseudo: pseudo(&json!({})), ..Placeholders::default() };
    let order = scope.order();
    let _ = (scope.implied(), scope.parameters());
    match order {
        Ok(order) => {
            assert_eq!(order.len(), template.resources.keys().filter(|name| scope.exists(name)).count());
            for logical in order {
                let path = format!("Resources.{logical}.Properties");
                faults.extend(scope.evaluate(&template.resources[logical].properties, &path, &references).err());
            }
        }
        Err(fault) => faults.push(fault),
    }
    for (name, output) in &template.outputs {
        faults.extend(scope.evaluate(&output.value, &format!("Outputs.{name}.Value"), &references).err());
    }
    faults
}

fn of(text: &str) -> Vec<Fault> {
    match read(text) {
        Ok(document) => whole(&document, &IndexMap::new()),
        Err(fault) => vec![fault],
    }
}

fn only(faults: &[Fault]) -> &str {
    assert_eq!(faults.len(), 1, "{faults:?}");
    &faults[0].message
}

/// What takes the place of a value. None of these is right everywhere.
fn wrong_kinds(place: Place) -> Vec<Node> {
    let node = |value| Node { value, place };
    let function = |name: &str, argument: Value| Node::map([(name, node(argument))], place);
    let text = |text: &str| Value::Text(text.to_owned());
    let mut kinds = vec![
        node(Value::Null),
        node(text("")),
        node(text("${")),
        node(text("${Nothing.At.All} ${!x} ${}")),
        node(Value::Plain("-1".to_owned())),
        node(Value::Plain("1e309".to_owned())),
        node(Value::Plain("true".to_owned())),
        node(Value::List(Vec::new())),
        node(Value::List(vec![node(Value::List(Vec::new())), node(Value::Null)])),
        node(Value::Map(Map::new())),
        Node::map([("a", node(text("b"))), ("Fn::Sub", node(text("c")))], place),
        function("Ref", text("AWS::NoValue")),
        function("Ref", text("Nothing")),
        function("Condition", text("Nothing")),
        function("Fn::Nothing", Value::Null),
    ];
    let functions = [
        "Ref",
        "Condition",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::Join",
        "Fn::If",
        "Fn::Equals",
        "Fn::And",
        "Fn::Or",
        "Fn::Not",
        "Fn::Select",
        "Fn::Split",
        "Fn::FindInMap",
        "Fn::Base64",
        "Fn::ImportValue",
        "Fn::GetStackOutput",
        "Fn::Cidr",
        "Fn::GetAZs",
        "Fn::Transform",
        "Fn::Length",
        "Fn::ToJsonString",
        "Fn::Contains",
        "Fn::ForEach::X",
    ];
    for name in functions {
        let items = |number: usize| Value::List(vec![node(text("a")); number]);
        for argument in
            [Value::Null, text("a.b"), items(0), items(1), items(2), items(3), items(4), Value::Map(Map::new())]
        {
            kinds.push(function(name, argument));
        }
    }
    kinds
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// The value of a number, counted from the top.
fn nth<'n>(node: &'n mut Node, left: &mut usize) -> Option<&'n mut Node> {
    if *left == 0 {
        return Some(node);
    }
    *left -= 1;
    match &mut node.value {
        Value::List(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Map(members) => members.values_mut().find_map(|member| nth(member, left)),
        _ => None,
    }
}

#[test]
fn any_value_of_a_wrong_kind_is_a_fault_or_fits() {
    let files = [
        "01-express-vpclink.yaml",
        "02-room-sam-plain.yaml",
        "03-authorizer-apikey.json",
        "04-cdk-chat.template.json",
        "05-serverless.compiled.json",
        "07-sam-websocketapi.yaml",
        SCAFFOLD,
    ];
    let mut random = StdRng::seed_from_u64(SEED);
    let (mut told, mut fitted) = (0, 0);
    for file in files {
        let document = read(&corpus(file)).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        let values = if file == SCAFFOLD { VALUES_OF_SCAFFOLD } else { VALUES_PER_FILE };
        let total = count(&document);
        for _ in 0..values {
            let index = random.random_range(0..total);
            let mut wrong = document.clone();
            let target = nth(&mut wrong, &mut { index }).expect("there are as many");
            let kinds = wrong_kinds(target.place);
            *target = kinds[random.random_range(0..kinds.len())].clone();
            let faults = whole(&wrong, &IndexMap::new());
            for fault in &faults {
                assert!(!fault.message.is_empty() && fault.message.len() < 1_000, "{file}: {fault:?}");
                assert!(!fault.message.contains("s3cret"), "{file}: {fault:?}");
            }
            told += usize::from(!faults.is_empty());
            fitted += usize::from(faults.is_empty());
        }
    }
    assert!(told > 5 * fitted / 10 && fitted > 100, "{told} with a fault, {fitted} without");
}

#[test]
fn functions_that_multiply_are_bounded() {
    // Each doubles what the next one makes.
    let mut text = "a".repeat(64);
    for _ in 0..30 {
        text = format!("!Sub ['${{X}}${{X}}', {{X: {text}}}]");
    }
    let doubled = format!("Resources: {{A: {{Type: T, Properties: {{a: {text}}}}}}}");
    assert!(only(&of(&doubled)).contains("16777216 bytes"));

    let mut joined = "a".repeat(64);
    for _ in 0..20 {
        joined = format!("!Join ['', [{joined}, !Join ['', !Split ['a', {joined}]]]]");
        if joined.len() > 2 << 20 {
            break;
        }
    }
    let faults = of(&format!("Resources: {{A: {{Type: T, Properties: {{a: {joined}}}}}}}"));
    assert!(faults.len() <= 1, "{faults:?}");

    let list = "x,".repeat(2_000);
    let referenced = "!Ref L,".repeat(2_000);
    let many = format!(
        "Parameters: {{L: {{Type: CommaDelimitedList, Default: '{list}'}}}}\nResources: {{A: {{Type: T, Properties: {{a: [{referenced}]}}}}}}"
    );
    assert!(only(&of(&many)).contains("500000 values"));

    let split = "!Split [x, !FindInMap [M, a, b]],".repeat(50);
    let many = format!(
        "Mappings: {{M: {{a: {{b: '{}'}}}}}}\nResources: {{A: {{Type: T, Properties: {{a: [{split}]}}}}}}",
        "x".repeat(100_000)
    );
    assert!(only(&of(&many)).contains("500000 values"));

    let patterns = |parameters: usize, value: usize| {
        let each = |index| {
            format!(
                "  P{index}: {{Type: CommaDelimitedList, AllowedPattern: '(a?){{200}}b', Default: '{}'}}\n",
                "a,".repeat(value)
            )
        };
        let parameters: String = (0..parameters).map(each).collect();
        of(&format!("Resources: {{A: {{Type: T}}}}\nParameters:\n{parameters}"))
    };
    assert!(only(&patterns(1, 1_000)).contains("does not match"));
    assert!(only(&patterns(1, 3_000)).contains("4096 are the most"));
    assert!(only(&patterns(501, 1)).contains("500 are the most"));
}

#[test]
fn functions_stand_in_each_other_as_deep_as_values_do() {
    let deep = |depth: usize| {
        let value = format!("{}a{}", "{Fn::Base64: ".repeat(depth), "}".repeat(depth));
        format!("Resources:\n  A:\n    Type: T\n    Properties: {{a: !Length [{value}]}}\n")
    };
    assert_eq!(of(&deep(20)), []);
    assert!(only(&of(&deep(92))).contains("bytes"), "it grows by a third each time");
    assert!(only(&of(&deep(DEPTH_MAX))).contains("100 deep"));

    let nested = |depth: usize| format!("{}a{}", "!Join ['', [".repeat(depth), "]]".repeat(depth));
    assert_eq!(of(&format!("Resources: {{A: {{Type: T, Properties: {{a: {}}}}}}}", nested(30))), []);

    // What others make may be deeper than what is read.
    for name in ["Ref", "Fn::Base64", "Fn::Length", "Fn::Not", "a"] {
        let mut value = Node::text("a", Place::default());
        for _ in 0..300 {
            value = Node::map([(name, value)], Place::default());
        }
        let resource = Node::map(
            [
                ("Type", Node::text("T", Place::default())),
                ("Properties", Node::map([("a", value.clone())], Place::default())),
            ],
            Place::default(),
        );
        let parts = [
            ("Conditions", Node::map([("A", value)], Place::default())),
            ("Resources", Node::map([("A", resource)], Place::default())),
        ];
        assert!(!whole(&Node::map(parts, Place::default()), &IndexMap::new()).is_empty(), "{name}");
    }
}

#[test]
fn cycles_and_chains_of_any_length_are_walked() {
    let number = 20_000;
    let chain: String = (0..number).map(|index| format!("  C{index}: !Not [Condition: C{}]\n", index + 1)).collect();
    let chained = format!("Resources: {{A: {{Type: T}}}}\nConditions:\n{chain}  C{number}: !Equals [a, a]\n");
    assert_eq!(of(&chained), []);
    let cycled = format!("Resources: {{A: {{Type: T}}}}\nConditions:\n{chain}  C{number}: !Not [Condition: C0]\n");
    let faults = of(&cycled);
    assert!(only(&faults).starts_with("these conditions ask each other: C0 → C1 → "));
    assert!(only(&faults).len() < 500, "{}", only(&faults));

    let resources: String = (0..RESOURCES_MAX)
        .map(|index| format!("  R{index}: {{Type: T, DependsOn: R{}}}\n", (index + 1) % RESOURCES_MAX))
        .collect();
    assert!(
        only(&of(&format!("Resources:\n{resources}"))).starts_with("these resources wait for each other: R0 → R1 → ")
    );
    let more = format!("Resources:\n{resources}  X: {{Type: T}}\n");
    assert!(only(&of(&more)).contains("1000 are the most"));
}

#[test]
fn many_deployments_and_routes_are_ordered() {
    let half = RESOURCES_MAX / 2;
    let of_kind = |kind: &str| -> String {
        let each = |index| format!("  {kind}{index}: {{Type: AWS::ApiGatewayV2::{kind}, Properties: {{ApiId: a}}}}\n");
        (0..half).map(each).collect()
    };
    let text = format!("Resources:\n{}{}", of_kind("Deployment"), of_kind("Route"));
    let document = read(&text).expect("it is YAML");
    let template = Template::of(&document).expect("nothing is wrong with it");
    let scope =
        Scope::new(&template, &IndexMap::new(), pseudo(&json!({})), &Others::default()).expect("nothing is missing");
    assert_eq!(scope.implied().len(), half * half);
    let order = scope.order().expect("nothing waits for each other");
    assert!(order[..half].iter().all(|name| name.starts_with("Route")), "{order:?}");
}

#[test]
fn a_template_that_is_wrong_many_times_is_told_in_bounds() {
    let wrong: String = (0..50_000).map(|index| format!("a{index}: !Ref Nothing{index}, ")).collect();
    let faults = of(&format!("Resources: {{A: {{Type: T, Properties: {{{wrong}}}}}}}"));
    assert_eq!(faults.len(), 100);
    let nulls = "~,".repeat(100_000);
    assert_eq!(of(&format!("Resources: {{A: {{Type: T, Properties: {{a: [{nulls}]}}}}}}")).len(), 100);
    let sections: String = (0..50_000).map(|index| format!("Section{index}: a\n")).collect();
    assert_eq!(of(&sections).len(), 100);
    // Each of these names is looked for among many.
    let named = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let conditions = named(5_000, &|index| format!("  Condition{index}: !Equals [a, b]\n"));
    let outputs = named(5_000, &|index| format!("  O{index}: {{Value: a, Condition: Conditio{index}}}\n"));
    let text = format!("Conditions:\n{conditions}Resources: {{A: {{Type: T}}}}\nOutputs:\n{outputs}");
    assert_eq!(of(&text).len(), 100);
    let waits = "Resourc1, ".repeat(5_000);
    let resources = named(RESOURCES_MAX, &|index| {
        format!("  Resource{index}: {{Type: T, DependsOn: [{}]}}\n", if index == 0 { &waits } else { "" })
    });
    assert_eq!(of(&format!("Resources:\n{resources}")).len(), 100);
    let long = "x".repeat(1 << 20);
    let faults = of(&format!(
        "Resources: {{A: {{Type: T, Properties: {{a: !Ref {long}, b: !Sub '${{{long}}}', c: !GetAtt {long}.a}}}}}}"
    ));
    assert!(faults.iter().all(|fault| fault.message.len() < 1_000));
    assert!(only(&of(&format!("a: !{long} b"))).len() < 300);
}

#[test]
fn five_megabytes_are_read_and_evaluated() {
    let value = "0123456789".repeat(10);
    let tags: String = (0..42_000).map(|index| format!("        tag{index}: '{value}'\n")).collect();
    let yaml = format!("Resources:\n  A:\n    Type: T\n    Properties:\n      Tags:\n{tags}");
    assert!(yaml.len() > 5_000_000);
    assert_eq!(of(&yaml), []);
    let json = serde_json::to_string(&read(&yaml).expect("it is YAML").to_json()).expect("it can be written");
    assert_eq!(of(&json), []);
}
