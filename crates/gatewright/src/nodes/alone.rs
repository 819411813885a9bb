//! A program that was built without the feature `cluster`.

use std::sync::Arc;

use control::Control;
use control::store::Store;
use gateway::{Gateway, Peers};
use serde_json::Value;

use crate::banner::Addresses;
use crate::config::Config;
use crate::exit::Failure;
use crate::logs::Log;

/// There is none.
pub(crate) enum Node {}

/// Refuses where a cluster is asked for.
pub(crate) async fn join(config: &Config, _: &Addresses, _: &Log) -> Result<Option<Arc<Node>>, Failure> {
    match config.settings.cluster.is_empty() {
        true => Ok(None),
        false => Err(Failure::config("cluster: this program was built without the feature `cluster`")),
    }
}

impl Node {
    pub(crate) fn number(&self) -> u16 {
        match *self {}
    }

    pub(crate) fn peers(&self) -> Box<dyn Peers> {
        match *self {}
    }

    pub(crate) async fn store(&self, _: &Config, _: &Log) -> Result<Arc<dyn Store>, Failure> {
        match *self {}
    }

    pub(crate) fn begin(self: &Arc<Node>, _: &Arc<Gateway>, _: &Arc<Control>, _: &Log) {
        match **self {}
    }

    pub(crate) async fn leave(&self) {
        match *self {}
    }

    pub(crate) fn health(&self) -> Value {
        match *self {}
    }

    pub(crate) fn list(&self) -> Value {
        match *self {}
    }

    pub(crate) fn told(&self) -> String {
        match *self {}
    }
}
