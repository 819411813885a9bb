//! CloudFormation's templates: reads them, evaluates them, and makes the control plane be what they say.

pub mod fault;
pub mod node;

pub use fault::Fault;
pub use node::{Map, Node, Place, Value};
