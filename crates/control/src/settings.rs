//! What the control plane is told when it is opened, and what it has to say to the person who runs the program.

use std::sync::Arc;

use types::Limits;
use types::arn::Home;

use crate::usage::{Nothing, Usage};

/// What the control plane needs to know about the place it runs in.
#[derive(Clone)]
pub struct Settings {
    /// Region and account, for ARNs and texts.
    pub place: Home,
    /// Host and port under which clients reach the data plane, such as `localhost:4510`.
    ///
    /// An API's `apiEndpoint` is `{scheme}://{apiId}.execute-api.{authority}`.
    pub authority: String,
    /// `ws`, or `wss` where the data plane speaks TLS.
    pub scheme: &'static str,
    /// Where clients reach the data plane by another way, such as a proxy: `wss://gateway.example.com`. Then an API's
    /// `apiEndpoint` is `{public_url}/_aws/execute-api/{apiId}`.
    pub public_url: Option<String>,
    /// How many resources there can be.
    pub limits: Limits,
    /// What was counted for usage plans.
    pub usage: Arc<dyn Usage>,
}

impl Settings {
    /// The settings of a control plane with AWS's limits, beside which nobody counts.
    pub fn new(place: Home, authority: String) -> Settings {
        let usage = Arc::new(Nothing);
        Settings { place, authority, scheme: "ws", public_url: None, limits: Limits::default(), usage }
    }
}

/// Something that the person who runs the program should know; no caller is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remark {
    /// The API that it is about.
    pub api_id: String,
    /// The stage that it is about, if one.
    pub stage: Option<String>,
    /// A sentence, with what to do about it.
    pub text: String,
    /// Whether the next deployment to the stage makes it untrue.
    pub until_deployed: bool,
    /// Whether nothing goes wrong because of it: for those who look closely.
    pub aside: bool,
}
