//! Amazon resource names as API Gateway forms them.

/// Where this gateway pretends to be: the region and account that ARNs and events name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// AWS region, such as `us-east-1`.
    pub region: String,
    /// Account id, 12 digits.
    pub account_id: String,
}

impl Place {
    /// The ARN that tags of an API are addressed by; it has no account id.
    ///
    /// Source: documented (developer guide, "Tagging your API Gateway resources").
    pub fn api_arn(&self, api_id: &str) -> String {
        format!("arn:aws:apigateway:{}::/apis/{api_id}", self.region)
    }

    /// The ARN that policies on calling a route name: `{apiId}/{stage}/{routeKey}`.
    ///
    /// Source: documented ("Control access with IAM authorization").
    pub fn route_arn(&self, api_id: &str, stage: &str, route_key: &str) -> String {
        format!("arn:aws:execute-api:{}:{}:{api_id}/{stage}/{route_key}", self.region, self.account_id)
    }
}
