//! Why a client was told no, in AWS's words.
//!
//! Every text and status that a client sees when something fails stands here. What a developer needs to know beyond
//! that is the refusal's detail, which goes to the log and never to the client.

use integration::ErrorKind as IntegrationKind;
use mapping::{ErrorKind as MappingKind, Failure, Note, Reply};
use types::Dialect;
use types::event::{Event, EventKind};

/// The gateway's reasons, named as AWS names its gateway responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// No such API, stage, path or route.
    AccessDenied,
    /// The API key is missing, unknown, or opens another stage.
    InvalidApiKey,
    /// The client does not say who it is.
    Unauthorized,
    /// It says who it is and may not connect.
    NotAuthorized,
    /// The authorizer failed.
    AuthorizerFailure,
    /// A required request parameter is missing at `$connect`.
    BadRequestParameters,
    /// The message does not fit the route's model.
    BadRequestBody,
    /// The passthrough behaviour refuses the message.
    UnsupportedMediaType,
    /// The API's definition cannot work.
    ApiConfigurationError,
    /// The backend cannot be reached, or broke off.
    IntegrationFailure,
    /// A function failed, or what it answered is no answer. The detail is the log's whole line.
    FunctionFailed,
    /// A function could not be invoked. The detail is the log's whole line.
    NotInvoked,
    /// The backend did not answer in time.
    IntegrationTimeout,
    /// The answer is larger than a message may be.
    ResponseTooLarge,
    /// Too many connections, or requests too fast.
    Throttled(By),
    /// A usage plan's quota is used up.
    QuotaExceeded,
}

/// What throttled a request, as the metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The number of connections.
    Connections,
    /// What holds for all APIs together.
    Account,
    /// The stage's limits of the route.
    Route,
    /// The usage plan of the client's key.
    UsagePlan,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            By::Connections => "connections",
            By::Account => "account",
            By::Route => "route",
            By::UsagePlan => "usage-plan",
        }
    }
}

/// A client was told no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Which of the reasons.
    pub(crate) kind: RefusalKind,
    /// The part of the client's text that varies, if any.
    pub(crate) names: String,
    /// For the log: what exactly went wrong.
    pub(crate) detail: String,
    /// For the log: what mends it, where that is known.
    pub(crate) remedy: Option<Box<Note>>,
}

/// What an event came to: the reply (none where no integration ran), or why the client is told no.
pub(crate) type Outcome = Result<Option<Reply>, Refusal>;

impl Refusal {
    /// A refusal whose text for the client is fixed.
    pub(crate) fn new(kind: RefusalKind, detail: impl Into<String>) -> Refusal {
        Refusal { kind, names: String::new(), detail: detail.into(), remedy: None }
    }

    /// The status of a handshake that is refused so. Source: documented for REST APIs ("Gateway response types");
    /// 403, 415, 502 and 504 documented or observed for WebSocket APIs.
    pub(crate) fn status(&self) -> u16 {
        match self.kind {
            RefusalKind::BadRequestParameters | RefusalKind::BadRequestBody => 400,
            RefusalKind::Unauthorized => 401,
            RefusalKind::AccessDenied | RefusalKind::InvalidApiKey | RefusalKind::NotAuthorized => 403,
            RefusalKind::UnsupportedMediaType => 415,
            RefusalKind::Throttled(_) | RefusalKind::QuotaExceeded => 429,
            RefusalKind::ApiConfigurationError
            | RefusalKind::AuthorizerFailure
            | RefusalKind::NotInvoked
            | RefusalKind::ResponseTooLarge => 500,
            RefusalKind::FunctionFailed => 502,
            RefusalKind::IntegrationFailure | RefusalKind::IntegrationTimeout => 504,
        }
    }

    /// `$context.error.responseType`. Source: documented ("Gateway response types"); which of them an answer that is
    /// too large counts as is inferred.
    pub(crate) fn response_type(&self) -> &'static str {
        match self.kind {
            RefusalKind::AccessDenied | RefusalKind::NotAuthorized => "ACCESS_DENIED",
            RefusalKind::Unauthorized => "UNAUTHORIZED",
            RefusalKind::AuthorizerFailure => "AUTHORIZER_FAILURE",
            RefusalKind::InvalidApiKey => "INVALID_API_KEY",
            RefusalKind::BadRequestParameters => "BAD_REQUEST_PARAMETERS",
            RefusalKind::BadRequestBody => "BAD_REQUEST_BODY",
            RefusalKind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            RefusalKind::ApiConfigurationError | RefusalKind::ResponseTooLarge => "API_CONFIGURATION_ERROR",
            RefusalKind::IntegrationFailure | RefusalKind::FunctionFailed | RefusalKind::NotInvoked => {
                "INTEGRATION_FAILURE"
            }
            RefusalKind::IntegrationTimeout => "INTEGRATION_TIMEOUT",
            RefusalKind::Throttled(_) => "THROTTLED",
            RefusalKind::QuotaExceeded => "QUOTA_EXCEEDED",
        }
    }

    /// What throttled the request, if anything did: one of the causes that the metrics know.
    pub(crate) fn throttled_by(&self) -> Option<&'static str> {
        match self.kind {
            RefusalKind::Throttled(by) => Some(by.name()),
            RefusalKind::QuotaExceeded => Some("quota"),
            _ => None,
        }
    }

    /// What of it is `$context.error.validationErrorString`: parameters or a body that do not fit what was declared.
    fn validation(&self) -> Option<String> {
        matches!(self.kind, RefusalKind::BadRequestParameters | RefusalKind::BadRequestBody)
            .then(|| self.detail.clone())
    }

    /// What the access log and the metrics keep of it.
    pub(crate) fn failure(&self) -> Failure {
        Failure {
            response_type: self.response_type(),
            message: self.message(),
            detail: self.detail.clone(),
            validation: self.validation(),
        }
    }

    /// `x-amzn-ErrorType`. Source: observed on REST APIs.
    pub(crate) fn error_type(&self) -> &'static str {
        match self.kind {
            RefusalKind::AccessDenied | RefusalKind::InvalidApiKey => "ForbiddenException",
            RefusalKind::Unauthorized => "UnauthorizedException",
            RefusalKind::NotAuthorized => "AccessDeniedException",
            RefusalKind::BadRequestParameters | RefusalKind::BadRequestBody | RefusalKind::UnsupportedMediaType => {
                "BadRequestException"
            }
            RefusalKind::Throttled(_) => "TooManyRequestsException",
            RefusalKind::QuotaExceeded => "LimitExceededException",
            RefusalKind::ApiConfigurationError
            | RefusalKind::AuthorizerFailure
            | RefusalKind::IntegrationFailure
            | RefusalKind::FunctionFailed
            | RefusalKind::NotInvoked
            | RefusalKind::IntegrationTimeout
            | RefusalKind::ResponseTooLarge => "InternalServerErrorException",
        }
    }

    /// The `message` of an error frame. Source: `Forbidden`, `Internal server error` and `Endpoint request timed
    /// out` observed; the rest inferred from REST APIs.
    pub(crate) fn message(&self) -> String {
        match self.kind {
            RefusalKind::AccessDenied | RefusalKind::InvalidApiKey | RefusalKind::NotAuthorized => {
                "Forbidden".to_owned()
            }
            RefusalKind::Unauthorized => "Unauthorized".to_owned(),
            RefusalKind::BadRequestBody => "Bad request body".to_owned(),
            RefusalKind::QuotaExceeded => "Limit Exceeded".to_owned(),
            RefusalKind::BadRequestParameters => format!("Missing required request parameters: [{}]", self.names),
            RefusalKind::UnsupportedMediaType => "Unsupported Media Type".to_owned(),
            RefusalKind::IntegrationTimeout => "Endpoint request timed out".to_owned(),
            RefusalKind::Throttled(_) => "Too Many Requests".to_owned(),
            RefusalKind::ApiConfigurationError
            | RefusalKind::AuthorizerFailure
            | RefusalKind::IntegrationFailure
            | RefusalKind::FunctionFailed
            | RefusalKind::NotInvoked
            | RefusalKind::ResponseTooLarge => "Internal server error".to_owned(),
        }
    }

    /// The error frame, to the byte: one space after the first colon and after each comma. Source: observed.
    ///
    /// A refused handshake carries the same text as its body (inferred). The frame of a message that does not fit its
    /// model is documented with `messageId` where all others have `requestId`; it gets both.
    ///
    /// In the extended dialect a member `reason` follows, by which a program can tell it from a message of the application.
    pub(crate) fn frame(&self, event: &Event, dialect: Dialect) -> String {
        let message = serde_json::Value::String(self.message());
        let (connection_id, request_id) = (event.connection.id, event.request_id);
        let message_id = match &event.kind {
            EventKind::Message(message) if self.kind == RefusalKind::BadRequestBody => {
                format!(r#", "messageId":"{}""#, message.id)
            }
            _ => String::new(),
        };
        let reason = match dialect.extended {
            true => format!(r#", "reason":"{}""#, self.reason()),
            false => String::new(),
        };
        format!(
            r#"{{"message": {message}, "connectionId":"{connection_id}", "requestId":"{request_id}"{message_id}{reason}}}"#
        )
    }

    /// The extended dialect's word for it: AWS's, but where AWS's misleads.
    fn reason(&self) -> &'static str {
        match self.kind {
            RefusalKind::AccessDenied => "NO_MATCHING_ROUTE",
            RefusalKind::ResponseTooLarge => "RESPONSE_TOO_LARGE",
            _ => self.response_type(),
        }
    }

    /// What AWS's execution log says of it. Source: observed on REST APIs, but for `No route…`, which is ours.
    pub(crate) fn log_line(&self) -> String {
        match self.kind {
            RefusalKind::AccessDenied => format!("No route for this message: {}", self.detail),
            RefusalKind::IntegrationFailure => {
                format!("Execution failed due to a network error communicating with endpoint: {}", self.detail)
            }
            RefusalKind::IntegrationTimeout => format!("Execution failed due to a timeout error: {}", self.detail),
            RefusalKind::ApiConfigurationError => {
                format!("Execution failed due to configuration error: {}", self.detail)
            }
            RefusalKind::FunctionFailed | RefusalKind::NotInvoked => self.detail.clone(),
            RefusalKind::BadRequestBody => format!("Request body does not match model schema: {}", self.detail),
            RefusalKind::InvalidApiKey
            | RefusalKind::Unauthorized
            | RefusalKind::NotAuthorized
            | RefusalKind::AuthorizerFailure
            | RefusalKind::BadRequestParameters
            | RefusalKind::UnsupportedMediaType
            | RefusalKind::ResponseTooLarge
            | RefusalKind::Throttled(_)
            | RefusalKind::QuotaExceeded => format!("Execution failed: {}", self.detail),
        }
    }
}

impl From<mapping::Error> for Refusal {
    fn from(error: mapping::Error) -> Refusal {
        let kind = match error.kind {
            MappingKind::NoRoute => RefusalKind::AccessDenied,
            MappingKind::BadRequestBody => RefusalKind::BadRequestBody,
            MappingKind::UnsupportedMediaType => RefusalKind::UnsupportedMediaType,
            MappingKind::Configuration => RefusalKind::ApiConfigurationError,
            MappingKind::FunctionFailed => RefusalKind::FunctionFailed,
            MappingKind::NotInvoked => RefusalKind::NotInvoked,
        };
        Refusal { remedy: error.remedy, ..Refusal::new(kind, error.detail) }
    }
}

impl From<integration::Error> for Refusal {
    fn from(error: integration::Error) -> Refusal {
        let kind = match error.kind {
            IntegrationKind::Timeout => RefusalKind::IntegrationTimeout,
            IntegrationKind::Unreachable | IntegrationKind::Broken | IntegrationKind::BadAnswer => {
                RefusalKind::IntegrationFailure
            }
            IntegrationKind::Unready => RefusalKind::ApiConfigurationError,
        };
        Refusal::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use types::Dialect;
    use types::event::{ClientMessage, Connection, Event, EventKind};
    use types::time::Timestamp;

    use super::{Refusal, RefusalKind};

    fn event() -> Event {
        let connection = Connection {
            id: "Qyi07eCbtjMCJKw=".parse().unwrap(),
            stage: Arc::default(),
            domain_name: "".into(),
            source_ip: [127, 0, 0, 1].into(),
            user_agent: None,
            connected_at: Timestamp(0),
            path: None,
            identity: None,
        };
        let message = ClientMessage { id: "Qyi3UG41tjMCJKw=".parse().unwrap(), body: Bytes::new(), is_binary: false };
        Event {
            connection: Arc::new(connection),
            request_id: "Qyi3UG41tjMFlUg=".parse().unwrap(),
            at: Timestamp(0),
            kind: EventKind::Message(message),
        }
    }

    #[test]
    fn an_error_frame_has_exactly_the_bytes_seen_on_aws() {
        let ids = r#""connectionId":"Qyi07eCbtjMCJKw=", "requestId":"Qyi3UG41tjMFlUg=""#;
        let event = event();
        let frame = |kind| Refusal::new(kind, "").frame(&event, Dialect::default());
        assert_eq!(
            frame(RefusalKind::ApiConfigurationError),
            format!(r#"{{"message": "Internal server error", {ids}}}"#)
        );
        // Documented with `messageId` where all other frames have `requestId`; both is our decision.
        let both = format!(r#"{{"message": "Bad request body", {ids}, "messageId":"Qyi3UG41tjMCJKw="}}"#);
        assert_eq!(frame(RefusalKind::BadRequestBody), both);
        let extended = Dialect { extended: true, ..Dialect::default() };
        assert_eq!(
            Refusal::new(RefusalKind::AccessDenied, "").frame(&event, extended),
            format!(r#"{{"message": "Forbidden", {ids}, "reason":"NO_MATCHING_ROUTE"}}"#)
        );
    }
}
