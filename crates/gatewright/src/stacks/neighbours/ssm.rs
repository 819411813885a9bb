//! SSM's Parameter Store, of which there is one parameter: CDK asks how new its bootstrap stack is.

use http::HeaderMap;
use serde_json::{Value, json};
use stacks::api::Error;
use types::arn::Home;
use types::time::Timestamp;

/// The names that have a value: `/cdk-bootstrap/hnb659fds/version`, whatever the qualifier.
const PREFIX: &str = "/cdk-bootstrap/";
const SUFFIX: &str = "/version";
/// The version that is told: newer than any app asks for, since there is nothing of it that could be too old.
const VERSION: &str = "999";
/// The most names of a call. Source: the model.
const NAMES_MAX: usize = 10;

pub(crate) struct Call {
    names: Vec<String>,
    is_one: bool,
}

impl Call {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Call, Error> {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| Error::new(400, "SerializationException", "the body is no JSON"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let wrong = || Error::new(400, "ValidationException", "the names of parameters are missing, or too many");
        match target.strip_prefix("AmazonSSM.").unwrap_or(target) {
            "GetParameter" => Ok(Call { names: vec![text(&body["Name"]).ok_or_else(wrong)?], is_one: true }),
            "GetParameters" => {
                let names = body["Names"].as_array().filter(|names| names.len() <= NAMES_MAX).ok_or_else(wrong)?;
                Ok(Call { names: names.iter().filter_map(text).collect(), is_one: false })
            }
            other => {
                let text = format!("{other:.80}: of SSM, GetParameter and GetParameters are answered here");
                Err(Error::new(400, "UnknownOperationException", text))
            }
        }
    }

    pub(super) fn action(&self) -> &'static str {
        if self.is_one { "ssm:GetParameter" } else { "ssm:GetParameters" }
    }

    pub(super) fn resource(&self, region: &str, account: &str) -> String {
        match self.names.as_slice() {
            [one] => arn(region, account, one),
            _ => format!("arn:aws:ssm:{region}:{account}:parameter/*"),
        }
    }

    pub(super) fn answer(&self, home: &Home, now: Timestamp) -> Result<String, Error> {
        let is_there = |name: &&String| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let (there, missing): (Vec<_>, Vec<_>) = self.names.iter().partition(is_there);
        let shown = |name: &String| {
            json!({
                "Name": name, "Type": "String", "Value": VERSION, "Version": 1, "DataType": "text",
                "ARN": arn(&home.region, &home.account_id, name), "LastModifiedDate": now.seconds(),
            })
        };
        match (self.is_one, there.first()) {
            (true, Some(name)) => Ok(json!({ "Parameter": shown(name) }).to_string()),
            (true, None) => Err(Error::new(400, "ParameterNotFound", "there is no such parameter here")),
            (false, _) => {
                let there: Vec<_> = there.into_iter().map(shown).collect();
                Ok(json!({ "Parameters": there, "InvalidParameters": missing }).to_string())
            }
        }
    }
}

fn arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))
}
