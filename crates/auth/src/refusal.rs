//! What AWS says to whom it does not let in: every text beside its source.
//!
//! Sources: documented, observed (seen in public reports of users), inferred; docs/aws/auth.md 3.

use std::fmt;

/// The status of every refusal.
const STATUS: u16 = 403;

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It is not signed at all.
    Missing,
    /// Its signature lacks something, or is of another kind.
    Incomplete,
    /// No such access key, or not with this session token.
    UnknownKey,
    /// The session token's time is over.
    ExpiredToken,
    /// The signature is not that of the request.
    WrongSignature,
    /// The signature is too old, too new, or for another service.
    OutOfScope,
    /// The signature is right, and the caller may not do this.
    Denied,
}

/// What a caller is told that is not let in, and what the log may say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    message: String,
    log: String,
}

impl Refusal {
    /// Why.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        STATUS
    }

    /// `x-amzn-ErrorType`. Documented and observed, but for `UnrecognizedClientException` and `ExpiredTokenException`, which
    /// are inferred.
    pub fn error_type(&self) -> &'static str {
        match self.kind {
            RefusalKind::Missing => "MissingAuthenticationTokenException",
            RefusalKind::Incomplete => "IncompleteSignatureException",
            RefusalKind::UnknownKey => "UnrecognizedClientException",
            RefusalKind::ExpiredToken => "ExpiredTokenException",
            RefusalKind::WrongSignature | RefusalKind::OutOfScope => "InvalidSignatureException",
            RefusalKind::Denied => "AccessDeniedException",
        }
    }

    /// The text, for the caller only: it may repeat what the caller sent.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer, JSON. Observed that it is `Message` where a policy denies, and `message` elsewhere.
    pub fn body(&self) -> String {
        let name = if self.kind == RefusalKind::Denied { "Message" } else { "message" };
        serde_json::json!({ name: self.message }).to_string()
    }

    /// The request is not signed. Documented, and recorded.
    pub fn unsigned() -> Refusal {
        Refusal::new(RefusalKind::Missing, "Missing Authentication Token".to_owned(), "the request is not signed")
    }

    /// A header that is no list of `key=value`. Observed. The log does not repeat what may be a token.
    pub(crate) fn no_pair(part: &str, header: &str) -> Refusal {
        let message =
            format!("'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'.");
        Refusal::new(RefusalKind::Incomplete, message, "the Authorization header is no AWS4-HMAC-SHA256 signature")
    }

    /// Inferred: well known.
    pub(crate) fn parts_missing(parts: &[&str], has_date: bool, header: &str) -> Refusal {
        let mut message: String =
            parts.iter().map(|part| format!("Authorization header requires '{part}' parameter. ")).collect();
        if !has_date {
            message += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
        }
        message += &format!("Authorization={header}");
        let mut missing = parts.to_vec();
        missing.extend((!has_date).then_some("X-Amz-Date"));
        Refusal::new(RefusalKind::Incomplete, message, &format!("the signature lacks {}", missing.join(", ")))
    }

    /// Inferred.
    pub(crate) fn parameters_missing(parts: &[&str]) -> Refusal {
        let mut message: String =
            parts.iter().map(|part| format!("AWS query-string parameters must include '{part}'. ")).collect();
        message += "Re-examine the query-string parameters.";
        Refusal::new(
            RefusalKind::Incomplete,
            message,
            &format!("the signature in the query lacks {}", parts.join(", ")),
        )
    }

    /// A part that is there and no such part. Inferred, as the callers' texts.
    pub(crate) fn malformed(message: String) -> Refusal {
        let log = message.clone();
        Refusal::new(RefusalKind::Incomplete, message, &log)
    }

    /// Documented; the type's name is inferred.
    pub(crate) fn unknown_key(id: &str, why: &str) -> Refusal {
        let message = "The security token included in the request is invalid.".to_owned();
        Refusal::new(RefusalKind::UnknownKey, message, &format!("access key {}: {why}", shown(id)))
    }

    /// Inferred.
    pub(crate) fn expired_token(id: &str) -> Refusal {
        let message = "The security token included in the request is expired".to_owned();
        Refusal::new(RefusalKind::ExpiredToken, message, &format!("access key {}: its time is over", shown(id)))
    }

    /// Observed, the canonical string included.
    pub(crate) fn wrong_signature(id: &str, canonical: &[u8], to_sign: &str) -> Refusal {
        let canonical = String::from_utf8_lossy(canonical);
        let message = format!(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
             signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have \
             been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
        );
        let log = format!(
            "access key {}: the signature is not that of this request: the secret is another one, or something on the way changed \
             the request",
            shown(id)
        );
        Refusal::new(RefusalKind::WrongSignature, message, &log)
    }

    /// Too old, too new: observed and inferred, as the callers' texts; another service or day.
    pub(crate) fn out_of_scope(message: String) -> Refusal {
        let log = message.clone();
        Refusal::new(RefusalKind::OutOfScope, message, &log)
    }

    /// The caller is known and may not. `resource` as the caller is told it, `why` for the log.
    ///
    /// Documented and observed; the account in a resource of `execute-api` is masked and the connection's id left out.
    pub fn denied(caller_arn: &str, action: &str, resource: &str, is_explicit: bool, why: &str) -> Refusal {
        let reason = match is_explicit {
            true => " with an explicit deny".to_owned(),
            false => format!(" because no identity-based policy allows the {action} action"),
        };
        let resource = masked(resource);
        let message =
            format!("User: {caller_arn} is not authorized to perform: {action} on resource: {resource}{reason}");
        Refusal::new(RefusalKind::Denied, message, &format!("{caller_arn} may not {action}: {why}"))
    }

    fn new(kind: RefusalKind, message: String, log: &str) -> Refusal {
        Refusal { kind, message, log: log.to_owned() }
    }
}

/// For the log: it repeats no token and no signature.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.log)
    }
}

/// How much of a text that anybody may send the log repeats, and without what could be a line of its own.
const SHOWN_CHARS_MAX: usize = 128;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// How much of an account's number stays readable. Observed.
const ACCOUNT_DIGITS_SHOWN: usize = 4;

// Only execute-api's resources name an account.
fn masked(resource: &str) -> String {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [arn, partition, "execute-api", region, account, rest] = parts[..] else { return resource.to_owned() };
    let hidden = account.len().saturating_sub(ACCOUNT_DIGITS_SHOWN);
    let account: String = account.char_indices().map(|(at, c)| if at < hidden { '*' } else { c }).collect();
    let rest = match rest.split_once("/@connections/") {
        Some((before, _)) => format!("{before}/@connections/{{connectionId}}"),
        None => rest.to_owned(),
    };
    format!("{arn}:{partition}:execute-api:{region}:{account}:{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_is_said_in_aws_words() {
        let resource = "arn:aws:execute-api:us-east-1:123456788190:zgeh0r2vv1/prod/POST/@connections/L0SM9cOFvHcCIhw=";
        let caller = "arn:aws:iam::123456788190:user/backend";
        let refusal = Refusal::denied(caller, "execute-api:ManageConnections", resource, false, "no policy");
        assert_eq!(
            refusal.body(),
            r#"{"Message":"User: arn:aws:iam::123456788190:user/backend is not authorized to perform: execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:********8190:zgeh0r2vv1/prod/POST/@connections/{connectionId} because no identity-based policy allows the execute-api:ManageConnections action"}"#
        );
        assert_eq!((refusal.status(), refusal.error_type()), (403, "AccessDeniedException"));
        let control = Refusal::denied(caller, "apigateway:GET", "arn:aws:apigateway:us-east-1::/apis", true, "");
        assert!(control.message().ends_with("on resource: arn:aws:apigateway:us-east-1::/apis with an explicit deny"));
    }

    #[test]
    fn the_log_repeats_neither_tokens_nor_lines_of_others() {
        let bearer = Refusal::no_pair("eyJ0b2tlbg", "Bearer eyJ0b2tlbg");
        assert!(bearer.message().contains("eyJ0b2tlbg") && !bearer.to_string().contains("eyJ"));
        let unknown = Refusal::unknown_key("A\nB", "there is none");
        assert!(!unknown.to_string().contains('\n'), "{unknown}");
    }
}
