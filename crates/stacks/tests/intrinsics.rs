//! The functions, case by case, as the corpus has them.

mod common;

use common::{Placeholders, corpus, pseudo, shown};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use stacks::Fault;
use stacks::read::read;
use stacks::scope::{Others, Scope};
use stacks::template::Template;

/// What a case comes to, in the words of its file.
/// A value as JSON, or `nothing`; or what is wrong, where, and the path where it is not that of the whole value.
fn outcome(result: Result<Option<Json>, Fault>) -> toml::Table {
    let mut told = toml::Table::new();
    match result {
        Ok(Some(value)) => drop(told.insert("gives".to_owned(), value.to_string().into())),
        Ok(None) => drop(told.insert("gives".to_owned(), "nothing".into())),
        Err(fault) => {
            told.insert("fault".to_owned(), fault.message.clone().into());
            told.insert("at".to_owned(), format!("{}:{}", fault.place.line, fault.place.column).into());
            if !matches!(fault.path.as_str(), "" | "Value") {
                told.insert("path".to_owned(), fault.path.into());
            }
        }
    }
    told
}

/// What becomes of a whole template: what is wrong with it, or what it says of parameters, conditions and order.
fn whole(case: &toml::Table) -> toml::Table {
    let text = case["template"].as_str().expect("it is a text");
    let given = case.get("given").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let given = given.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect();
    let mut told = toml::Table::new();
    let mut tell = |what: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            told.insert(what.to_owned(), lines.into());
        }
    };
    let wrong = |faults: Vec<Fault>| {
        let shown = |fault: &Fault| format!("{}:{} {fault}", fault.place.line, fault.place.column);
        faults.iter().map(shown).collect()
    };
    let template = match read(text).map_err(|fault| vec![fault]).and_then(|document| Template::of(&document)) {
        Ok(template) => template,
        Err(faults) => {
            tell("faults", wrong(faults));
            return told;
        }
    };
    match Scope::new(&template, &given, pseudo(&json!({})), &Others::default()) {
        Err(faults) => tell("faults", wrong(faults)),
        Ok(scope) => {
            tell("parameters", scope.parameters().iter().map(|(name, value)| format!("{name}={value}")).collect());
            tell("conditions", scope.conditions().iter().map(|(name, holds)| format!("{name}={holds}")).collect());
            match scope.order() {
                Ok(order) if order.len() == 1 => {}
                Ok(order) => tell("order", vec![order.join(" ")]),
                Err(fault) => tell("faults", wrong(vec![fault])),
            }
            tell(
                "implied",
                scope.implied().iter().map(|(deployment, route)| format!("{deployment} {route}")).collect(),
            );
        }
    }
    told
}

/// Runs each case of a file; what a case says beside its question is its outcome.
fn run(file: &str, fewest: usize, ask: &dyn Fn(&toml::Table) -> toml::Table) {
    let cases: toml::Table = corpus(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let cases = cases["case"].as_array().expect("the file has cases");
    assert!(cases.len() >= fewest, "{file} has {} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        let case = case.as_table().expect("a case is a table");
        let mut expected = case.clone();
        expected.retain(|key, _| !matches!(key, "about" | "value" | "condition" | "template" | "text" | "given"));
        let told = ask(case);
        if told != expected {
            wrong += &format!("{}\n  said:\n{told}  expected:\n{expected}\n", case["about"]);
        }
    }
    assert!(wrong.is_empty(), "{file}:\n{wrong}");
}

#[test]
fn values_evaluate_as_the_corpus_says() {
    let source = corpus("intrinsics/scaffold.yaml");
    let document = read(&source).unwrap_or_else(|fault| panic!("{}", fault.shown("scaffold.yaml", &source)));
    let template =
        Template::of(&document).unwrap_or_else(|faults| panic!("{}", shown(&faults, "scaffold.yaml", &source)));
    let others = Others {
        exports: IndexMap::from([("shared-url".to_owned(), "https://shared.example.com".to_owned())]),
        outputs: IndexMap::from([(("shared".to_owned(), "Url".to_owned()), "https://shared.example.com".to_owned())]),
    };
    let pseudo = pseudo(&json!({}));
    let scope = Scope::new(&template, &IndexMap::new(), pseudo.clone(), &others)
        .unwrap_or_else(|faults| panic!("{}", shown(&faults, "scaffold.yaml", &source)));
    let kinds = template.resources.iter().map(|(name, each)| (name.clone(), each.kind.clone())).collect();
    let references = Placeholders { kinds, pseudo, ..Placeholders::default() };
    run("intrinsics/values.toml", 150, &|case| {
        let value = case["value"].as_str().expect("it is a text");
        let evaluated = read(value).and_then(|node| scope.evaluate(&node, "Value", &references));
        outcome(evaluated.map(|value| value.map(|value| value.to_json())))
    });
}

#[test]
fn templates_come_to_what_the_corpus_says() {
    run("intrinsics/templates.toml", 50, &whole);
}

#[test]
fn files_are_read_as_the_corpus_says() {
    run("intrinsics/reading.toml", 80, &|case| {
        let text = case["text"].as_str().expect("it is a text");
        outcome(read(text).map(|node| Some(node.to_json())))
    });
}
