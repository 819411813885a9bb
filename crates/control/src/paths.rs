//! Where documents stand: the paths of collections, as the store has them.

/// Every API.
pub(crate) const APIS: &str = "apis";

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
