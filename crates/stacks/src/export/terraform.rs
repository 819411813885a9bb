//! Terraform's configuration of exported resources, in the words of the AWS provider.

use super::hcl::{Body, Expression, Piece};
use super::items::{Item, Items};
use super::permissions;
use super::value::{Part, Value};
use crate::kinds::small_first;

const WRITTEN_BY: &str = "Written by `gatewright export --format terraform`.";

/// What becomes of a property.
#[derive(Clone, Copy)]
enum As {
    /// An attribute of this name.
    Attribute(&'static str),
    /// A block, or one for each item of a list.
    Block(&'static str),
    /// A block for each member of a map: its name, and the attribute that has the key.
    Blocks(&'static str, &'static str),
    /// The provider does not have it.
    Nothing,
}

/// Types, and what they are called.
const TYPES: [(&str, &str); 19] = [
    ("AWS::ApiGateway::Account", "aws_api_gateway_account"),
    ("AWS::ApiGateway::ApiKey", "aws_api_gateway_api_key"),
    ("AWS::ApiGateway::ClientCertificate", "aws_api_gateway_client_certificate"),
    ("AWS::ApiGateway::UsagePlan", "aws_api_gateway_usage_plan"),
    ("AWS::ApiGateway::UsagePlanKey", "aws_api_gateway_usage_plan_key"),
    ("AWS::ApiGateway::VpcLink", "aws_api_gateway_vpc_link"),
    ("AWS::ApiGatewayV2::Api", "aws_apigatewayv2_api"),
    ("AWS::ApiGatewayV2::ApiMapping", "aws_apigatewayv2_api_mapping"),
    ("AWS::ApiGatewayV2::Authorizer", "aws_apigatewayv2_authorizer"),
    ("AWS::ApiGatewayV2::Deployment", "aws_apigatewayv2_deployment"),
    ("AWS::ApiGatewayV2::DomainName", "aws_apigatewayv2_domain_name"),
    ("AWS::ApiGatewayV2::Integration", "aws_apigatewayv2_integration"),
    ("AWS::ApiGatewayV2::IntegrationResponse", "aws_apigatewayv2_integration_response"),
    ("AWS::ApiGatewayV2::Model", "aws_apigatewayv2_model"),
    ("AWS::ApiGatewayV2::Route", "aws_apigatewayv2_route"),
    ("AWS::ApiGatewayV2::RouteResponse", "aws_apigatewayv2_route_response"),
    ("AWS::ApiGatewayV2::Stage", "aws_apigatewayv2_stage"),
    ("AWS::ApiGatewayV2::VpcLink", "aws_apigatewayv2_vpc_link"),
    ("AWS::Lambda::Permission", "aws_lambda_permission"),
];

/// Properties that the provider calls otherwise, or writes otherwise. Source: the provider's reference of each resource.
const OTHERWISE: &[(&str, &str, As)] = &[
    ("Account", "CloudWatchRoleArn", As::Attribute("cloudwatch_role_arn")),
    ("Api", "DisableSchemaValidation", As::Nothing),
    ("Authorizer", "IdentitySource", As::Attribute("identity_sources")),
    ("Authorizer", "IdentityValidationExpression", As::Nothing),
    ("Authorizer", "JwtConfiguration", As::Block("jwt_configuration")),
    ("DomainName", "DomainNameConfigurations", As::Block("domain_name_configuration")),
    ("DomainName", "MutualTlsAuthentication", As::Block("mutual_tls_authentication")),
    ("DomainName", "CertificateName", As::Nothing),
    ("Integration", "TimeoutInMillis", As::Attribute("timeout_milliseconds")),
    ("IntegrationResponse", "ResponseParameters", As::Nothing),
    ("Route", "RequestParameters", As::Blocks("request_parameter", "request_parameter_key")),
    ("RouteResponse", "ResponseParameters", As::Nothing),
    ("Stage", "StageName", As::Attribute("name")),
    ("Stage", "AccessLogSettings", As::Block("access_log_settings")),
    ("Stage", "DefaultRouteSettings", As::Block("default_route_settings")),
    ("Stage", "RouteSettings", As::Blocks("route_settings", "route_key")),
    ("UsagePlan", "UsagePlanName", As::Attribute("name")),
    ("UsagePlan", "ApiStages", As::Block("api_stages")),
    ("UsagePlan", "Quota", As::Block("quota_settings")),
    ("UsagePlan", "Throttle", As::Block("throttle_settings")),
    ("ApiStage", "Throttle", As::Blocks("throttle", "path")),
];

/// A text that changes with the files of a folder. Resources themselves, as the provider's reference has it, differ from the second
/// plan on: what was empty is then an empty map.
const OF_FILES: &str =
    r#"sha1(join("", [for file in fileset(path.module, "*.tf") : filesha1("${path.module}/${file}")]))"#;

/// What the provider wants although the API does not: resource or block, attribute, and what the API has without it.
const WANTED: &[(&str, &str, &str)] = &[
    // Without one it writes "Managed by Terraform".
    ("aws_api_gateway_api_key", "description", "\"\""),
    ("aws_apigatewayv2_model", "content_type", "\"application/json\""),
    ("aws_apigatewayv2_vpc_link", "security_group_ids", "[]"),
    ("domain_name_configuration", "endpoint_type", "\"REGIONAL\""),
    ("domain_name_configuration", "security_policy", "\"TLS_1_2\""),
    ("request_parameter", "required", "false"),
    // Without them it sends 0, and nobody is let in; these are what an account has. Source: observed, and documented ("Quotas").
    ("default_route_settings", "throttling_burst_limit", "5000"),
    ("default_route_settings", "throttling_rate_limit", "10000"),
    ("route_settings", "throttling_burst_limit", "5000"),
    ("route_settings", "throttling_rate_limit", "10000"),
];

/// Adds what the provider wants in a resource or block.
fn complete(body: &mut Body, place: &str) {
    for (_, name, value) in WANTED.iter().filter(|(wanting, ..)| *wanting == place) {
        if !body.has(name) {
            body.attribute(*name, Expression::Raw((*value).to_owned()));
        }
    }
}

/// Writes the configuration.
pub(super) fn write(items: &Items) -> String {
    let mut head = Body::default();
    head.comment(WRITTEN_BY);
    for remark in &items.remarks {
        head.comment(format!("- {remark}"));
    }
    let mut file = Body::default();
    let mut aws = Body::default();
    aws.attribute("aws", Expression::Map(vec![("source".to_owned(), Expression::Text("hashicorp/aws".to_owned()))]));
    let mut terraform = Body::default();
    terraform.block("required_providers", aws);
    file.block("terraform", terraform);
    let written = Written { items };
    for item in &items.list {
        written.resource(&mut file, item);
    }
    for (index, item) in items.list.iter().enumerate() {
        if item.kind == "AWS::ApiGatewayV2::Stage" {
            let mut output = Body::default();
            let url = written.reference(index).replace(".name", ".invoke_url");
            output.attribute("value", Expression::Raw(url));
            file.block(format!("output \"{}_url\"", item.label), output);
        }
    }
    format!("{}\n{}", head.write(), file.write())
}

struct Written<'w> {
    items: &'w Items<'w>,
}

impl Written<'_> {
    fn resource(&self, file: &mut Body, item: &Item) {
        let noun = item.kind.rsplit(':').next().unwrap_or_default();
        let mut body = Body::default();
        let mut left_out = Vec::new();
        for (name, value) in &item.properties {
            match (noun, *name, value) {
                ("Permission", "FunctionName", Value::Text(function)) => {
                    let (function, qualifier) = permissions::qualified(function);
                    body.attribute("function_name", Expression::Text(function.to_owned()));
                    if let Some(qualifier) = qualifier {
                        body.attribute("qualifier", Expression::Text(qualifier.to_owned()));
                    }
                }
                // The provider takes JSON as text.
                ("Model", "Schema", Value::Map(_)) => {
                    let text = format!("{:#}", self.plain(value));
                    body.attribute("schema", Expression::Text(text));
                }
                _ => {
                    if !self.property(&mut body, noun, name, value) {
                        left_out.push(*name);
                    }
                }
            }
        }
        complete(&mut body, type_of(item.kind));
        let after: Vec<String> = item.after.iter().map(|index| self.address(*index)).collect();
        if noun == "Deployment" {
            let hash = Expression::Raw(OF_FILES.to_owned());
            body.attribute("triggers", Expression::Map(vec![("redeployment".to_owned(), hash)]));
            let mut lifecycle = Body::default();
            lifecycle.attribute("create_before_destroy", Expression::Raw("true".to_owned()));
            body.block("lifecycle", lifecycle);
        }
        if !after.is_empty() {
            body.attribute("depends_on", Expression::List(after.into_iter().map(Expression::Raw).collect()));
        }
        body.arrange();
        for remark in item.remarks.iter().filter(|_| noun != "Deployment") {
            file.comment(remark);
        }
        for name in left_out {
            file.comment(format!("{name} is left out: the provider does not have it."));
        }
        file.block(format!("resource \"{}\" \"{}\"", type_of(item.kind), item.label), body);
    }

    /// Writes a property; says whether the provider has it.
    fn property(&self, body: &mut Body, noun: &str, name: &str, value: &Value) -> bool {
        let otherwise = OTHERWISE.iter().find(|(kind, property, _)| *kind == noun && *property == name);
        let members = |value: &Value| match value {
            Value::Map(members) => members.clone(),
            _ => Vec::new(),
        };
        match otherwise.map(|(_, _, how)| *how) {
            Some(As::Nothing) => return false,
            Some(As::Attribute(name)) => body.attribute(name, self.expression(value)),
            Some(As::Block(block)) => {
                let one = std::slice::from_ref(value);
                let (items, noun) = match value {
                    Value::List(items) if name == "ApiStages" => (items.as_slice(), "ApiStage"),
                    Value::List(items) => (items.as_slice(), noun),
                    _ => (one, noun),
                };
                for item in items {
                    let mut inner = Body::default();
                    for (name, value) in members(item) {
                        self.property(&mut inner, noun, &name, &value);
                    }
                    complete(&mut inner, block);
                    body.block(block, inner);
                }
            }
            Some(As::Blocks(block, key)) => {
                for (name, value) in members(value) {
                    let mut inner = Body::default();
                    inner.attribute(key, Expression::Text(name));
                    let settings = members(&value);
                    for (name, value) in settings {
                        self.property(&mut inner, "", &name, &value);
                    }
                    complete(&mut inner, block);
                    body.block(block, inner);
                }
            }
            None => body.attribute(snake(name), self.expression(value)),
        }
        true
    }

    fn expression(&self, value: &Value) -> Expression {
        match value {
            Value::Text(text) => Expression::Text(text.clone()),
            Value::Parts(parts) => Expression::Template(parts.iter().map(|part| self.piece(part)).collect()),
            Value::Flag(flag) => Expression::Raw(flag.to_string()),
            Value::Number(number) => Expression::Raw(number.to_string()),
            Value::Null => Expression::Raw("null".to_owned()),
            Value::List(items) => Expression::List(items.iter().map(|item| self.expression(item)).collect()),
            Value::Map(members) => {
                Expression::Map(members.iter().map(|(key, value)| (key.clone(), self.expression(value))).collect())
            }
        }
    }

    fn piece(&self, part: &Part) -> Piece {
        match part {
            Part::Text(text) => Piece::Text(text.clone()),
            Part::Reference(index) => Piece::Reference(self.reference(*index)),
            Part::ExecutionArn(index) => Piece::Reference(format!("{}.execution_arn", self.address(*index))),
        }
    }

    fn address(&self, index: usize) -> String {
        let item = &self.items.list[index];
        format!("{}.{}", type_of(item.kind), item.label)
    }

    fn reference(&self, index: usize) -> String {
        let attribute = match self.items.list[index].kind {
            "AWS::ApiGatewayV2::Stage" => "name",
            "AWS::ApiGatewayV2::DomainName" => "domain_name",
            _ => "id",
        };
        format!("{}.{attribute}", self.address(index))
    }

    /// A value without references, as JSON.
    fn plain(&self, value: &Value) -> serde_json::Value {
        match value {
            Value::Text(text) => text.as_str().into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::Null | Value::Parts(_) => serde_json::Value::Null,
            Value::List(items) => items.iter().map(|item| self.plain(item)).collect(),
            Value::Map(members) => {
                let members = members.iter().map(|(key, value)| (key.clone(), self.plain(value)));
                members.collect::<serde_json::Map<_, _>>().into()
            }
        }
    }
}

fn type_of(kind: &str) -> &'static str {
    TYPES.iter().find(|(name, _)| *name == kind).map_or("", |(_, name)| name)
}

/// `RouteKey` is `route_key`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in small_first(name).chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
