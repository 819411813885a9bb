//! API Gateway's resources as the data plane reads them.
//!
//! These are views of AWS's JSON documents: the control plane keeps the documents whole, with every member that
//! a client sent; here stand the members that act at run time. Meaning and defaults:
//! docs/aws/control-plane.md 7, and the API model's documentation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A map that keeps the order of its keys irrelevant and its printing stable.
pub type Map<V> = BTreeMap<String, V>;

/// A WebSocket API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Api {
    /// Ten letters and digits.
    pub api_id: String,
    /// What a person calls it.
    pub name: String,
    /// Says which route a message takes.
    pub route_selection_expression: String,
    /// Where a client's API key is found.
    pub api_key_selection_expression: Option<String>,
    /// Whether the default host and path refuse clients.
    pub disable_execute_api_endpoint: bool,
    /// Whether models are not looked at when the API is deployed.
    pub disable_schema_validation: bool,
}

/// A route: what happens to messages with one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    /// Seven letters and digits.
    pub route_id: String,
    /// `$connect`, `$disconnect`, `$default` or a key of the user's.
    pub route_key: String,
    /// `integrations/{integrationId}`; a route without one does nothing.
    pub target: Option<String>,
    /// `NONE`, `AWS_IAM` or `CUSTOM`.
    pub authorization_type: Option<String>,
    /// The authorizer of `CUSTOM`.
    pub authorizer_id: Option<String>,
    /// Whether `$connect` asks for an API key.
    pub api_key_required: bool,
    /// `route.request.header.N` or `route.request.querystring.N` → whether it must be there.
    pub request_parameters: Map<ParameterConstraints>,
    /// Says which model a message must fit; without it none is asked for.
    pub model_selection_expression: Option<String>,
    /// Model key → name of a model.
    pub request_models: Map<String>,
    /// `$default` makes the route two-way.
    pub route_response_selection_expression: Option<String>,
}

/// Whether a declared request parameter must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParameterConstraints {
    /// True: `$connect` without it is refused with 400.
    #[serde(alias = "Required")]
    pub required: bool,
}

/// An integration: which backend a route calls, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Integration {
    /// Seven letters and digits.
    pub integration_id: String,
    /// `AWS`, `AWS_PROXY`, `HTTP`, `HTTP_PROXY` or `MOCK`.
    pub integration_type: String,
    /// HTTP method; absent for MOCK.
    pub integration_method: Option<String>,
    /// URL or ARN; may hold `${stageVariables.name}` and `{path}` parameters.
    pub integration_uri: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: Option<String>,
    /// The VPC link's id.
    pub connection_id: Option<String>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`.
    pub passthrough_behavior: Option<String>,
    /// 50 to 29,000 ms.
    pub timeout_in_millis: Option<u64>,
    /// Role that calls AWS services.
    pub credentials_arn: Option<String>,
    /// How the backend's certificate is checked.
    pub tls_config: Option<TlsConfig>,
    /// `CONVERT_TO_TEXT` or `CONVERT_TO_BINARY`.
    pub content_handling_strategy: Option<String>,
    /// `integration.request.{header|querystring|path}.N` → where its value comes from.
    pub request_parameters: Map<String>,
    /// Template key → mapping template.
    pub request_templates: Map<String>,
    /// Says which template applies.
    pub template_selection_expression: Option<String>,
}

/// What becomes of a backend's answer, for the answers that its key fits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IntegrationResponse {
    /// Six letters and digits.
    pub integration_response_id: String,
    /// `$default` or a regular expression between slashes.
    pub integration_response_key: String,
    /// Template key → mapping template.
    pub response_templates: Map<String>,
    /// Says which template applies.
    pub template_selection_expression: Option<String>,
    /// `method.response.header.N` → where its value comes from.
    pub response_parameters: Map<String>,
    /// `CONVERT_TO_TEXT` or `CONVERT_TO_BINARY`.
    pub content_handling_strategy: Option<String>,
}

/// How the certificate of an HTTPS backend is checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsConfig {
    /// The name that the certificate must be for; without it the host of the URI.
    pub server_name_to_verify: Option<String>,
}

/// A model: what a message must look like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Model {
    /// Letters and digits; unique in its API.
    pub name: String,
    /// `application/json`.
    pub content_type: Option<String>,
    /// JSON Schema, draft 4.
    pub schema: String,
}

/// A REQUEST authorizer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorizer {
    /// Six letters and digits.
    pub authorizer_id: String,
    /// What a person calls it.
    pub name: String,
    /// The Lambda function's invocation URI.
    pub authorizer_uri: Option<String>,
    /// Role that calls it.
    pub authorizer_credentials_arn: Option<String>,
    /// `route.request.header.N`, `route.request.querystring.N`, `stageVariables.N`, `context.N`.
    pub identity_source: Vec<String>,
}

/// Makes a route two-way; its key can only be `$default`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteResponse {
    /// Six letters and digits.
    pub route_response_id: String,
    /// `$default`.
    pub route_response_key: String,
}

/// A stage: a name under which a deployment is reached, with settings that act at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stage {
    /// Letters, digits, `-` and `_`.
    pub stage_name: String,
    /// The deployment it points at.
    pub deployment_id: Option<String>,
    /// Whether each change of the API is deployed to it.
    pub auto_deploy: bool,
    /// Settings of routes that have none of their own.
    pub default_route_settings: RouteSettings,
    /// Route key → settings.
    pub route_settings: Map<RouteSettings>,
    /// `$stageVariables`.
    pub stage_variables: Map<String>,
    /// Where the access log goes, and its format.
    pub access_log_settings: Option<AccessLogSettings>,
    /// The client certificate that HTTPS backends are shown.
    pub client_certificate_id: Option<String>,
}

/// Logging and throttling of a route on a stage. Absent members fall back to the stage's default settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteSettings {
    /// How much the execution log says.
    pub logging_level: Option<LoggingLevel>,
    /// Whether it shows headers and bodies.
    pub data_trace_enabled: Option<bool>,
    /// Metrics by route.
    pub detailed_metrics_enabled: Option<bool>,
    /// Requests at once.
    pub throttling_burst_limit: Option<u32>,
    /// Requests per second.
    pub throttling_rate_limit: Option<f64>,
}

/// How much the execution log says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LoggingLevel {
    /// Nothing.
    #[default]
    Off,
    /// What failed.
    Error,
    /// Every step.
    Info,
}

/// Where the access log goes, and its format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessLogSettings {
    /// Format with `$context` variables.
    pub format: Option<String>,
    /// ARN of a log group.
    pub destination_arn: Option<String>,
}
