//! What is kept of a stack: what it was made of and what it made, as one JSON document beside the definitions.

use indexmap::IndexMap;
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::parameters::HIDDEN;

/// A stack as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub id: String,
    /// When it was made, as CloudFormation writes times.
    pub created: String,
    /// When it was changed last; empty where it never was.
    pub updated: String,
    /// How the last change ended, in CloudFormation's words, such as `UPDATE_COMPLETE`.
    pub status: String,
    /// The template's text.
    pub template: String,
    /// Where that stood, for people; empty where nobody said.
    pub file: String,
    /// Its description.
    pub description: String,
    /// Its parameters.
    pub parameters: IndexMap<String, KeptParameter>,
    /// What it made, in the order in which it was made.
    pub resources: IndexMap<String, KeptResource>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// Why its functions do not run here, where whoever brought them may not have code run; else empty.
    pub refused: String,
    /// The names of what it imports of other stacks.
    pub imports: Vec<String>,
    /// What happened to it, oldest first; at most [`EVENTS_MAX`].
    pub events: Vec<Event>,
    /// What else CloudFormation's API was told of it.
    pub settings: Settings,
}

/// What is kept of a stack for whoever asks CloudFormation's API, and means nothing here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Its tags.
    pub tags: IndexMap<String, String>,
    /// What its maker acknowledged, such as `CAPABILITY_IAM`.
    pub capabilities: Vec<String>,
    /// Topics that would hear of it.
    pub notified: Vec<String>,
    /// The role that would make it; may be empty.
    pub role: String,
    /// Whether it may not be deleted.
    pub is_protected: bool,
    /// Whether what failed stays as it is.
    pub keeps_failures: bool,
    /// The change set that made it what it is; may be empty.
    pub change_set: String,
    /// Why it is in its status; may be empty.
    pub reason: String,
    /// The token of the call that made it what it is; may be empty.
    pub token: String,
}

/// How many events are kept of a stack.
pub const EVENTS_MAX: usize = 500;

/// A parameter of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptParameter {
    /// What it was given, or its default.
    pub value: String,
    /// Whether nobody may read it.
    pub is_secret: bool,
}

/// A resource of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptResource {
    /// CloudFormation's name of its type.
    pub kind: String,
    /// What `Ref` gives.
    pub physical: String,
    /// Where it stands in the control plane; empty for what has no place there.
    pub path: String,
    /// By what people know it.
    pub label: String,
    /// What it was made of, as it was sent.
    pub body: Json,
    /// When it was made or changed.
    pub updated: String,
}

/// An output of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Its name.
    pub key: String,
    /// What it says.
    pub value: String,
    /// For people; may be empty.
    pub description: String,
    /// The name by which other stacks import it; may be empty.
    pub export: String,
}

/// Something that happened to a stack.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Event {
    /// When.
    pub time: String,
    /// The resource, or the stack.
    pub logical: String,
    /// What `Ref` gives.
    pub physical: String,
    /// The type.
    pub kind: String,
    /// In CloudFormation's words.
    pub status: String,
    /// Why; may be empty.
    pub reason: String,
}

fn text(json: &Json, member: &str) -> String {
    json.get(member).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn list<'j>(json: &'j Json, member: &str) -> impl Iterator<Item = &'j Json> {
    json.get(member).and_then(Json::as_array).into_iter().flatten()
}

fn map<'j>(json: &'j Json, member: &str) -> impl Iterator<Item = (&'j String, &'j Json)> {
    json.get(member).and_then(Json::as_object).into_iter().flatten()
}

impl Settings {
    fn read(json: &Json) -> Settings {
        let texts = |member: &str| list(json, member).filter_map(Json::as_str).map(str::to_owned).collect();
        let tags = map(json, "tags").map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
        Settings {
            tags: tags.collect(),
            capabilities: texts("capabilities"),
            notified: texts("notified"),
            role: text(json, "role"),
            is_protected: json["protected"] == true,
            keeps_failures: json["keepsFailures"] == true,
            change_set: text(json, "changeSet"),
            reason: text(json, "reason"),
            token: text(json, "token"),
        }
    }

    fn write(&self) -> Json {
        json!({
            "tags": self.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<JsonMap<_, _>>(),
            "capabilities": self.capabilities,
            "notified": self.notified,
            "role": self.role,
            "protected": self.is_protected,
            "keepsFailures": self.keeps_failures,
            "changeSet": self.change_set,
            "reason": self.reason,
            "token": self.token,
        })
    }
}

impl Record {
    /// Whether nothing was ever made of it: it is under review, or could not be made.
    pub fn is_unmade(&self) -> bool {
        matches!(
            self.status.as_str(),
            "" | "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED"
        )
    }

    /// As it was kept. What a later version kept besides is not looked at.
    pub fn read(document: &JsonMap<String, Json>) -> Record {
        let json = &Json::Object(document.clone());
        let parameter = |(name, kept): (&String, &Json)| {
            let is_secret = kept["noEcho"] == true;
            (name.clone(), KeptParameter { value: text(kept, "value"), is_secret })
        };
        let resource = |(logical, kept): (&String, &Json)| {
            let resource = KeptResource {
                kind: text(kept, "type"),
                physical: text(kept, "physicalId"),
                path: text(kept, "path"),
                label: text(kept, "label"),
                body: kept["body"].clone(),
                updated: text(kept, "updated"),
            };
            (logical.clone(), resource)
        };
        let output = |kept: &Json| Output {
            key: text(kept, "key"),
            value: text(kept, "value"),
            description: text(kept, "description"),
            export: text(kept, "export"),
        };
        let event = |kept: &Json| Event {
            time: text(kept, "time"),
            logical: text(kept, "logicalId"),
            physical: text(kept, "physicalId"),
            kind: text(kept, "type"),
            status: text(kept, "status"),
            reason: text(kept, "reason"),
        };
        Record {
            name: text(json, "stackName"),
            id: text(json, "stackId"),
            created: text(json, "created"),
            updated: text(json, "updated"),
            status: text(json, "status"),
            template: text(json, "template"),
            file: text(json, "file"),
            description: text(json, "description"),
            parameters: map(json, "parameters").map(parameter).collect(),
            resources: map(json, "resources").map(resource).collect(),
            outputs: list(json, "outputs").map(output).collect(),
            refused: text(json, "refused"),
            imports: list(json, "imports").filter_map(Json::as_str).map(str::to_owned).collect(),
            events: list(json, "events").map(event).collect(),
            settings: Settings::read(&json["settings"]),
        }
    }

    /// To be kept.
    pub fn write(&self) -> JsonMap<String, Json> {
        let parameters = self
            .parameters
            .iter()
            .map(|(name, parameter)| (name.clone(), json!({"value": parameter.value, "noEcho": parameter.is_secret})));
        let resources = self.resources.iter().map(|(logical, resource)| {
            let KeptResource { kind, physical, path, label, body, updated } = resource;
            let kept = json!({
                "type": kind, "physicalId": physical, "path": path, "label": label, "body": body, "updated": updated,
            });
            (logical.clone(), kept)
        });
        let outputs = self.outputs.iter().map(|Output { key, value, description, export }| {
            json!({"key": key, "value": value, "description": description, "export": export})
        });
        let skipped = self.events.len().saturating_sub(EVENTS_MAX);
        let events = self.events.iter().skip(skipped).map(|Event { time, logical, physical, kind, status, reason }| {
            json!({
                "time": time, "logicalId": logical, "physicalId": physical, "type": kind, "status": status, "reason": reason,
            })
        });
        let document = json!({
            "stackName": self.name,
            "stackId": self.id,
            "created": self.created,
            "updated": self.updated,
            "status": self.status,
            "template": self.template,
            "file": self.file,
            "description": self.description,
            "parameters": parameters.collect::<JsonMap<_, _>>(),
            "resources": resources.collect::<JsonMap<_, _>>(),
            "outputs": outputs.collect::<Vec<_>>(),
            "refused": self.refused,
            "imports": self.imports,
            "events": events.collect::<Vec<_>>(),
            "settings": self.settings.write(),
        });
        match document {
            Json::Object(document) => document,
            _ => JsonMap::new(),
        }
    }
}

impl Record {
    /// A text without what the parameters hold that nobody may read.
    pub fn masked(&self, text: &str) -> String {
        let secrets = self.parameters.values().filter(|kept| kept.is_secret && !kept.value.is_empty());
        secrets.fold(text.to_owned(), |text, kept| {
            // As it stands in JSON, too.
            let escaped = Json::from(kept.value.as_str()).to_string();
            let text = text.replace(&kept.value, HIDDEN);
            text.replace(escaped.trim_matches('"'), HIDDEN)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let record = Record {
            name: "chat".into(),
            id: "arn".into(),
            parameters: [("A".into(), KeptParameter { value: "1".into(), is_secret: true })].into_iter().collect(),
            resources: [("R".into(), KeptResource { kind: "T".into(), body: json!({"a": 1}), ..Default::default() })]
                .into_iter()
                .collect(),
            outputs: vec![Output { key: "k".into(), value: "v".into(), ..Default::default() }],
            events: vec![Event { status: "CREATE_COMPLETE".into(), ..Default::default() }],
            settings: Settings {
                tags: [("k".into(), "v".into())].into_iter().collect(),
                capabilities: vec!["CAPABILITY_IAM".into()],
                is_protected: true,
                reason: "why".into(),
                ..Default::default()
            },
            ..Default::default()
        };
        assert_eq!(Record::read(&record.write()), record);
        let many = Record { events: vec![Event::default(); EVENTS_MAX + 7], ..record };
        assert_eq!(Record::read(&many.write()).events.len(), EVENTS_MAX);
    }
}
