//! CloudFormation's templates: reads them, evaluates them, and makes the control plane be what they say.

pub mod api;
pub mod change;
mod digest;
pub mod engine;
pub mod fault;
pub mod functions;
mod ids;
pub mod intrinsics;
mod kinds;
pub mod languages;
pub mod locate;
pub mod node;
mod order;
pub mod parameters;
mod paths;
pub mod read;
pub mod record;
mod references;
pub mod remark;
pub mod sam;
pub mod scope;
pub mod serverless;
mod substitution;
pub mod template;
pub mod transforms;
pub mod weight;
pub mod wire;

pub use change::{Action, Change};
pub use engine::{Applied, Failure, Wanted, apply, delete};
pub use fault::Fault;
pub use functions::{Code, StackFunction};
pub use node::{Map, Node, Place, Value};
pub use record::Record;
pub use remark::Remark;
pub use template::Template;
