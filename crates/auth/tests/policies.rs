//! The policies of corpus/policies: what each allows, which statement decides, and what people are told.

use auth::{Decision, Keys, Policy, Question, evaluate};
use toml::Value;

const FILES: [&str; 3] = [
    include_str!("../../../corpus/policies/tools.toml"),
    include_str!("../../../corpus/policies/logic.toml"),
    include_str!("../../../corpus/policies/conditions.toml"),
];

/// What `…:` stands for in the corpus.
const PLACE: &str = "arn:aws:execute-api:us-east-1:123456789012:";
/// So many questions there are at least.
const QUESTIONS_MIN: usize = 200;

fn whole(resource: &str) -> String {
    resource.replacen("…:", PLACE, 1)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.map(|text| text.as_str().expect("a text").replace("…:", PLACE)).collect()
}

fn keys(value: Option<&Value>) -> Keys {
    let table = value.and_then(Value::as_table).into_iter().flatten();
    table.fold(Keys::default(), |keys, (name, value)| match value {
        Value::Array(values) => {
            values.iter().fold(keys, |keys, value| keys.with(name, value.as_str().expect("a text")))
        }
        value => keys.with(name, value.as_str().expect("a text")),
    })
}

#[test]
fn every_question_of_the_corpus_is_decided_by_its_statement() {
    let mut asked = 0;
    let mut wrong = Vec::new();
    for text in FILES {
        let corpus: toml::Table = toml::from_str(text).expect("the corpus is TOML");
        for case in corpus["case"].as_array().expect("a list of cases") {
            let about = case["about"].as_str().expect("a sentence");
            let parse = |(at, text): (usize, &String)| Policy::parse(&format!("p{}", at + 1), text);
            let documents = texts(case.get("documents"));
            let policies: Result<Vec<_>, _> = documents.iter().enumerate().map(parse).collect();
            let policies = policies.unwrap_or_else(|error| panic!("{about}: {error}"));
            for ask in case["ask"].as_array().expect("a list of questions") {
                let ask = ask.as_array().expect("action, resource, decision, statement");
                let part = |at: usize| ask.get(at).and_then(Value::as_str);
                let (action, resource) = (part(0).expect("an action"), whole(part(1).expect("a resource")));
                let keys = keys(ask.get(4));
                let verdict = evaluate(&policies, &Question { action, resource: &resource, keys: &keys });
                let decision = match verdict.decision {
                    Decision::Allowed => "allow",
                    Decision::ImplicitDeny => "none",
                    Decision::ExplicitDeny => "deny",
                };
                // The deciding statement; where there is none, words of the nearest miss.
                let by = match verdict.statement {
                    Some((policy, statement)) => format!("{policy}.{statement}"),
                    None => verdict.why.clone(),
                };
                let expected = part(3).expect("a statement, or words");
                let fits = if verdict.statement.is_some() { by == expected } else { by.contains(expected) };
                asked += 1;
                if Some(decision) != part(2) || !fits {
                    wrong.push(format!(
                        "{about}: {action} {resource}: {decision} {by}, and not {:?} {expected}",
                        part(2)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked >= QUESTIONS_MIN, "{asked}");
}

#[test]
fn what_is_no_policy_is_refused_with_its_place() {
    let statement =
        |more: &str| format!(r#"{{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"{more}}}]}}"#);
    for (text, expected) in [
        ("", "EOF"),
        ("[]", "it is no JSON object"),
        ("{}", "it has no Statement"),
        (r#"{"Version": "2012-10-18", "Statement": []}"#, "Version is neither"),
        (r#"{"Statment": []}"#, "`Statment` is no member"),
        (r#"{"Statement": [1]}"#, "statement 1: it is no JSON object"),
        (r#"{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}"#, "statement 1: Effect is neither"),
        (r#"{"Statement": [{"Action": "*", "Resource": "*"}]}"#, "statement 1: it has no Effect"),
        (r#"{"Statement": [{"Effect": "Allow", "Resource": "*"}]}"#, "statement 1: it has neither Action"),
        (r#"{"Statement": [{"Effect": "Allow", "Action": "*"}]}"#, "statement 1: it has neither Resource"),
        (r#"{"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]}"#, "statement 1: Action is empty"),
        (r#"{"Statement": [{"Effect": "Allow", "Action": 1, "Resource": "*"}]}"#, "Action is neither a text nor"),
        (&statement(r#", "NotAction": "a:b""#), "`NotAction` stands beside `Action`"),
        (&statement(r#", "Principal": "*""#), "`Principal` has no place"),
        (&statement(r#", "Conditions": {}"#), "`Conditions` is no member of a statement"),
        (&statement(r#", "Condition": []"#), "Condition is no JSON object"),
        (&statement(r#", "Effect": "Deny""#), "`Effect` stands there twice"),
        (&statement(r#", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}"#), "`10.0.0.0/33` is no address"),
        (&statement(r#", "Condition": {"Bool": {"aws:SecureTransport": "yes"}}"#), "`yes` is no truth value"),
        (&statement(r#", "Condition": {"NumericEquals": {"aws:EpochTime": "x"}}"#), "`x` is no number"),
        (&statement(r#", "Condition": {"DateEquals": {"aws:CurrentTime": "x"}}"#), "`x` is no date"),
        (&statement(r#", "Condition": {"Null": {"aws:userid": "x"}}"#), "neither true nor false"),
    ] {
        let error = Policy::parse("p", text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(Policy::parse("p", &" ".repeat(200_000)).is_err());
    assert!(Policy::parse("p", &"[".repeat(100_000)).is_err(), "depth is bounded");
}

#[test]
fn what_cannot_be_decided_is_remarked() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "x/${saml:sub}", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "BinaryEquals": {"aws:userid": "eA=="}}},
        {"Effect": "Allow", "Action": "*", "Resource": "x/${aws:username}", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    ]}"#;
    let remarks = Policy::parse("p.json", text).unwrap().remarks();
    assert_eq!(
        remarks,
        [
            "statement 1 of p.json: the key aws:MultiFactorAuthPresent is not known here",
            "statement 1 of p.json: the operator BinaryEquals is not known here",
            "statement 1 of p.json: the variable saml:sub of Resource is not known here",
        ]
    );
}
