//! CloudFormation's templates: reads them, evaluates them, and makes the control plane be what they say.

pub mod fault;
pub mod languages;
pub mod node;
pub mod remark;
pub mod sam;
pub mod transforms;
pub mod weight;

pub use fault::Fault;
pub use node::{Map, Node, Place, Value};
pub use remark::Remark;
