//! What Amazon resource names say of the place: region and account.

/// Where this gateway pretends to be: the region and account that ARNs and events name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// AWS region, such as `us-east-1`.
    pub region: String,
    /// Account id, 12 digits.
    pub account_id: String,
}
