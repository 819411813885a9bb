//! Why a client was told no, in AWS's words.
//!
//! Every text and status that a client sees when something fails stands here. What a developer needs to know beyond
//! that is the refusal's detail, which goes to the log and never to the client.

use integration::Kind as IntegrationKind;
use mapping::{Failure, Kind as MappingKind, Reply};
use types::Id;

/// The gateway's reasons, named as AWS names its gateway responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No such API, stage, path or route.
    AccessDenied,
    /// A required request parameter is missing at `$connect`.
    BadRequestParameters,
    /// The passthrough behaviour refuses the message.
    UnsupportedMediaType,
    /// The API's definition cannot work.
    ApiConfigurationError,
    /// The backend cannot be reached, or broke off.
    IntegrationFailure,
    /// The backend did not answer in time.
    IntegrationTimeout,
    /// The answer is larger than a message may be.
    ResponseTooLarge,
    /// Too many connections.
    Throttled,
}

/// A client was told no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Which of the reasons.
    pub(crate) kind: Kind,
    /// The part of the client's text that varies, if any.
    pub(crate) names: String,
    /// For the log: what exactly went wrong.
    pub(crate) detail: String,
}

/// What an event came to: the reply (none where no integration ran), or why the client is told no.
pub(crate) type Outcome = Result<Option<Reply>, Refusal>;

impl Refusal {
    /// A refusal whose text for the client is fixed.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Refusal {
        Refusal { kind, names: String::new(), detail: detail.into() }
    }

    /// The status of a handshake that is refused so. Source: documented for REST APIs ("Gateway response types");
    /// 403, 415 and 504 documented or observed for WebSocket APIs.
    pub(crate) fn status(&self) -> u16 {
        match self.kind {
            Kind::BadRequestParameters => 400,
            Kind::AccessDenied => 403,
            Kind::UnsupportedMediaType => 415,
            Kind::Throttled => 429,
            Kind::ApiConfigurationError | Kind::ResponseTooLarge => 500,
            Kind::IntegrationFailure | Kind::IntegrationTimeout => 504,
        }
    }

    /// `$context.error.responseType`. Source: documented ("Gateway response types"); which of them an answer that is
    /// too large counts as is inferred.
    pub(crate) fn response_type(&self) -> &'static str {
        match self.kind {
            Kind::AccessDenied => "ACCESS_DENIED",
            Kind::BadRequestParameters => "BAD_REQUEST_PARAMETERS",
            Kind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Kind::Throttled => "THROTTLED",
            Kind::ApiConfigurationError => "API_CONFIGURATION_ERROR",
            Kind::IntegrationFailure | Kind::ResponseTooLarge => "INTEGRATION_FAILURE",
            Kind::IntegrationTimeout => "INTEGRATION_TIMEOUT",
        }
    }

    /// What throttled the request, if anything did: one of the causes that the metrics know.
    pub(crate) fn throttled_by(&self) -> Option<&'static str> {
        matches!(self.kind, Kind::Throttled).then_some("connections")
    }

    /// What of it is `$context.error.validationErrorString`: parameters or a body that do not fit what was declared.
    fn validation(&self) -> Option<String> {
        matches!(self.kind, Kind::BadRequestParameters).then(|| self.detail.clone())
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
            Kind::AccessDenied => "ForbiddenException",
            Kind::BadRequestParameters | Kind::UnsupportedMediaType => "BadRequestException",
            Kind::Throttled => "TooManyRequestsException",
            Kind::ApiConfigurationError
            | Kind::IntegrationFailure
            | Kind::IntegrationTimeout
            | Kind::ResponseTooLarge => "InternalServerErrorException",
        }
    }

    /// The `message` of an error frame. Source: `Forbidden`, `Internal server error` and `Endpoint request timed
    /// out` observed; the rest inferred from REST APIs.
    pub(crate) fn message(&self) -> String {
        match self.kind {
            Kind::AccessDenied => "Forbidden".to_owned(),
            Kind::BadRequestParameters => format!("Missing required request parameters: [{}]", self.names),
            Kind::UnsupportedMediaType => "Unsupported Media Type".to_owned(),
            Kind::IntegrationTimeout => "Endpoint request timed out".to_owned(),
            Kind::Throttled => "Too Many Requests".to_owned(),
            Kind::ApiConfigurationError | Kind::IntegrationFailure | Kind::ResponseTooLarge => {
                "Internal server error".to_owned()
            }
        }
    }

    /// The error frame, to the byte: one space after the first colon and after each comma. Source: observed.
    ///
    /// A refused handshake carries the same text as its body (inferred).
    pub(crate) fn frame(&self, connection_id: Id, request_id: Id) -> String {
        let message = serde_json::Value::String(self.message());
        format!(r#"{{"message": {message}, "connectionId":"{connection_id}", "requestId":"{request_id}"}}"#)
    }

    /// What AWS's execution log says of it. Source: observed on REST APIs, but for `No route…`, which is ours.
    pub(crate) fn log_line(&self) -> String {
        match self.kind {
            Kind::AccessDenied => format!("No route for this message: {}", self.detail),
            Kind::IntegrationFailure => {
                format!("Execution failed due to a network error communicating with endpoint: {}", self.detail)
            }
            Kind::IntegrationTimeout => format!("Execution failed due to a timeout error: {}", self.detail),
            Kind::ApiConfigurationError => format!("Execution failed due to configuration error: {}", self.detail),
            Kind::BadRequestParameters | Kind::UnsupportedMediaType | Kind::ResponseTooLarge | Kind::Throttled => {
                format!("Execution failed: {}", self.detail)
            }
        }
    }
}

impl From<mapping::Error> for Refusal {
    fn from(error: mapping::Error) -> Refusal {
        let kind = match error.kind {
            MappingKind::NoRoute => Kind::AccessDenied,
            MappingKind::UnsupportedMediaType => Kind::UnsupportedMediaType,
            MappingKind::Configuration => Kind::ApiConfigurationError,
        };
        Refusal::new(kind, error.detail)
    }
}

impl From<integration::Error> for Refusal {
    fn from(error: integration::Error) -> Refusal {
        let kind = match error.kind {
            IntegrationKind::Timeout => Kind::IntegrationTimeout,
            IntegrationKind::Unreachable | IntegrationKind::Broken | IntegrationKind::BadAnswer => {
                Kind::IntegrationFailure
            }
        };
        Refusal::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Refusal};

    #[test]
    fn an_error_frame_has_exactly_the_bytes_seen_on_aws() {
        let (connection, request) = ("Qyi07eCbtjMCJKw=", "Qyi3UG41tjMFlUg=");
        let refusal = Refusal::new(Kind::ApiConfigurationError, "");
        assert_eq!(
            refusal.frame(connection.parse().unwrap(), request.parse().unwrap()),
            r#"{"message": "Internal server error", "connectionId":"Qyi07eCbtjMCJKw=", "requestId":"Qyi3UG41tjMFlUg="}"#
        );
    }
}
