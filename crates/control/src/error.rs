//! Every answer that says no: AWS's exact texts, each with how we know it, and the crate's own error.
//!
//! "Measured", "recorded" and "reported" are kinds of *observed*: measured by a deployment to AWS, recorded from
//! AWS by another project's tests, or quoted from AWS in a public report. *Inferred* texts are ours to change.

use http::StatusCode;
use mapping::check::{Direction, Mistake, WrongSchema, WrongSide};
use serde_json::Value;
use types::arn::Home;

use crate::store::StoreError;

/// Why the control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be read.
    #[error("load the control plane's data")]
    Store(#[from] StoreError),
    /// A document in the store is not what this program writes.
    #[error("the stored document {path} cannot be read: {detail}")]
    Document {
        /// The path part of its key.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// A refusal as it goes to the caller: status, error name, text.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    /// Goes into `x-amzn-ErrorType`, which is what SDKs dispatch on. Source: measured with boto3 and the JS SDK.
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

/// 400 for any request that does not hold up. Source: documented (the API model).
pub(crate) fn bad_request(message: impl Into<String>) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, name: "BadRequestException", message: message.into() }
}

/// A mapping template does not parse: which one, and where. Source: ours.
pub(crate) fn bad_template(member: &str, key: &str, error: &impl std::fmt::Display) -> Fault {
    bad_request(format!("Invalid mapping template specified: {member} `{key}`: {error}"))
}

/// 404. Source: documented (the API model).
pub(crate) fn not_found(message: impl Into<String>) -> Fault {
    Fault { status: StatusCode::NOT_FOUND, name: "NotFoundException", message: message.into() }
}

/// 409. Source: documented (the API model).
pub(crate) fn conflict(message: impl Into<String>) -> Fault {
    Fault { status: StatusCode::CONFLICT, name: "ConflictException", message: message.into() }
}

/// The path or its method is no operation. Source: observed (AWS answers unknown paths so).
pub(crate) fn unknown_path() -> Fault {
    Fault {
        status: StatusCode::FORBIDDEN,
        name: "MissingAuthenticationTokenException",
        message: "Missing Authentication Token".into(),
    }
}

/// AWS has the operation, but for what Gatewright is not about. Source: ours; never a 404, which would blame the id.
pub(crate) fn out_of_scope(operation: &str, why: &str) -> Fault {
    Fault {
        status: StatusCode::NOT_IMPLEMENTED,
        name: "NotImplementedException",
        message: format!("Gatewright does not implement {operation}: {why}"),
    }
}

/// An operation of HTTP APIs on a WebSocket API. Source: measured for IntegrationResponses on an HTTP API; the
/// other way round inferred.
pub(crate) fn http_only(subject: &str) -> Fault {
    bad_request(format!("{subject} are currently not supported for this API protocol type."))
}

/// The disk did not take the change; the caller may try again. Source: ours.
pub(crate) fn not_stored(error: &StoreError) -> Fault {
    match error {
        StoreError::Doubtful(cause) if matches!(**cause, StoreError::Unavailable { .. }) => {
            unavailable(format!("The change may not be stored, and may be there later all the same: {error}"))
        }
        StoreError::Doubtful(_) => {
            internal(format!("The change may not be stored, and may be there after a restart all the same: {error}"))
        }
        StoreError::Unavailable { .. } => unavailable(format!("The change was not stored: {error}")),
        _ => internal(format!("The change was not stored: {error}")),
    }
}

/// Those who keep the store cannot be asked; reads go on. Source: ours (name as AWS services answer it).
fn unavailable(message: String) -> Fault {
    Fault { status: StatusCode::SERVICE_UNAVAILABLE, name: "ServiceUnavailableException", message }
}

/// Others who share the store were quicker again and again. Source: ours; SDKs try again by themselves after it.
pub(crate) fn crowded() -> Fault {
    Fault {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "TooManyRequestsException",
        message: "The change was not stored: too many others change definitions at the same time".into(),
    }
}

/// A plan that does not fit what is there any more. Source: ours.
pub(crate) fn plan_is_old() -> Fault {
    conflict("The definitions have changed since the plan was made: make it anew")
}

/// Something that should not be. Source: ours (name as AWS services answer it).
pub(crate) fn internal(message: impl Into<String>) -> Fault {
    Fault { status: StatusCode::INTERNAL_SERVER_ERROR, name: "InternalServerErrorException", message: message.into() }
}

/// The body is not a JSON object. Source: inferred (name as AWS's rest-json services answer it).
pub(crate) fn not_json(detail: &str) -> Fault {
    Fault {
        status: StatusCode::BAD_REQUEST,
        name: "SerializationException",
        message: format!("The request body is not a JSON object: {detail}"),
    }
}

/// The body is JSON within JSON within JSON. Source: ours.
pub(crate) fn nested_too_deep() -> Fault {
    Fault {
        status: StatusCode::BAD_REQUEST,
        name: "SerializationException",
        message: "The request body is nested too deep: at most 127 levels are read".into(),
    }
}

/// A path or query that is not percent-encoded text. Source: ours.
pub(crate) fn not_percent_encoded(part: &str) -> Fault {
    bad_request(format!("`{part}` is not percent-encoded UTF-8"))
}

/// A member has the wrong JSON type. Source: ours.
pub(crate) fn wrong_type(member: &str, expected: &str) -> Fault {
    bad_request(format!("member `{member}` must be {expected}"))
}

/// A member that the resource does not have. Source: ours; only imports are held to it.
pub(crate) fn unknown_member(member: &str, noun: &str) -> Fault {
    let mut noun = format!("{} {noun}", article(noun));
    if let Some(first) = noun.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    bad_request(format!("{noun} has no member `{member}`"))
}

/// A value is longer, larger or more numerous than allowed. Source: bounds documented, text ours.
pub(crate) fn out_of_bounds(member: &str, bounds: &str) -> Fault {
    bad_request(format!("member `{member}` must be {bounds}"))
}

/// A value that is none of the allowed ones. Source: inferred from [`PROTOCOL`].
pub(crate) fn no_such_choice(member: &str, choices: &[&str]) -> Fault {
    bad_request(format!("Invalid {member} specified. Must be one of [{}]", choices.join(", ")))
}

/// A required member is missing. Source: inferred from [`AUTHORIZER_URI`].
pub(crate) fn missing_member(member: &str, noun: &str) -> Fault {
    let mut letters = member.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    bad_request(format!("{first}{} is a required field in {} {noun}", letters.as_str(), article(noun)))
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}

/// No API has this id. Source: recorded and reported.
pub(crate) fn no_such_api(place: &Home, api_id: &str) -> Fault {
    not_found(format!("Invalid API identifier specified {}:{api_id}", place.account_id))
}

/// No resource of this kind has this id. Source: recorded for integrations of REST APIs; else inferred.
pub(crate) fn no_such(noun: &str) -> Fault {
    not_found(format!("Invalid {noun} identifier specified"))
}

/// A body names a resource that is not there: 400, where a path that names one is 404. Source: reported.
pub(crate) fn names_no(noun: &str) -> Fault {
    bad_request(no_such(noun).message)
}

/// Stage settings name a route that is not there. Source: measured, the status too.
pub(crate) fn no_such_route_key(key: &str) -> Fault {
    not_found(format!("Unable to find Route by key {key} within the provided RouteSettings"))
}

/// A request parameter to be deleted is not there. Source: documented that it is a 404; text inferred.
pub(crate) fn no_such_request_parameter(key: &str) -> Fault {
    not_found(format!("Invalid request parameter specified {key}"))
}

/// A second route with a key. Source: reported.
pub(crate) fn route_key_taken(key: &str) -> Fault {
    conflict(format!("Route with key {key} already exists for this API"))
}

/// A second response with a key. Source: inferred from [`route_key_taken`].
pub(crate) fn response_key_taken(noun: &str, key: &str, parent: &str) -> Fault {
    conflict(format!("{noun} with key {key} already exists for this {parent}"))
}

/// A second model with a name. Source: inferred from [`route_key_taken`].
pub(crate) fn model_name_taken(name: &str) -> Fault {
    conflict(format!("Model with name {name} already exists for this API"))
}

/// A second authorizer with a name. Source: reported.
pub(crate) fn authorizer_name_taken(name: &str) -> Fault {
    bad_request(format!("Authorizer name must be unique. Authorizer {name} already exists in this RestApi."))
}

/// An API id that a tag asked for belongs to another API. Source: ours.
pub(crate) fn api_id_taken(id: &str) -> Fault {
    conflict(format!("An API with the id {id} already exists"))
}

/// Too many resources of one kind in an API. Source: reported for integrations, inferred for the others.
pub(crate) fn too_many_in_api(noun: &str) -> Fault {
    bad_request(format!(
        "Maximum number of {noun}s for this API has been reached. Please contact AWS if you need additional {noun}s."
    ))
}

/// Too many resources of one kind in the account, or below a domain name. Source: ours.
pub(crate) fn too_many(noun: &str, limit: &str) -> Fault {
    bad_request(too_many_text(noun, limit))
}

/// As [`too_many`], of v1. Source: documented name and status, text ours.
pub(crate) fn too_many_v1(noun: &str, limit: &str) -> Fault {
    Fault { status: StatusCode::TOO_MANY_REQUESTS, name: "LimitExceededException", message: too_many_text(noun, limit) }
}

fn too_many_text(noun: &str, limit: &str) -> String {
    format!("The maximum number of {noun}s has been reached: limit {limit}")
}

/// The integration still has routes. Source: reported.
pub(crate) fn integration_in_use(routes: &[&str]) -> Fault {
    conflict(format!(
        "Cannot delete Integration because it is referenced by the following Routes with Ids: [{}]",
        routes.join(", ")
    ))
}

/// The authorizer still has a route. Source: reported.
pub(crate) fn authorizer_in_use(name: &str, route_key: &str) -> Fault {
    conflict(format!("Cannot delete authorizer '{name}', is referenced in route: {route_key}"))
}

/// The model still has a route. Source: inferred from the text recorded for REST APIs.
pub(crate) fn model_in_use(name: &str, route_key: &str) -> Fault {
    conflict(format!("Cannot delete model '{name}', is referenced in route: {route_key}"))
}

/// A payload format that WebSocket APIs do not have. Source: measured.
pub(crate) fn payload_format(version: &str) -> Fault {
    bad_request(format!("Unsupported PayloadFormatVersion: {version}"))
}

/// An identity source that is no expression. Source: measured.
pub(crate) fn identity_source(expression: &str) -> Fault {
    bad_request(format!("Invalid request identity source expression: {expression}"))
}

/// A model's name with other characters than letters and digits. Source: measured.
pub(crate) fn model_name(name: &str) -> Fault {
    bad_request(format!("Model name must be alphanumeric: {name}"))
}

/// A schema that is none: why. Source: reported for a WebSocket API up to the full stop; the whole is REST APIs'.
pub(crate) fn no_schema(wrong: &WrongSchema) -> Fault {
    let detail = match wrong {
        WrongSchema::NoJson(error) => format!("It is no JSON: {error}"),
        WrongSchema::Unsupported(keywords) => {
            let keywords: Vec<_> = keywords.iter().map(|name| Value::from(name.as_str()).to_string()).collect();
            format!("Unsupported keyword(s): [{}]", keywords.join(", "))
        }
        WrongSchema::Value(at, must_be) => format!("{at} must be {must_be}"),
    };
    bad_request(format!(
        "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. {detail}]"
    ))
}

/// An integration maps what the route that uses it does not declare. Source: reported.
pub(crate) fn undeclared(integration_id: &str, route_id: &str, source: &str) -> Fault {
    bad_request(format!(
        "Error while validating the connection between the integration {integration_id} and the route {route_id}: {}",
        mapping_target(source)
    ))
}

/// Parameter mappings that are none. Source: recorded and reported for REST and HTTP APIs.
pub(crate) fn mapping_expressions(mistakes: &[String]) -> Fault {
    bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [{}]",
        mistakes.join(", ")
    ))
}

/// The text for one wrong left side in [`mapping_expressions`].
pub(crate) fn mapping_target(target: &str) -> String {
    format!("Invalid mapping expression parameter specified: {target}")
}

/// The text for one mapping in [`mapping_expressions`].
pub(crate) fn mapping(wrong: &WrongSide) -> String {
    match wrong {
        WrongSide::Target(target) => mapping_target(target),
        WrongSide::Source(source) => format!("Invalid mapping expression specified: {source}"),
    }
}

/// A step of v1's updates names what cannot be changed. Source: recorded, down to the two spaces.
pub(crate) fn patch_path(path: &str, op: &str, paths: &[&str]) -> Fault {
    bad_request(format!("Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{}]", paths.join(", ")))
}

/// A step's value is no number where one is needed. Source: inferred from [`patch_path`].
pub(crate) fn patch_value(value: &str, path: &str) -> Fault {
    bad_request(format!("Invalid patch value  '{value}' specified for path '{path}'"))
}

/// A usage plan names a stage that is not there. Source: recorded.
pub(crate) fn no_such_api_stage(api_id: &str, stage: &str, plan_id: &str) -> Fault {
    not_found(format!("Invalid API Stage {{api: {api_id}, stage: {stage}}} specified for usageplan {plan_id}"))
}

/// A usage plan does not have this id. Source: recorded.
pub(crate) fn no_such_plan() -> Fault {
    not_found("Invalid Usage Plan ID specified")
}

/// A key would be in two plans of one stage. Source: documented that it cannot be; text inferred.
pub(crate) fn two_plans(key_id: &str, api_id: &str, stage: &str, plan_id: &str) -> Fault {
    conflict(format!("API Key {key_id} is already in the usage plan {plan_id} for the API Stage {api_id}:{stage}"))
}

/// A usage plan still has stages. Source: inferred.
pub(crate) fn plan_in_use(plan_id: &str, stages: &[String]) -> Fault {
    bad_request(format!("Cannot delete usage plan {plan_id}: remove its API Stages first: [{}]", stages.join(", ")))
}

/// A key is in the plan already. Source: inferred.
pub(crate) fn plan_key_taken(key_id: &str, plan_id: &str) -> Fault {
    conflict(format!("API Key {key_id} is already in the usage plan {plan_id}"))
}

/// A VPC link's target is no ARN. Source: recorded.
pub(crate) fn target_arn(arn: &str) -> Fault {
    bad_request(format!("Invalid ARN. ARN is not well formed {arn}"))
}

/// A VPC link still has an integration. Source: documented that it cannot be deleted then; text inferred.
pub(crate) fn vpc_link_in_use(id: &str, api_id: &str, integration_id: &str) -> Fault {
    bad_request(format!("Cannot delete VPC link {id}: integration {integration_id} of API {api_id} uses it"))
}

/// A client certificate still has a stage. Source: inferred.
pub(crate) fn certificate_in_use(id: &str, api_id: &str, stage: &str) -> Fault {
    conflict(format!("Cannot delete client certificate {id}: stage {stage} of API {api_id} uses it"))
}

/// A domain name still leads to the API. Source: reported.
pub(crate) fn api_is_mapped(api_id: &str) -> Fault {
    bad_request(format!(
        "Deleting API {api_id} failed. Please remove all API mappings for the API from your custom domain names."
    ))
}

/// A domain name still leads to the stage. Source: inferred from [`api_is_mapped`].
pub(crate) fn stage_is_mapped(api_id: &str, stage: &str) -> Fault {
    conflict(format!(
        "Deleting stage {stage} of API {api_id} failed. Please remove all API mappings for the stage from your custom \
         domain names."
    ))
}

/// A second mapping with a key. Source: inferred from [`route_key_taken`].
pub(crate) fn mapping_key_taken(key: &str) -> Fault {
    conflict(format!("ApiMapping with key {key} already exists for this domain name"))
}

/// Source: reported that it is refused; text ours.
pub(crate) const VPC_LINK_V2: &str =
    "VPC links of v2 are not supported for WEBSOCKET protocolType; create one with `aws apigateway create-vpc-link`";
/// Source: measured.
pub(crate) const SUBNETS: &str = "SubnetIds for a vpc link cannot be empty";
/// Source: inferred from the pattern for identifiers.
pub(crate) const CLIENT_CERTIFICATE: &str = "Invalid Client Certificate identifier specified";
/// Source: inferred; what is a domain name is measured (lower case, no underscore).
pub(crate) const DOMAIN_NAME: &str =
    "Invalid domain name specified. It must be a lower-case host name; it may begin with *.";
/// Source: inferred from the text for stages of REST APIs.
pub(crate) const DOMAIN_NAME_TAKEN: &str = "The domain name you provided already exists.";
/// Source: reported.
pub(crate) const DOMAIN_CONFIGURATION: &str = "Invalid input. Expected one domain name configuration";
/// Source: reported.
pub(crate) const TLS_1_0: &str = "TLS_1_0 is not supported for APIGatewayV2 domainName.";
/// Source: measured.
pub(crate) const EDGE: &str = "EDGE endpoint type is not supported for APIGatewayV2 domainName";
/// Source: inferred from [`EDGE`].
pub(crate) const PRIVATE: &str = "PRIVATE endpoint type is not supported for APIGatewayV2 domainName";
/// Source: inferred from [`EDGE`]; private endpoints alone have access modes.
pub(crate) const ACCESS_MODE: &str = "endpointAccessMode is not supported for APIGatewayV2 domainName";
/// Source: inferred; the rule is documented.
pub(crate) const SECURITY_POLICY: &str = "Only the security policy TLS_1_2 is supported for APIGatewayV2 domainName";
/// Source: ours; AWS takes the text of a certificate only for EDGE.
pub(crate) const CERTIFICATE_TEXT: &str =
    "Certificates are named by ARN (regionalCertificateArn); their text is not taken";
/// Source: documented; text of a tool that refuses it too.
pub(crate) const MUTUAL_TLS: &str = "Mutual TLS domain name association is not supported for Websocket APIs.";
/// Source: documented characters; text inferred.
pub(crate) const MAPPING_KEY: &str = "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),";
/// Source: measured.
pub(crate) const API_NAME: &str = "Invalid API name specified";
/// A selection expression that is none. Source: inferred from [`ROUTE_SELECTION`]; what follows the colon is ours.
pub(crate) fn selection(member: &str, direction: Direction, mistake: &Mistake) -> Fault {
    let known = match direction {
        Direction::Request => "$request.body and what is in it, such as $request.body.action",
        Direction::Response => {
            "$request.body and what is in it, $integration.response.statuscode, $integration.response.header.NAME and \
             $integration.response.multivalueheader.NAME"
        }
    };
    let detail = match mistake {
        Mistake::NoVariable(variable) => {
            format!("`${variable}` is no variable here: there are {known}; a dollar that is text is written \\$")
        }
        Mistake::Open(_) | Mistake::Path(..) => mistake.to_string(),
    };
    bad_request(format!("Invalid {member}: {detail}"))
}

/// Source: measured.
pub(crate) const ROUTE_SELECTION: &str = "Invalid routeSelectionExpression";
/// Source: inferred from [`ROUTE_SELECTION`].
pub(crate) const API_KEY_SELECTION: &str = "Invalid apiKeySelectionExpression";
/// Source: inferred (other emulators answer so).
pub(crate) const PROTOCOL: &str = "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]";
/// Source: ours; AWS would create the API.
pub(crate) const PROTOCOL_HTTP: &str = "Gatewright serves WebSocket APIs only; protocolType must be WEBSOCKET";
/// Source: measured.
pub(crate) const CORS: &str = "Cors is not supported for WEBSOCKET protocolType";
/// Source: inferred from [`CORS`].
pub(crate) const SUBTYPE: &str = "IntegrationSubtype is not supported for WEBSOCKET protocolType";
/// Source: inferred from [`CORS`].
pub(crate) const TLS: &str = "TlsConfig is not supported for WEBSOCKET protocolType";
/// Source: inferred from [`CORS`].
pub(crate) const RESPONSE_PARAMETERS: &str =
    "ResponseParameters of an Integration is not supported for WEBSOCKET protocolType";
/// Source: measured.
pub(crate) const SCOPES: &str = "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type";
/// Source: ours.
pub(crate) const CUSTOM_ID: &str =
    "The tag _custom_id_ must hold 1 to 32 lower-case letters, digits and hyphens: it becomes the API's id";
/// Source: reported.
pub(crate) const ROUTE_KEY: &str = "The provided route key is not formatted properly";
/// Source: measured.
pub(crate) const TARGET: &str =
    "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>.";
/// Source: measured and reported.
pub(crate) const CONNECT_ONLY: &str = "Currently, authorization is restricted to the $connect route only";
/// Source: inferred from the texts of REST APIs (recorded) and of JWT (measured).
pub(crate) const AUTHORIZER_ID: &str = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or \
     COGNITO_USER_POOLS requires a valid authorizer.";
/// Source: documented that WebSocket APIs have no JWT; text inferred from [`CORS`].
pub(crate) const JWT_ROUTE: &str = "Authorization type JWT is not supported for WEBSOCKET protocolType";
/// Source: measured.
pub(crate) const ROUTE_RESPONSE_KEY: &str = "Currently, only $default is supported as a RouteResponseKey.";
/// Source: documented form; text inferred from [`ROUTE_KEY`].
pub(crate) const INTEGRATION_RESPONSE_KEY: &str =
    "The provided integration response key is not formatted properly. It must be $default or /expression/.";
/// Source: measured.
pub(crate) const TIMEOUT: &str = "Timeout should be between 50 ms and 29000 ms";
/// Source: measured.
pub(crate) const CONNECTION_ID: &str = "ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK";
/// Source: recorded for REST APIs.
pub(crate) const HTTP_METHOD: &str = "Enumeration value for HttpMethod must be non-empty";
/// Source: recorded for REST APIs.
pub(crate) const AWS_URI: &str = "AWS ARN for integration must contain path or action";
/// Source: recorded for REST APIs.
pub(crate) const HTTP_URI: &str = "Invalid HTTP endpoint specified for URI";
/// Source: recorded for REST APIs (tags of an ARN that is none).
pub(crate) const ARN: &str = "Invalid ARN specified in the request";
/// Source: reported.
pub(crate) const AUTHORIZER_TYPE_MISSING: &str =
    "Invalid request input. CreateAuthorizer input is missing authorizer type.";
/// Source: measured.
pub(crate) const AUTHORIZER_TYPE: &str = "Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.";
/// Source: measured.
pub(crate) const AUTHORIZER_URI: &str = "AuthorizerUri is a required field in an Authorizer";
/// Source: measured (with a space; AWS accepts hyphens all the same, which the text does not say).
pub(crate) const STAGE_NAME: &str = "Stage name only allows a-zA-Z0-9_";
/// Source: reported for REST APIs.
pub(crate) const STAGE_TAKEN: &str = "Stage already exists";
/// Source: documented that it cannot be; text inferred.
pub(crate) const AUTO_DEPLOY: &str = "The deployment of a stage cannot be chosen while autoDeploy is enabled for it";
/// Source: reported.
pub(crate) const LOG_FORMAT_LINES: &str = "Access Log format must be single line";
/// Source: measured.
pub(crate) const LOG_FORMAT: &str =
    "Access Log format must include either $context.requestId or $context.extendedRequestId";
/// Source: documented rule; text inferred.
pub(crate) const STAGE_VARIABLE: &str =
    "Stage variable names only allow a-zA-Z0-9_ and values only allow a-zA-Z0-9 and -._~:/?#&=,";
/// Source: reported.
pub(crate) const NO_ROUTES: &str = "At least one route is required before deploying the Api";
/// Source: recorded for REST APIs.
pub(crate) const DEPLOYMENT_IN_USE: &str = "Active stages pointing to this deployment must be moved or deleted";
/// Source: documented bounds ("Tagging your API Gateway resources"); text ours.
pub(crate) const TAGS: &str =
    "A resource can have 50 tags; keys have 1 to 128 characters and do not start with aws:, values have up to 256";
/// Source: inferred.
pub(crate) const NEXT_TOKEN: &str = "Invalid nextToken specified";
/// Source: inferred.
pub(crate) const POSITION: &str = "Invalid position specified";
/// Source: inferred.
pub(crate) const LIMIT: &str = "Invalid limit specified. Must be a number from 1 up";
/// Source: inferred.
pub(crate) const MAX_RESULTS: &str = "Invalid maxResults specified. Must be a number from 1 up";
/// Source: inferred.
pub(crate) const PATCH_OP: &str = "Invalid patch operation specified. Must be one of: [add, remove, replace]";
/// Source: recorded.
pub(crate) const KEY_NAME: &str = "Invalid API Key name, can be at most 1024 characters.";
/// Source: recorded.
pub(crate) const KEY_DESCRIPTION: &str = "Invalid API Key description specified.";
/// Source: recorded.
pub(crate) const KEY_VALUE_SHORT: &str = "API Key value should be at least 20 characters";
/// Source: recorded.
pub(crate) const KEY_VALUE_LONG: &str = "API Key value exceeds maximum size of 128 characters";
/// Source: inferred.
pub(crate) const KEY_TAKEN: &str = "API Key already exists";
/// Source: documented that CSV is the only format; text inferred.
pub(crate) const IMPORT_FORMAT: &str = "Invalid format specified. Must be one of: [csv]";
/// Source: documented columns; text ours.
pub(crate) const IMPORT_COLUMNS: &str = "The first line of the CSV must name its columns, `name` and `key` among them";
/// Source: recorded.
pub(crate) const API_STAGE: &str = "Invalid API Stage specified";
/// Source: inferred.
pub(crate) const QUOTA: &str = "A quota needs a limit from 1 up and a period: DAY, WEEK or MONTH";
/// Source: inferred.
pub(crate) const KEY_TYPE: &str = "Invalid key type specified. Must be one of: [API_KEY]";
/// Source: inferred.
pub(crate) const USAGE_DATES: &str =
    "startDate and endDate must be dates such as 2026-01-31, in this order and at most 90 days apart";
/// Source: documented that only the remaining quota can be changed; text inferred.
pub(crate) const USAGE_REMAINING: &str = "The remaining quota must be a whole number from 0 up";
/// Source: ours.
pub(crate) const USAGE_NOT_COUNTED: &str = "Nobody counts requests here, so no quota can be changed";
/// Source: recorded.
pub(crate) const VPC_LINK_NAME: &str = "Name cannot be empty";
/// Source: documented ("currently only one"); text inferred.
pub(crate) const VPC_LINK_TARGETS: &str = "A VPC link has exactly one target ARN";
/// Source: inferred from the text recorded for VPC links.
pub(crate) const ROLE_ARN: &str = "The role ARN is not well formed";
