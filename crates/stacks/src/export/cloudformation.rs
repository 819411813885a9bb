//! A CloudFormation template of exported resources.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::Notation;
use super::items::{Item, Items};
use super::value::{Part, Value, is_function};
use super::yaml;
use crate::kinds::{Kind, Shape};

const WRITTEN_BY: &str = "Written by `gatewright export --format cloudformation`.";

/// How many characters of a digest come into the name of a deployment.
const DIGEST_CHARS: usize = 8;

/// Writes the template.
pub(super) fn write(items: &Items, notation: Notation) -> String {
    let names = names(items);
    let written = Written { names: &names };
    let resources: Vec<Json> = items.list.iter().map(|item| written.resource(item)).collect();
    match notation {
        Notation::Yaml => {
            let mut out = String::new();
            comment(&mut out, 0, WRITTEN_BY);
            for remark in &items.remarks {
                comment(&mut out, 0, &format!("- {remark}"));
            }
            yaml::member(&mut out, 0, "AWSTemplateFormatVersion", &"2010-09-09".into());
            // An empty template has no meaning, and readers need something there.
            out.push_str(if resources.is_empty() { "\nResources: {}\n" } else { "\nResources:\n" });
            for (n, ((item, resource), name)) in items.list.iter().zip(&resources).zip(&names).enumerate() {
                if n > 0 {
                    out.push('\n');
                }
                for remark in &item.remarks {
                    comment(&mut out, 2, remark);
                }
                yaml::member(&mut out, 2, name, resource);
            }
            let outputs = written.outputs(items);
            if !outputs.is_empty() {
                out.push('\n');
                yaml::member(&mut out, 0, "Outputs", &Json::Object(outputs));
            }
            out
        }
        Notation::Json => {
            let of_items = items
                .list
                .iter()
                .zip(&names)
                .flat_map(|(item, name)| item.remarks.iter().map(move |remark| format!("{name}: {remark}")));
            let remarks: Vec<String> =
                std::iter::once(WRITTEN_BY.to_owned()).chain(items.remarks.iter().cloned()).chain(of_items).collect();
            let resources: JsonMap<String, Json> = names.iter().cloned().zip(resources).collect();
            let mut template = json!({
                "AWSTemplateFormatVersion": "2010-09-09",
                "Metadata": {"Gatewright": remarks},
                "Resources": resources,
            });
            let outputs = written.outputs(items);
            if !outputs.is_empty() {
                template["Outputs"] = Json::Object(outputs);
            }
            format!("{template:#}\n")
        }
    }
}

/// A comment has one line, whatever stands in names.
fn comment(out: &mut String, indent: usize, text: &str) {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') { ' ' } else { c })
        .collect();
    out.push_str(&format!("{:indent$}# {text}\n", ""));
}

/// The logical ids: a deployment's says what it deploys, too, because AWS deploys again only where there is a new resource.
fn names(items: &Items) -> Vec<String> {
    let plain: Vec<String> = items.list.iter().map(|item| item.logical.clone()).collect();
    let written = Written { names: &plain };
    let name = |item: &Item| {
        if item.kind != "AWS::ApiGatewayV2::Deployment" {
            return item.logical.clone();
        }
        let api = item.path.split('/').take(2).collect::<Vec<_>>().join("/");
        let of_api = items.list.iter().filter(|other| {
            let rest = other.path.strip_prefix(&api);
            rest.is_some_and(|rest| {
                rest.is_empty() || ["/models/", "/authorizers/"].iter().any(|part| rest.starts_with(part))
            })
        });
        let mut digest = sha1_smol::Sha1::new();
        for part in of_api.chain(item.after.iter().map(|index| &items.list[*index])) {
            digest.update(written.resource(part).to_string().as_bytes());
        }
        format!("{}{}", item.logical, &digest.digest().to_string()[..DIGEST_CHARS])
    };
    items.list.iter().map(name).collect()
}

struct Written<'w> {
    names: &'w [String],
}

impl Written<'_> {
    fn resource(&self, item: &Item) -> Json {
        let mut resource = JsonMap::new();
        resource.insert("Type".to_owned(), item.kind.into());
        let after: Vec<&str> = item.after.iter().map(|index| self.names[*index].as_str()).collect();
        match after.as_slice() {
            [] => {}
            [one] => {
                resource.insert("DependsOn".to_owned(), (*one).into());
            }
            several => {
                resource.insert("DependsOn".to_owned(), several.into());
            }
        }
        let properties: JsonMap<String, Json> = item
            .properties
            .iter()
            .map(|(name, value)| {
                let shape = Kind::of(item.kind).and_then(|kind| kind.property(name)).map(|property| property.shape);
                let value = match (shape, value) {
                    (Some(Shape::TagList), Value::Map(tags)) => {
                        tags.iter().map(|(key, value)| json!({"Key": key, "Value": self.json(value)})).collect()
                    }
                    _ => self.json(value),
                };
                ((*name).to_owned(), value)
            })
            .collect();
        if !properties.is_empty() {
            resource.insert("Properties".to_owned(), properties.into());
        }
        resource.into()
    }

    /// The addresses of the stages.
    fn outputs(&self, items: &Items) -> JsonMap<String, Json> {
        let stages = items.list.iter().enumerate().filter(|(_, item)| item.kind == "AWS::ApiGatewayV2::Stage");
        let output = |(at, item): (usize, &Item)| {
            let (_, Value::Parts(api)) = item.properties.iter().find(|(name, _)| *name == "ApiId")? else {
                return None;
            };
            let [Part::Reference(api)] = api.as_slice() else { return None };
            let url = format!("${{{}.ApiEndpoint}}/${{{}}}", self.names[*api], self.names[at]);
            Some((format!("{}Url", self.names[at]), json!({"Value": {"Fn::Sub": url}})))
        };
        stages.filter_map(output).collect()
    }

    fn json(&self, value: &Value) -> Json {
        match value {
            Value::Text(text) => text.as_str().into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::Null => Json::Null,
            Value::List(items) => items.iter().map(|item| self.json(item)).collect(),
            // A user's key that CloudFormation would take for a function: a map may stand as JSON in a text, too.
            Value::Map(members) if members.iter().any(|(key, _)| is_function(key)) => {
                let plain: JsonMap<String, Json> =
                    members.iter().map(|(key, value)| (key.clone(), self.json(value))).collect();
                Json::Object(plain).to_string().into()
            }
            Value::Map(members) => {
                members.iter().map(|(key, value)| (key.clone(), self.json(value))).collect::<JsonMap<_, _>>().into()
            }
            Value::Parts(parts) => match parts.as_slice() {
                [Part::Reference(index)] => json!({"Ref": self.names[*index]}),
                parts => json!({"Fn::Sub": parts.iter().map(|part| self.part(part)).collect::<String>()}),
            },
        }
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Text(text) => text.replace("${", "${!"),
            Part::Reference(index) => format!("${{{}}}", self.names[*index]),
            Part::ExecutionArn(index) => {
                let api = &self.names[*index];
                format!("arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}")
            }
        }
    }
}
