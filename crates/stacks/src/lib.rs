//! CloudFormation's templates: reads them, evaluates them, and makes the control plane be what they say.

pub mod change;
pub mod engine;
pub mod export;
pub mod fault;
pub mod functions;
mod ids;
pub mod intrinsics;
mod kinds;
pub mod node;
mod order;
pub mod parameters;
pub mod read;
pub mod record;
mod references;
pub mod scope;
mod substitution;
pub mod template;

pub use change::{Action, Change};
pub use engine::{Applied, Failure, Wanted, apply, delete};
pub use fault::Fault;
pub use functions::{Code, StackFunction};
pub use node::{Map, Node, Place, Value};
pub use record::Record;
pub use template::Template;
