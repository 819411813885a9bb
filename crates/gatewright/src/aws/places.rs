//! Where AWS's services and functions are: `[services.NAME]` of the settings file, the settings `aws-endpoint` and
//! `lambda-endpoint`, and the variables that AWS's own tools read for the same.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use integration::{Endpoint, ServicePlace};
use serde::Deserialize;
use types::message::HttpTarget;

use crate::config::{Said, SettingKind};
use crate::origin::Origin;

/// The variable that names one place for all services; behind it stands a service's id for one of that service.
const VARIABLE: &str = "AWS_ENDPOINT_URL";
/// Whether such variables are passed over. Source: documented ("Service-specific endpoints").
const IGNORED: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
/// Services whose id is not their name in a URI: id, name. Source: documented ("Service-specific identifiers").
const IDS: [(&str, &str); 10] = [
    ("EVENTBRIDGE", "events"),
    ("SFN", "states"),
    ("CLOUDWATCH_LOGS", "logs"),
    ("CLOUDWATCH", "monitoring"),
    ("SES", "email"),
    ("SECRETS_MANAGER", "secretsmanager"),
    ("COGNITO_IDENTITY_PROVIDER", "cognito-idp"),
    ("BEDROCK_RUNTIME", "bedrock-runtime"),
    ("IOT_DATA_PLANE", "iot"),
    ("API_GATEWAY", "apigateway"),
];

/// A service as the file has it: `[services.sqs]`, by its name in an integration's URI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filed {
    endpoint: String,
}

/// Checks the services of the file.
///
/// # Errors
/// One sentence that names the file, the service and what would fit.
pub(crate) fn read(file: &Path, filed: BTreeMap<String, Filed>) -> Result<BTreeMap<String, ServicePlace>, String> {
    let service = |(name, filed): (String, Filed)| {
        let wrong = |error: String| format!("settings file {}: services.{name}: endpoint: {error}", file.display());
        let found = place(&filed.endpoint).map_err(wrong)?;
        Ok((name, found))
    };
    filed.into_iter().map(service).collect()
}

/// The services as lines of `gatewright config`.
pub(crate) fn said(services: &BTreeMap<String, ServicePlace>, file: &Path) -> Vec<Said> {
    let line = |(name, place): (&String, &ServicePlace)| {
        let (name, text) = (format!("services {name}"), place.to_string());
        Said { name, kind: SettingKind::Tables, text, origin: Origin::File(file.to_owned()) }
    };
    services.iter().map(line).collect()
}

/// `aws`, or a URL.
///
/// # Errors
/// What of it does not fit.
pub(crate) fn place(text: &str) -> Result<ServicePlace, String> {
    if text == "aws" { Ok(ServicePlace::Aws) } else { Endpoint::parse(text).map(ServicePlace::At) }
}

/// The addresses of this gateway, at which no service is.
pub(crate) struct Own {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) public_url: Option<String>,
}

impl Own {
    fn is(&self, url: &str) -> bool {
        let Ok(HttpTarget { host, port, .. }) = HttpTarget::parse(url) else { return false };
        let public = self.public_url.as_deref().and_then(|url| HttpTarget::parse(url).ok());
        let is_public = public.is_some_and(|public| public.host.eq_ignore_ascii_case(&host) && public.port == port);
        let (ip, is_localhost) = (host.parse::<IpAddr>(), host == "localhost" || host.ends_with(".localhost"));
        let is_here = |listen: &SocketAddr| {
            let is_near = is_localhost || ip.as_ref().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
            let reaches_loopback = listen.ip().is_loopback() || listen.ip().is_unspecified();
            listen.port() == port && (ip == Ok(listen.ip()) || is_near && reaches_loopback)
        };
        is_public || self.listen.iter().any(is_here)
    }
}

/// Where everything is.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Places {
    /// By the name that a URI gives a service.
    pub(crate) services: BTreeMap<String, ServicePlace>,
    pub(crate) others: Option<ServicePlace>,
    /// Functions that `[functions]` does not name.
    pub(crate) functions: Option<ServicePlace>,
    /// What a person is told of it.
    pub(crate) remarks: Vec<String>,
    /// A function of `[functions]` is at AWS.
    pub(crate) a_function_is_at_aws: bool,
}

impl Places {
    /// Puts them together: what is said of one service counts before what is said of all, and a setting before a variable.
    pub(crate) fn new(
        mut services: BTreeMap<String, ServicePlace>,
        mut others: Option<ServicePlace>,
        mut functions: Option<ServicePlace>,
        variables: impl IntoIterator<Item = (String, String)>,
        own: &Own,
    ) -> Places {
        let mut remarks = Vec::new();
        let mut variables: Vec<_> = variables.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        // The particular ones come before the general one.
        variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        if variables.iter().any(|(name, value)| name == IGNORED && value.eq_ignore_ascii_case("true")) {
            variables.clear();
        }
        for (name, url) in &variables {
            let Some(id) = name.strip_prefix(VARIABLE).filter(|id| id.is_empty() || id.starts_with('_')) else {
                continue;
            };
            let found = match Endpoint::parse(url.trim()) {
                Ok(_) if own.is(url.trim()) => {
                    remarks.push(format!("{name} is this gateway's own address, so no service of AWS is called there"));
                    continue;
                }
                Ok(endpoint) => ServicePlace::At(endpoint),
                Err(error) => {
                    remarks.push(format!("{name} is passed over: {error}"));
                    continue;
                }
            };
            let mut is_used = false;
            let mut put = |at: &mut Option<ServicePlace>| {
                is_used |= at.is_none();
                at.get_or_insert_with(|| found.clone());
            };
            match id.strip_prefix('_') {
                None => {
                    put(&mut others);
                    put(&mut functions);
                }
                Some("LAMBDA") => put(&mut functions),
                Some(id) => {
                    let known = IDS.iter().find(|(known, _)| *known == id).map(|(_, name)| (*name).to_owned());
                    let service = known.unwrap_or_else(|| id.to_ascii_lowercase().replace('_', "-"));
                    is_used = !services.contains_key(&service);
                    services.entry(service).or_insert(found.clone());
                }
            }
            if is_used {
                let of = if id == "_LAMBDA" { "Lambda functions are" } else { "services of AWS are" };
                remarks.push(format!("{of} called at {found} ({name})"));
            }
        }
        Places { services, others, functions, remarks, a_function_is_at_aws: false }
    }

    /// Where a service is; STS is at AWS also where only functions are.
    pub(super) fn place(&self, service: &str) -> Option<&ServicePlace> {
        let of_functions = self.any_is_aws().then_some(&ServicePlace::Aws).filter(|_| service == "sts");
        self.services.get(service).or(self.others.as_ref()).or(of_functions)
    }

    pub(super) fn any_is_aws(&self) -> bool {
        let mut all = self.services.values().chain(&self.others).chain(&self.functions);
        self.a_function_is_at_aws || all.any(|place| *place == ServicePlace::Aws)
    }
}

/// The variables of the program that name places.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.filter(|(name, _)| name.starts_with(VARIABLE) || name == IGNORED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> ServicePlace {
        place(url).unwrap()
    }

    fn own() -> Own {
        let listen = ["127.0.0.1:4510", "10.0.0.1:4511"].map(|address| address.parse().unwrap()).to_vec();
        Own { listen, public_url: Some("https://gw.example.com".to_owned()) }
    }

    fn given(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_said_of_one_service_counts_first_and_settings_before_variables() {
        let services: BTreeMap<_, _> = [("sqs".to_owned(), at("http://a"))].into();
        let variables = given(&[
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_SQS", "http://b"),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://c"),
            ("AWS_ENDPOINT_URL_LAMBDA", "http://d"),
            ("AWS_ENDPOINT_URLS", "http://none"),
            ("AWS_ENDPOINT_URL_SNS", ""),
        ]);
        let places = Places::new(services.clone(), Some(ServicePlace::Aws), None, variables.clone(), &own());
        assert_eq!(places.place("sqs"), Some(&at("http://a")));
        assert_eq!(places.place("events"), Some(&at("http://c")));
        assert_eq!(places.place("sns"), Some(&ServicePlace::Aws));
        assert_eq!(places.functions, Some(at("http://d")));
        assert!(places.any_is_aws());
        let places = Places::new(services, None, None, variables, &own());
        assert_eq!(places.place("sns"), Some(&at("http://all")));
        assert!(!places.any_is_aws());
        let ignored = given(&[("AWS_ENDPOINT_URL", "http://all"), (IGNORED, "true")]);
        assert_eq!(Places::new(BTreeMap::new(), None, None, ignored, &own()), Places::default());
        let functions = Places::new(BTreeMap::new(), None, Some(ServicePlace::Aws), [], &own());
        assert_eq!((functions.place("sts"), functions.place("sqs")), (Some(&ServicePlace::Aws), None));
    }

    #[test]
    fn a_variable_that_is_this_gateway_is_remarked_on_and_not_taken() {
        for (url, taken) in [
            ("http://127.0.0.1:4510", false),
            ("http://localhost:4510/", false),
            ("http://x.localhost:4510", false),
            ("http://10.0.0.1:4511", false),
            ("https://gw.example.com", false),
            ("http://127.0.0.1:4511", true),
            ("http://127.0.0.1:4566", true),
            ("http://gw.example.com", true),
            ("localhost:4510", false),
        ] {
            let places = Places::new(BTreeMap::new(), None, None, given(&[(VARIABLE, url)]), &own());
            assert_eq!((places.others.is_some(), places.functions.is_some()), (taken, taken), "{url}");
            assert_eq!(places.remarks.len(), 1, "{url}");
        }
    }
}
