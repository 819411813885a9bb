//! Where documents stand: the paths of collections, as the store has them.

/// Every API.
pub(crate) const APIS: &str = "apis";

/// The account's settings: a collection of one document, [`SETTINGS`].
pub(crate) const ACCOUNT: &str = "account";

/// The id of the one document in [`ACCOUNT`].
pub(crate) const SETTINGS: &str = "settings";

/// Every API key.
pub(crate) const API_KEYS: &str = "apikeys";

/// Every client certificate, with its private key.
pub(crate) const CLIENT_CERTIFICATES: &str = "clientcertificates";

/// Every custom domain name.
pub(crate) const DOMAIN_NAMES: &str = "domainnames";

/// Every stack: what templates made, in the form of crate `stacks`.
pub(crate) const STACKS: &str = "stacks";

/// Every usage plan.
pub(crate) const USAGE_PLANS: &str = "usageplans";

/// Every VPC link of v1, the ones that WebSocket APIs use.
pub(crate) const VPC_LINKS: &str = "vpclinks";

/// Every VPC link of v2, which WebSocket APIs cannot use.
pub(crate) const VPC_LINKS_V2: &str = "vpclinksv2";

/// The collection of API mappings below a domain name.
pub(crate) const API_MAPPINGS: &str = "apimappings";

/// The API mappings of a domain name.
pub(crate) fn api_mappings(domain_name: &str) -> String {
    format!("domainnames/{domain_name}/apimappings")
}

/// The keys of a usage plan.
pub(crate) fn plan_keys(plan_id: &str) -> String {
    format!("usageplans/{plan_id}/keys")
}

/// An API's authorizers.
pub(crate) fn authorizers(api_id: &str) -> String {
    format!("apis/{api_id}/authorizers")
}

/// An API's deployments.
pub(crate) fn deployments(api_id: &str) -> String {
    format!("apis/{api_id}/deployments")
}

/// An API's integrations.
pub(crate) fn integrations(api_id: &str) -> String {
    format!("apis/{api_id}/integrations")
}

/// An API's routes.
pub(crate) fn routes(api_id: &str) -> String {
    format!("apis/{api_id}/routes")
}

/// An API's stages.
pub(crate) fn stages(api_id: &str) -> String {
    format!("apis/{api_id}/stages")
}
