//! CloudFormation's API: what a call says, what is answered, and what is kept for it beside the stacks.
//!
//! Calls come in as forms and go out as XML; nothing here knows a socket, a clock or chance. Who carries a call out hands in
//! the stacks that there are, the time, and new ids.

pub mod actions;
pub mod asked;
pub mod capabilities;
pub mod change_sets;
pub mod changes;
pub mod checked;
pub mod error;
pub mod events;
pub mod failures;
pub mod form;
pub mod names;
pub mod resources;
pub mod stacks;
pub mod templates;
pub mod xml;

pub use actions::Action;
pub use asked::{Asked, Source};
pub use change_sets::{ChangeSet, Desk};
pub use checked::Checked;
pub use error::Error;
pub use form::Form;

/// The ARN of a stack of a name that is not there yet.
pub fn stack_id(region: &str, account: &str, name: &str) -> String {
    crate::ids::stack(region, account, name)
}
