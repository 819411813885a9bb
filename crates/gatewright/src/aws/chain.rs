//! The standard chain: where AWS's own tools look for credentials, in their order.
//!
//! Environment, web identity, the profile of the shared files, container, instance metadata. What is not set is passed over;
//! what is set and does not work ends the search, so that nobody is someone else by mistake. Source: documented ("Standardized
//! credential providers" of the SDKs' reference).

use std::sync::Arc;

use auth::{Secret, SigningCredentials, SigningKeys};
use integration::{Http, ServicePlace};

use crate::aws::environment::{Environment, read};
use crate::aws::profiles::{Profile, Profiles, Source};
use crate::aws::sts::{Ask, Sts};
use crate::aws::{Key, Trouble, process, served};

/// The longest token of a web identity, in bytes.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// How a session is named where nobody says it.
const SESSION: &str = "gatewright";
/// Profiles that may stand behind one another.
const PROFILES_MAX: usize = 8;

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const WEB_IDENTITY: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];

/// All that it takes to find credentials.
pub(super) struct Chain {
    pub(super) environment: Environment,
    pub(super) http: Arc<Http>,
    /// Where profiles and web identities take their roles; `None`: nowhere.
    pub(super) sts: Option<ServicePlace>,
    /// The region of STS where neither a variable nor the profile says one.
    pub(super) region: String,
    /// Whether an instance's credentials are looked for: they are for AWS, and are given to nobody else unasked.
    pub(super) may_ask_metadata: bool,
}

impl Chain {
    /// Looks everywhere, in order.
    pub(super) async fn find(&self) -> Result<Key, Trouble> {
        let mut looked = Vec::new();
        match self.search(&mut looked).await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(Trouble::Missing(format!("no credentials were found: {}", looked.join("; ")))),
            Err(text) => Err(Trouble::Broken(text)),
        }
    }

    async fn search(&self, looked: &mut Vec<String>) -> Result<Option<Key>, String> {
        let variables = &self.environment;
        if let Some(key) = self.of_environment()? {
            return Ok(Some(key));
        }
        looked.push(format!("{} and {} are not set", KEYS[0], KEYS[1]));
        match WEB_IDENTITY.map(|name| variables.get(name)) {
            [Some(file), Some(role)] => return self.web_identity(&file, &role, None, None).await.map(Some),
            [Some(_), None] => return Err(format!("{} is set, and {} is not", WEB_IDENTITY[0], WEB_IDENTITY[1])),
            _ => looked.push(format!("{} is not set", WEB_IDENTITY[0])),
        }
        let profiles = Profiles::read(variables)?;
        if let Some(profile) = profiles.chosen()? {
            if let Some(key) = Box::pin(self.of_profile(&profiles, profile, &mut Vec::new())).await? {
                return Ok(Some(key));
            }
            looked.push(format!("the profile `{}` has no credentials", profiles.name));
        } else {
            looked.push(profiles.absence());
        }
        if let Some(at) = served::container(variables)? {
            return served::fetch_container(&self.http, variables, &at).await.map(Some);
        }
        looked.push(format!("{} and {} are not set", served::CONTAINER[0], served::CONTAINER[1]));
        self.metadata(looked).await
    }

    fn of_environment(&self) -> Result<Option<Key>, String> {
        match KEYS.map(|name| self.environment.get(name)) {
            [Some(key_id), Some(secret)] => {
                let token = self.environment.get("AWS_SESSION_TOKEN");
                Ok(Some(key(key_id, secret, token, None)))
            }
            [Some(_), None] => Err(format!("{} is set, and {} is not", KEYS[0], KEYS[1])),
            [None, Some(_)] => Err(format!("{} is set, and {} is not", KEYS[1], KEYS[0])),
            [None, None] => Ok(None),
        }
    }

    async fn metadata(&self, looked: &mut Vec<String>) -> Result<Option<Key>, String> {
        let is_set = self.environment.get(served::METADATA_ENDPOINT).is_some();
        if self.environment.is_true(served::METADATA_DISABLED) {
            looked.push(format!("instance metadata is switched off ({})", served::METADATA_DISABLED));
            return Ok(None);
        }
        if !self.may_ask_metadata && !is_set {
            looked.push("instance metadata is not asked, since no call goes to AWS".to_owned());
            return Ok(None);
        }
        match served::fetch_metadata(&self.http, &self.environment).await {
            Ok(key) => Ok(Some(key)),
            Err(error) if is_set => Err(error),
            Err(error) => {
                looked.push(error);
                Ok(None)
            }
        }
    }

    // `behind`: the profiles that led here.
    async fn of_profile<'p>(
        &self,
        profiles: &'p Profiles,
        profile: Profile<'p>,
        behind: &mut Vec<&'p str>,
    ) -> Result<Option<Key>, String> {
        if behind.contains(&profile.name) || behind.len() >= PROFILES_MAX {
            return Err(format!("the profile `{}` stands behind itself, or behind too many others", profile.name));
        }
        behind.push(profile.name);
        match profile.source()? {
            None => Ok(None),
            Some(Source::Keys { key_id, secret, token }) => Ok(Some(key(key_id, secret, token, None))),
            Some(Source::Process(command)) => {
                let found = process::run(&command).await;
                found.map(Some).map_err(|error| format!("credential_process of the profile `{}` {error}", profile.name))
            }
            Some(Source::WebIdentity { file, role, session }) => {
                self.web_identity(&file, &role, session, profile.region()).await.map(Some)
            }
            Some(Source::Role { role, session, external_id, duration, from }) => {
                let source = match from {
                    // Its own keys, where it names itself.
                    Some(name) if name == profile.name => profile.keys(),
                    Some(name) => {
                        let named = profiles.named(&name).ok_or_else(|| {
                            format!("source_profile of the profile `{}`: there is no profile `{name}`", profile.name)
                        })?;
                        Box::pin(self.of_profile(profiles, named, behind)).await?
                    }
                    None => self.of_credential_source(&profile).await?,
                };
                let without =
                    || format!("the profile `{}` takes a role with credentials that are not there", profile.name);
                let source = source.ok_or_else(without)?;
                let more = [("ExternalId", external_id), ("DurationSeconds", duration)];
                let more: Vec<_> = more.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let region = self.region(profile.region());
                let ask = Ask { role: &role, session: session.as_deref().unwrap_or(SESSION), more: &more };
                self.sts(&region)?.assume_role(&ask, &source.credentials).await.map(Some)
            }
        }
    }

    async fn of_credential_source(&self, profile: &Profile<'_>) -> Result<Option<Key>, String> {
        let wrong = |what: &str| format!("credential_source of the profile `{}` {what}", profile.name);
        match profile.get("credential_source") {
            Some("Environment") => self.of_environment(),
            Some("EcsContainer") => {
                let at = served::container(&self.environment)?;
                let at = at.ok_or_else(|| wrong("is EcsContainer, and no variable says where that is"))?;
                served::fetch_container(&self.http, &self.environment, &at).await.map(Some)
            }
            Some("Ec2InstanceMetadata") => {
                let mut looked = Vec::new();
                let found = self.metadata(&mut looked).await?;
                found.map(Some).ok_or_else(|| wrong(&format!("is Ec2InstanceMetadata: {}", looked.join("; "))))
            }
            other => Err(wrong(&format!(
                "is `{}`, and not Environment, Ec2InstanceMetadata or EcsContainer",
                other.unwrap_or_default()
            ))),
        }
    }

    async fn web_identity(
        &self,
        file: &str,
        role: &str,
        session: Option<String>,
        region: Option<&str>,
    ) -> Result<Key, String> {
        let token =
            read(file, TOKEN_BYTES_MAX).map_err(|error| format!("the token of the web identity, {file}, {error}"))?;
        let session = session.or_else(|| self.environment.get("AWS_ROLE_SESSION_NAME"));
        let ask = Ask { role, session: session.as_deref().unwrap_or(SESSION), more: &[] };
        let region = self.region(region);
        self.sts(&region)?.assume_role_with_web_identity(&ask, token.trim()).await
    }

    fn sts<'s>(&'s self, region: &'s str) -> Result<Sts<'s>, String> {
        let nowhere = "a role would be taken, and nothing says where STS is (aws-endpoint, or [services.sts])";
        let place = self.sts.as_ref().ok_or(nowhere)?;
        Ok(Sts { http: &self.http, place, region })
    }

    fn region(&self, of_profile: Option<&str>) -> String {
        let variable = self.environment.get("AWS_REGION").or_else(|| self.environment.get("AWS_DEFAULT_REGION"));
        variable.or_else(|| of_profile.map(str::to_owned)).unwrap_or_else(|| self.region.clone())
    }
}

/// A key of its parts.
pub(super) fn key(key_id: String, secret: String, token: Option<String>, expires: Option<u64>) -> Key {
    let (secret, token) = (Secret::new(secret), token.map(Secret::new));
    Key { credentials: SigningCredentials { key_id, secret, token }, expires, derived: SigningKeys::default() }
}
