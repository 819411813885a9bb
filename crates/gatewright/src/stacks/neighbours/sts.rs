//! STS: who is calling, and a role to be taken.

use stacks::api::error::unknown_action;
use stacks::api::{Error, Form, xml};
use types::arn::Home;
use types::time::Timestamp;

use super::Around;

/// Source: the model.
pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

const VERSION: &str = "2011-06-15";

/// How long a role is taken for where nobody says, and at most, in seconds. Source: documented.
const SECONDS: u64 = 3_600;
const SECONDS_MAX: u64 = 43_200;

pub(crate) enum Call {
    GetCallerIdentity,
    AssumeRole { role: String, session: String, seconds: u64 },
}

impl Call {
    pub(super) fn read(action: &str, form: &Form) -> Result<Call, Error> {
        match action {
            "GetCallerIdentity" => Ok(Call::GetCallerIdentity),
            "AssumeRole" => Ok(Call::AssumeRole {
                role: form.required("RoleArn")?.to_owned(),
                session: form.required("RoleSessionName")?.to_owned(),
                seconds: form
                    .text("DurationSeconds")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(SECONDS)
                    .min(SECONDS_MAX),
            }),
            other => Err(unknown_action(other, form.text("Version").unwrap_or(VERSION))),
        }
    }

    /// Who one is may be asked by anybody. Source: documented ("No permissions are required").
    pub(super) fn action(&self) -> Option<&'static str> {
        match self {
            Call::GetCallerIdentity => None,
            Call::AssumeRole { .. } => Some("sts:AssumeRole"),
        }
    }

    pub(super) fn resource(&self) -> &str {
        match self {
            Call::GetCallerIdentity => "*",
            Call::AssumeRole { role, .. } => role,
        }
    }

    pub(super) fn answer(&self, home: &Home, around: &Around) -> Result<String, Error> {
        let id = &around.request_id;
        let account = &home.account_id;
        match self {
            Call::GetCallerIdentity => {
                let user = around.user.as_deref();
                let arn = match user {
                    Some(user) => auth::user_arn(account, user),
                    None => format!("arn:aws:iam::{account}:root"),
                };
                Ok(xml::answer(NAMESPACE, "GetCallerIdentity", id, |xml| {
                    xml.text("Arn", &arn);
                    xml.text("UserId", user.unwrap_or(account));
                    xml.text("Account", account);
                }))
            }
            // Keys of a role would be keys that the credentials file does not have. CDK goes on with its own then.
            Call::AssumeRole { role, .. } if around.user.is_some() => Err(Error::new(
                403,
                "AccessDenied",
                format!(
                    "there are no roles here, and {role} cannot be taken: calls are signed with a key of the credentials file"
                ),
            )),
            // Nobody looks at signatures: any key will do.
            Call::AssumeRole { role, session, seconds } => {
                let name = role.rsplit('/').next().unwrap_or(role);
                let until = Timestamp(around.now.0 + seconds * 1_000).iso();
                Ok(xml::answer(NAMESPACE, "AssumeRole", id, |xml| {
                    xml.within("Credentials", |xml| {
                        xml.text("AccessKeyId", "ASIAGATEWRIGHT000000");
                        xml.text("SecretAccessKey", "nobody-looks-at-signatures-here");
                        xml.text("SessionToken", "nobody-looks-at-signatures-here");
                        xml.text("Expiration", &until);
                    });
                    xml.within("AssumedRoleUser", |xml| {
                        xml.text("AssumedRoleId", &format!("AROAGATEWRIGHT000000:{session}"));
                        xml.text("Arn", &format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"));
                    });
                    xml.text("PackedPolicySize", "0");
                }))
            }
        }
    }
}
