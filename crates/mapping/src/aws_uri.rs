//! The URI of an AWS or AWS_PROXY integration: which function, or which call of a service, it names.
//!
//! Read once, when a stage is compiled, with the stage's variables in place. Source: documented ("Integration", `uri`, of the
//! API reference); what tools write beside that is accepted where it is plain what is meant (ours).

use types::arn::{Function, domain};
use types::message::{HttpTarget, ServiceTarget};
use types::resources::Map;

use crate::uri::{UriTemplate, with_variables};

/// The path of Lambda's Invoke, around the function.
const INVOKE: (&str, &str) = ("2015-03-31/functions/", "/invocations");

/// Services whose protocol is JSON, which take the action in `X-Amz-Target`: service, and what stands before the action.
/// Source: observed on REST APIs.
const JSON_SERVICES: [(&str, &str); 4] = [
    ("dynamodb", "DynamoDB_20120810"),
    ("kinesis", "Kinesis_20131202"),
    ("ssm", "AmazonSSM"),
    ("states", "AWSStepFunctions"),
];

/// The longest name of a function, and of an alias. Source: documented (Lambda's API: 140 with what stands around it; 128).
const NAME_MAX: usize = 140;
const QUALIFIER_MAX: usize = 128;

/// What such a URI names.
#[derive(Debug, PartialEq)]
pub(crate) enum AwsUri {
    Function(Function),
    Service(Box<ServiceUri>),
}

/// One call of a service, ready but for its path parameters.
#[derive(Debug, PartialEq)]
pub(crate) struct ServiceUri {
    service: String,
    region: String,
    at: UriTemplate,
    role: Option<String>,
    /// `X-Amz-Target`, for services that want it.
    pub(crate) target: Option<String>,
}

impl AwsUri {
    /// Reads a URI, after putting in the stage's variables:
    ///
    /// - `arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations`, where the function is
    ///   an ARN, a part of one, or a name, each with an alias or a version behind it, or a function's own ARN;
    /// - `arn:{partition}:apigateway:{region}:{service}:action/{Action}[&name=value…]`, or `…:path/{path}`.
    ///
    /// # Errors
    /// A sentence: which variable is not set, or what names nothing.
    pub(crate) fn compile(text: &str, variables: &Map<String>) -> Result<AwsUri, String> {
        let text = with_variables(text, variables)?;
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, "apigateway", region, service, call] => match invoked(service, call) {
                Some(name) => function(name, partition, region).map(AwsUri::Function),
                None => service_call(&text, [partition, region, service], call),
            },
            ["arn", partition, "lambda", region, ..] => function(&text, partition, region).map(AwsUri::Function),
            _ => Err(format!("`{text}` names neither a function nor a service: {}", forms())),
        }
    }
}

/// The function that a URI without variables names; `None` where it names none.
pub fn function_of(uri: &str) -> Option<Function> {
    match AwsUri::compile(uri, &Map::new()) {
        Ok(AwsUri::Function(function)) => Some(function),
        Ok(AwsUri::Service(_)) | Err(_) => None,
    }
}

impl ServiceUri {
    /// The same, with the credentials of this role.
    pub(crate) fn signed_by(self, role: Option<String>) -> ServiceUri {
        ServiceUri { role, ..self }
    }

    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.at.has_parameter(name)
    }

    /// The target with `parameters` in place and `query` appended.
    pub(crate) fn fill(&self, parameters: &[(&str, String)], query: &str) -> ServiceTarget {
        let at: HttpTarget = self.at.fill(parameters, query);
        ServiceTarget { service: self.service.clone(), region: self.region.clone(), at, role: self.role.clone() }
    }
}

fn forms() -> String {
    let (before, after) = INVOKE;
    format!(
        "arn:aws:apigateway:REGION:lambda:path/{before}FUNCTION_ARN{after}, a function's own ARN, or \
         arn:aws:apigateway:REGION:SERVICE:action/ACTION"
    )
}

// The function that a call of Lambda invokes; other calls of Lambda are calls of a service.
fn invoked<'t>(service: &str, call: &'t str) -> Option<&'t str> {
    let path = call.strip_prefix("path/").filter(|_| service == "lambda")?;
    path.trim_start_matches('/').strip_prefix(INVOKE.0)?.strip_suffix(INVOKE.1)
}

// `arn:p:lambda:r:account:function:name[:qualifier]`, `[account:]function:name[:qualifier]`, or `name[:qualifier]`.
fn function(text: &str, partition: &str, region: &str) -> Result<Function, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (partition, region, account_id, rest) = match parts.as_slice() {
        ["arn", partition, "lambda", region, account, "function", rest @ ..] => (*partition, *region, *account, rest),
        ["arn", ..] => return Err(format!("`{text}` is no function's ARN: {}", forms())),
        ["function", rest @ ..] => (partition, region, "", rest),
        [account, "function", rest @ ..] => (partition, region, *account, rest),
        rest => (partition, region, "", rest),
    };
    let (name, qualifier) = match rest {
        [name] => (*name, None),
        [name, qualifier] => (*name, Some(*qualifier)),
        _ => return Err(format!("`{text}` names no function: {}", forms())),
    };
    let is = |text: &str, more: &str, most: usize| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.len() <= most && text.chars().all(fits)
    };
    let is_account = account_id.is_empty() || account_id.bytes().all(|byte| byte.is_ascii_digit());
    if !is(name, "-_", NAME_MAX) || !is_account || !is(region, "-", NAME_MAX) || !is(partition, "-", NAME_MAX) {
        return Err(format!("`{text}` names no function: {}", forms()));
    }
    if let Some(qualifier) = qualifier.filter(|text| !is(text, "-_$", QUALIFIER_MAX)) {
        return Err(format!("`{text}`: `{qualifier}` is no alias or version"));
    }
    Ok(Function {
        partition: partition.to_owned(),
        region: region.to_owned(),
        account_id: account_id.to_owned(),
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
    })
}

fn service_call(text: &str, [partition, region, service]: [&str; 3], call: &str) -> Result<AwsUri, String> {
    let nothing = || format!("`{text}` names no call of a service: {}", forms());
    let (path, target) = match (call.strip_prefix("action/"), call.strip_prefix("path/")) {
        (Some(action), _) => {
            let name = action.split('&').next().unwrap_or_default();
            let json = JSON_SERVICES.iter().find(|(of, _)| *of == service);
            let target = json.map(|(_, prefix)| format!("{prefix}.{name}"));
            (Some(format!("?Action={action}")).filter(|_| !name.is_empty()), target)
        }
        (None, Some(path)) => (Some(path.trim_start_matches('/').to_owned()), None),
        (None, None) => (None, None),
    };
    let path = path.ok_or_else(nothing)?;
    // An execution that is waited for has a host of its own. Inferred from the API's model (its prefix `sync-`).
    let prefix = if service == "states" && path == "?Action=StartSyncExecution" { "sync-" } else { "" };
    let url = format!("https://{prefix}{service}.{region}.{}/{path}", domain(partition));
    let is_label = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if !is_label(region) || !service.split('.').all(is_label) {
        return Err(nothing());
    }
    let at = UriTemplate::compile(&url, &Map::new())?;
    // `{subdomain}.{service}`: the service is what stands last.
    let service = service.rsplit('.').next().unwrap_or(service).to_owned();
    Ok(AwsUri::Service(Box::new(ServiceUri { service, region: region.to_owned(), at, role: None, target })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Map<String> {
        [("fn", "chat"), ("alias", "live"), ("region", "eu-west-1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn functions_are_found_however_tools_name_them() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:chat";
        for (named, expected) in [
            (arn, arn),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:chat:live",
                "arn:aws:lambda:us-east-1:123456789012:function:chat:live",
            ),
            (
                "arn:aws:lambda:eu-west-1:999999999999:function:a-b_C:$LATEST",
                "arn:aws:lambda:eu-west-1:999999999999:function:a-b_C:$LATEST",
            ),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:${stageVariables.fn}:${stageVariables.alias}",
                "arn:aws:lambda:us-east-1:123456789012:function:chat:live",
            ),
            (
                "arn:aws:lambda:${stageVariables.region}:123456789012:function:x",
                "arn:aws:lambda:eu-west-1:123456789012:function:x",
            ),
            ("123456789012:function:chat:7", "arn:aws:lambda:ap-south-1:123456789012:function:chat:7"),
            ("function:chat", "chat"),
            ("chat:live", "chat:live"),
        ] {
            let through = format!("arn:aws:apigateway:ap-south-1:lambda:path/2015-03-31/functions/{named}/invocations");
            let found = AwsUri::compile(&through, &variables());
            let Ok(AwsUri::Function(function)) = found else { panic!("{named}: {found:?}") };
            assert_eq!(function.to_string(), expected);
            if named.starts_with("arn:") {
                assert_eq!(AwsUri::compile(named, &variables()), Ok(AwsUri::Function(function)), "{named}");
            }
        }
        let china = "arn:aws-cn:apigateway:cn-north-1:lambda:path//2015-03-31/functions/chat/invocations";
        let Ok(AwsUri::Function(function)) = AwsUri::compile(china, &Map::new()) else { panic!("{china}") };
        let url = "https://lambda.cn-north-1.amazonaws.com.cn/2015-03-31/functions/chat/invocations";
        assert_eq!(function.url(), url);
    }

    #[test]
    fn what_names_nothing_is_named() {
        let through =
            |name: &str| format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{name}/invocations");
        for (text, part) in [
            ("https://api.example.com/ws".to_owned(), "names neither a function nor a service"),
            (String::new(), "names neither"),
            ("arn:aws:sns:us-east-1:123456789012:topic".to_owned(), "names neither"),
            ("arn:aws:lambda:us-east-1:123456789012:layer:x".to_owned(), "is no function's ARN"),
            (through(""), "names no function"),
            (through("a b"), "names no function"),
            (through("${stageVariables.none}"), "stage variable `none`"),
            (through("arn:aws:lambda:us-east-1:x:function:chat"), "names no function"),
            (through("chat:a:b"), "names no function"),
            (through("chat:a/b"), "`a/b` is no alias or version"),
            (through("../x"), "names no function"),
            ("arn:aws:apigateway:us-east-1:dynamodb:PutItem".to_owned(), "names no call of a service"),
            ("arn:aws:apigateway:us-east-1:dynamodb:action/".to_owned(), "names no call of a service"),
            ("arn:aws:apigateway:us-east-1:evil.com/x:path/y".to_owned(), "names no call of a service"),
            ("arn:aws:apigateway::sqs:path/y".to_owned(), "names no call of a service"),
        ] {
            let found = AwsUri::compile(&text, &variables());
            assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{text}: {found:?}");
        }
    }

    #[test]
    fn calls_of_services_have_aws_s_address() {
        for (call, service, url, target) in [
            (
                "dynamodb:action/PutItem",
                "dynamodb",
                "https://dynamodb.us-east-1.amazonaws.com/?Action=PutItem",
                Some("DynamoDB_20120810.PutItem"),
            ),
            (
                "sns:action/Publish&TopicArn=a",
                "sns",
                "https://sns.us-east-1.amazonaws.com/?Action=Publish&TopicArn=a",
                None,
            ),
            (
                "states:action/StartSyncExecution",
                "states",
                "https://sync-states.us-east-1.amazonaws.com/?Action=StartSyncExecution",
                Some("AWSStepFunctions.StartSyncExecution"),
            ),
            ("sqs:path/123456789012/queue", "sqs", "https://sqs.us-east-1.amazonaws.com/123456789012/queue", None),
            ("bucket.s3:path/{key}", "s3", "https://bucket.s3.us-east-1.amazonaws.com/a%2Fb", None),
            (
                "lambda:path/2015-03-31/functions",
                "lambda",
                "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions",
                None,
            ),
        ] {
            let found = AwsUri::compile(&format!("arn:aws:apigateway:us-east-1:{call}"), &Map::new());
            let Ok(AwsUri::Service(uri)) = found else { panic!("{call}: {found:?}") };
            let filled = uri.fill(&[("key", "a%2Fb".to_owned())], "");
            assert_eq!((filled.service.as_str(), filled.at.url().as_str()), (service, url));
            assert_eq!(uri.target.as_deref(), target, "{call}");
        }
    }
}
