//! Calls in the name of whoever runs a command: with the credentials and the Region that AWS's own tools would use.

use std::sync::Arc;

use auth::SigningScope;
use integration::{Http, ServicePlace};
use types::headers::Headers;
use types::message::HttpTarget;

use crate::aws::chain::Chain;
use crate::aws::environment::Environment;
use crate::aws::profiles::Profiles;
use crate::aws::{Key, Trouble, cache};

/// The service that control planes of API Gateway are signed for.
const SERVICE: &str = "apigateway";

/// Whoever runs a command.
pub(crate) struct User {
    key: Option<Key>,
    /// The Region that is meant; none where nobody says one.
    pub(crate) region: Option<String>,
    /// Why there is no key, where there is none.
    pub(crate) without: Option<String>,
}

impl User {
    /// Finds who that is. A profile that is named counts before keys in the environment, as for AWS's own command.
    ///
    /// # Errors
    /// Credentials are said to be somewhere, and cannot be had.
    pub(crate) async fn find(
        http: &Arc<Http>,
        profile: Option<&str>,
        region: Option<&str>,
        is_aws: bool,
    ) -> Result<User, String> {
        let environment = Environment::of_process().of_profile(profile);
        let of_variable = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| environment.get(name));
        let region = match region.map(str::to_owned).or_else(of_variable) {
            Some(region) => Some(region),
            None => Profiles::read(&environment)?.chosen()?.and_then(|found| found.region().map(str::to_owned)),
        };
        let sts = match environment.get("AWS_ENDPOINT_URL_STS") {
            Some(url) => Some(crate::aws::place(&url)?),
            None => Some(ServicePlace::Aws),
        };
        let chain = Chain {
            environment,
            http: http.clone(),
            sts,
            region: region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
            may_ask_metadata: is_aws,
        };
        match chain.find().await {
            Ok(key) => Ok(User { key: Some(key), region, without: None }),
            Err(Trouble::Missing(text)) => Ok(User { key: None, region, without: Some(text) }),
            Err(Trouble::Broken(text)) => Err(text),
        }
    }

    /// The headers of a call, with those that sign it; without them where there is no key.
    pub(crate) fn signed(&self, method: &str, target: &HttpTarget, headers: &Headers, body: &[u8]) -> Headers {
        let mut signed = headers.clone();
        let Some(key) = &self.key else { return signed };
        signed.set("Host", target.authority.clone());
        let given = signed.iter().map(|(name, value)| (name, value.as_bytes())).collect();
        let (path, query) = target.path_and_query.split_once('?').unwrap_or((&target.path_and_query, ""));
        let to_sign = auth::Request { method, path, query, headers: given };
        let region = self.region.as_deref().unwrap_or("us-east-1");
        let scope = SigningScope { region, service: SERVICE };
        let made = auth::sign(&to_sign, body, scope, &key.credentials, &key.derived, cache::now());
        made.into_iter().for_each(|(name, value)| signed.set(name, value));
        signed
    }
}
