//! The files that AWS's tools share: `~/.aws/credentials` and `~/.aws/config`, and the profile that is used.
//!
//! Errors name file and profile, and never a value. Source: documented ("Shared config and credentials files").

use std::collections::BTreeMap;

use crate::aws::Key;
use crate::aws::chain::key;
use crate::aws::environment::{Environment, read};

/// The longest such file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

type Members = BTreeMap<String, String>;

/// All profiles of both files.
pub(super) struct Profiles {
    /// The one that is asked for.
    pub(super) name: String,
    is_asked_for: bool,
    /// The files, each with what became of it.
    files: [String; 2],
    by_name: BTreeMap<String, Members>,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Profile<'p> {
    pub(super) name: &'p str,
    members: &'p Members,
}

/// Where a profile's credentials come from.
pub(super) enum Source {
    Keys {
        key_id: String,
        secret: String,
        token: Option<String>,
    },
    Process(String),
    WebIdentity {
        file: String,
        role: String,
        session: Option<String>,
    },
    /// `from`: another profile, or itself; none where `credential_source` says it.
    Role {
        role: String,
        session: Option<String>,
        external_id: Option<String>,
        duration: Option<String>,
        from: Option<String>,
    },
}

impl Profiles {
    /// Reads both files; one that is not there is empty.
    ///
    /// # Errors
    /// Names the file that is there and cannot be read.
    pub(super) fn read(environment: &Environment) -> Result<Profiles, String> {
        let home = environment.get("HOME");
        let path = |variable: &str, name: &str| {
            environment.get(variable).or_else(|| home.as_ref().map(|home| format!("{home}/.aws/{name}")))
        };
        let paths = [path("AWS_CONFIG_FILE", "config"), path("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
        let mut by_name: BTreeMap<String, Members> = BTreeMap::new();
        let mut files = [String::new(), String::new()];
        // What the credentials file says of a member counts, so it comes last.
        for (at, path) in paths.into_iter().enumerate() {
            let Some(path) = path else { continue };
            files[at] = match read(&path, FILE_BYTES_MAX) {
                Ok(text) => {
                    for (name, members) in sections(&text, at == 0) {
                        by_name.entry(name).or_default().extend(members);
                    }
                    path
                }
                Err(error) if error == "is not there" => format!("{path} ({error})"),
                Err(error) => return Err(format!("{path} {error}")),
            };
        }
        let asked_for = environment.get("AWS_PROFILE").or_else(|| environment.get("AWS_DEFAULT_PROFILE"));
        let is_asked_for = asked_for.is_some();
        Ok(Profiles { name: asked_for.unwrap_or_else(|| "default".to_owned()), is_asked_for, files, by_name })
    }

    /// The profile that is used, if it is there.
    ///
    /// # Errors
    /// One is asked for that is not there.
    pub(super) fn chosen(&self) -> Result<Option<Profile<'_>>, String> {
        match self.named(&self.name) {
            None if self.is_asked_for => Err(format!("AWS_PROFILE: {}", self.absence())),
            profile => Ok(profile),
        }
    }

    pub(super) fn named(&self, name: &str) -> Option<Profile<'_>> {
        self.by_name.get_key_value(name).map(|(name, members)| Profile { name, members })
    }

    /// That the profile is not there, and where it was looked for.
    pub(super) fn absence(&self) -> String {
        let files: Vec<_> = self.files.iter().rev().filter(|file| !file.is_empty()).map(String::as_str).collect();
        match files.as_slice() {
            [] => "there is no HOME, so no shared files".to_owned(),
            files => format!("there is no profile `{}` in {}", self.name, files.join(" or ")),
        }
    }
}

impl<'p> Profile<'p> {
    pub(super) fn get(&self, member: &str) -> Option<&'p str> {
        self.members.get(member).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn region(&self) -> Option<&'p str> {
        self.get("region")
    }

    /// Its own keys, whatever else it says.
    pub(super) fn keys(&self) -> Option<Key> {
        let (key_id, secret) = (self.get("aws_access_key_id")?, self.get("aws_secret_access_key")?);
        Some(key(key_id.to_owned(), secret.to_owned(), self.get("aws_session_token").map(str::to_owned), None))
    }

    /// Where its credentials come from; none where it has none.
    ///
    /// # Errors
    /// It says half of something, or what cannot be done here.
    pub(super) fn source(&self) -> Result<Option<Source>, String> {
        let owned = |member: &str| self.get(member).map(str::to_owned);
        let wrong = |what: &str| Err(format!("the profile `{}` {what}", self.name));
        if let Some(role) = owned("role_arn") {
            let session = owned("role_session_name");
            if let Some(file) = owned("web_identity_token_file") {
                return Ok(Some(Source::WebIdentity { file, role, session }));
            }
            if self.get("mfa_serial").is_some() {
                return wrong("takes a role with a code of a device (mfa_serial), which nobody can type here");
            }
            let (external_id, duration) = (owned("external_id"), owned("duration_seconds"));
            return match (owned("source_profile"), self.get("credential_source")) {
                (None, None) => wrong("has a role_arn, and neither source_profile nor credential_source"),
                (from, _) => Ok(Some(Source::Role { role, session, external_id, duration, from })),
            };
        }
        match (owned("aws_access_key_id"), owned("aws_secret_access_key")) {
            (Some(key_id), Some(secret)) => {
                return Ok(Some(Source::Keys { key_id, secret, token: owned("aws_session_token") }));
            }
            (Some(_), None) => return wrong("has an aws_access_key_id and no aws_secret_access_key"),
            (None, Some(_)) => return wrong("has an aws_secret_access_key and no aws_access_key_id"),
            (None, None) => {}
        }
        if let Some(command) = owned("credential_process") {
            return Ok(Some(Source::Process(command)));
        }
        if ["sso_session", "sso_start_url", "login_session"].iter().any(|member| self.get(member).is_some()) {
            let name = self.name;
            return wrong(&format!(
                "is one of a login (IAM Identity Center), which is not read; a profile with `credential_process = aws configure \
                 export-credentials --profile {name}` gives its keys"
            ));
        }
        Ok(None)
    }
}

// `[default]`, `[profile NAME]` of the config file, `[NAME]` of the other; indented lines belong to a member that nobody
// here reads.
fn sections(text: &str, is_config: bool) -> Vec<(String, Members)> {
    let mut all: Vec<(String, Members)> = Vec::new();
    let mut is_profile = false;
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with(['#', ';', ' ', '\t']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default().trim();
            let name = match (header.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t'])), is_config) {
                (Some(name), true) => Some(name.trim().trim_matches(['"', '\''])),
                (None, true) => Some(header).filter(|header| *header == "default"),
                (_, false) => Some(header),
            };
            is_profile = name.is_some();
            all.extend(name.map(|name| (name.to_owned(), Members::new())));
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_profile) else { continue };
        // A comment may follow, behind a space.
        let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min().unwrap_or(value.len());
        if let Some((_, members)) = all.last_mut() {
            members.insert(name.trim().to_ascii_lowercase(), value[..end].trim().to_owned());
        }
    }
    all
}
