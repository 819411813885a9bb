//! What the control plane is told when it is opened, and what it has to say to the person who runs the program.

use types::arn::Place;

/// What the control plane needs to know about the place it runs in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Region and account, for ARNs and texts.
    pub place: Place,
    /// Host and port under which clients reach the data plane, such as `localhost:4510`.
    ///
    /// An API's `apiEndpoint` is `ws://{apiId}.execute-api.{authority}`.
    pub authority: String,
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
