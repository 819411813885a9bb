//! What the tests over the corpus share.

#![allow(dead_code, reason = "each test crate uses its own part")]

use indexmap::IndexMap;
use serde_json::Value as Json;
use stacks::scope::{Pseudo, References};
use stacks::{Fault, Node, Place};

pub(crate) fn corpus(name: &str) -> String {
    let path = format!("{}/../../corpus/iac/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `{{Api}}` for `Ref`, `{{Api.ApiId}}` for an attribute; what is known before a resource is made is spelled out.
#[derive(Default)]
pub(crate) struct Placeholders {
    /// The kind of each resource.
    pub(crate) kinds: IndexMap<String, String>,
    /// What `Ref` gives where it is not the placeholder.
    pub(crate) names: IndexMap<String, String>,
    pub(crate) pseudo: Pseudo,
}

fn text(text: String) -> Option<Node> {
    Some(Node::text(text, Place::default()))
}

impl References for Placeholders {
    fn reference(&self, logical: &str) -> Option<Node> {
        text(self.names.get(logical).cloned().unwrap_or_else(|| format!("{{{{{logical}}}}}")))
    }

    fn attribute(&self, logical: &str, attribute: &str) -> Option<Node> {
        let Pseudo { account, region, partition, url_suffix, .. } = &self.pseudo;
        match (self.kinds.get(logical).map(String::as_str), attribute) {
            (Some("AWS::ApiGatewayV2::Api"), "ApiId") => self.reference(logical),
            (Some("AWS::ApiGatewayV2::Api"), "ApiEndpoint") => {
                text(format!("wss://{{{{{logical}}}}}.execute-api.{region}.{url_suffix}"))
            }
            (Some("AWS::ApiGatewayV2::Api"), "ExecuteApiArn") => {
                text(format!("arn:{partition}:execute-api:{region}:{account}:{{{{{logical}}}}}"))
            }
            (_, "Nothing") => None,
            _ => text(format!("{{{{{logical}.{attribute}}}}}")),
        }
    }
}

pub(crate) fn pseudo(of: &Json) -> Pseudo {
    let text = |name: &str, otherwise: &str| of[name].as_str().unwrap_or(otherwise).to_owned();
    Pseudo {
        account: text("AWS::AccountId", "000000000000"),
        region: text("AWS::Region", "us-east-1"),
        partition: text("AWS::Partition", "aws"),
        url_suffix: text("AWS::URLSuffix", "amazonaws.com"),
        stack_name: text("AWS::StackName", "demo"),
        stack_id: text("AWS::StackId", "arn:aws:cloudformation:us-east-1:000000000000:stack/demo/1"),
    }
}

/// All faults as a person reads them, below each other.
pub(crate) fn shown(faults: &[Fault], file: &str, source: &str) -> String {
    faults.iter().map(|fault| fault.shown(file, source)).collect::<Vec<_>>().join("\n")
}
