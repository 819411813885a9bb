//! Runs Lambda functions as processes of this machine.
//!
//! A process is what AWS calls an execution environment: it asks the [Runtime API](api), which is served on a loopback port
//! of its own, for one invocation after the other. So the official runtime clients and every custom runtime run unchanged,
//! and a process that ends is known by the invocation that it had. Handlers in Node and Python need neither: a small
//! bootstrap comes along ([`launch`]).
//!
//! Whoever has functions run knows [`integration::Functions`]; [`Local`] is one.

mod api;
mod environment;
mod failure;
mod function;
mod launch;
mod process;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use integration::{Functions, Invocation, Invoking};
use types::arn;

pub use launch::{Settings, Start};

use crate::function::Function;

/// Hears what functions print, and what is said of them. Called often; it must not block.
pub trait Voice: Send + Sync {
    /// A line that a function printed, while it ran this invocation, if any.
    fn printed(&self, function: &str, request_id: Option<&str>, line: &str);

    /// A sentence about a function: that it began, ended, failed, took so long.
    fn told(&self, function: &str, request_id: Option<&str>, text: &str);
}

/// The functions of this machine, by name.
pub struct Local {
    functions: BTreeMap<String, Arc<Function>>,
}

impl Local {
    /// Runs these; a process is begun by its first call. What it says goes to `voice`.
    ///
    /// # Errors
    /// A sentence that names the function: its folder or its program is not there.
    pub fn new(settings: Vec<Settings>, voice: Arc<dyn Voice>) -> Result<Local, String> {
        let functions = settings.into_iter().map(|settings| {
            let name = settings.name.clone();
            let function = Function::new(settings, voice.clone());
            Ok((name.clone(), function.map_err(|error| format!("function {name}: {error}"))?))
        });
        Ok(Local { functions: functions.collect::<Result<_, String>>()? })
    }

    /// Ends all their processes.
    pub fn stop(&self) {
        self.functions.values().for_each(|function| function.stop());
    }

    // By name and alias or version, by name; definitions name functions in either way.
    fn find(&self, function: &arn::Function) -> Option<&Arc<Function>> {
        let qualified = function.qualifier.as_ref().map(|qualifier| format!("{}:{qualifier}", function.name));
        qualified.and_then(|name| self.functions.get(&name)).or_else(|| self.functions.get(&function.name))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Functions for Local {
    fn has(&self, function: &arn::Function) -> bool {
        self.find(function).is_some()
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        match self.find(invocation.function) {
            Some(function) => Box::pin(async move { Ok(function.invoke(invocation).await) }),
            None => Box::pin(std::future::ready(Ok(failure::not_found(invocation.function)))),
        }
    }
}
