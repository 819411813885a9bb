//! CloudFormation's templates: reads them, evaluates them, and makes the control plane be what they say.

mod digest;
pub mod fault;
pub mod intrinsics;
pub mod languages;
pub mod locate;
pub mod node;
mod order;
pub mod parameters;
mod paths;
pub mod read;
mod references;
pub mod remark;
pub mod sam;
pub mod scope;
pub mod serverless;
mod substitution;
pub mod template;
pub mod transforms;
pub mod weight;

pub use fault::Fault;
pub use node::{Map, Node, Place, Value};
pub use remark::Remark;
