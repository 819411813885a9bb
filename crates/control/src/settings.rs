//! What the control plane is told when it is opened, and what it has to say to the person who runs the program.

use std::sync::Arc;

use types::Limits;
use types::arn::Place;

use crate::usage::{Nothing, Usage};

/// What the control plane needs to know about the place it runs in.
#[derive(Clone)]
pub struct Settings {
    /// Region and account, for ARNs and texts.
    pub place: Place,
    /// Host and port under which clients reach the data plane, such as `localhost:4510`.
    ///
    /// An API's `apiEndpoint` is `ws://{apiId}.execute-api.{authority}`.
    pub authority: String,
    /// How many resources there can be.
    pub limits: Limits,
    /// What was counted for usage plans.
    pub usage: Arc<dyn Usage>,
}

impl Settings {
    /// The settings of a control plane with AWS's limits, beside which nobody counts.
    pub fn new(place: Place, authority: String) -> Settings {
        Settings { place, authority, limits: Limits::default(), usage: Arc::new(Nothing) }
    }
}

/// Something that the person who runs the program should know; no caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The API that it is about.
    pub api_id: String,
    /// The stage that it is about, if one.
    pub stage: Option<String>,
    /// A sentence, with what to do about it.
    pub text: String,
}
