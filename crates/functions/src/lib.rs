//! Runs Lambda functions as processes of this machine.
//!
//! A process is what AWS calls an execution environment: it asks the [Runtime API](api), which is served on a loopback port
//! of its own, for one invocation after the other. So the official runtime clients and every custom runtime run unchanged,
//! and a process that ends is known by the invocation that it had. Handlers in Node and Python need neither: a small
//! bootstrap comes along ([`launch`]).
//!
//! Whoever has functions run knows [`integration::Functions`]; a [`Directory`] of where each runs is one.

mod api;
mod environment;
mod failure;
mod function;
mod launch;
mod process;
mod strays;
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

/// Where one function runs.
pub enum Placement {
    /// Here, as processes.
    Here(Settings),
    /// Wherever that is.
    There(Box<dyn Functions>),
}

enum Placed {
    Here(Arc<Function>),
    There(Box<dyn Functions>),
}

/// Where functions run, by ARN, by `name:alias`, by name; `*` stands for all others.
///
/// What names a function most closely counts. A function that is nowhere is answered as Lambda answers it.
pub struct Directory {
    placed: BTreeMap<String, Placed>,
}

impl Directory {
    /// Processes are begun by a function's first call. What they say goes to `voice`.
    ///
    /// # Errors
    /// A sentence that names the function: its folder or its program is not there.
    pub fn new(
        placements: impl IntoIterator<Item = (String, Placement)>,
        voice: &Arc<dyn Voice>,
    ) -> Result<Directory, String> {
        let placed = placements.into_iter().map(|(name, placement)| {
            let placed = match placement {
                Placement::There(functions) => Placed::There(functions),
                Placement::Here(settings) => Placed::Here(
                    Function::new(settings, voice.clone()).map_err(|error| format!("functions.{name}: {error}"))?,
                ),
            };
            Ok((name, placed))
        });
        Ok(Directory { placed: placed.collect::<Result<_, String>>()? })
    }

    /// Ends all processes; those that run something when that has ended.
    pub fn stop(&self) {
        for placed in self.placed.values() {
            if let Placed::Here(function) = placed {
                function.stop();
            }
        }
    }

    /// Ends all processes, whatever they do, and what they began: the program itself ends now.
    pub fn end(&self) {
        self.stop();
        strays::end_all();
    }

    /// The functions that run here, by name.
    pub fn here(&self) -> impl Iterator<Item = &Settings> {
        self.placed.values().filter_map(|placed| match placed {
            Placed::Here(function) => Some(function.settings()),
            Placed::There(_) => None,
        })
    }

    /// The one that a name stands for, if it runs here.
    pub fn here_as(&self, function: &arn::Function) -> Option<&Settings> {
        match self.find(function) {
            Some(Placed::Here(function)) => Some(function.settings()),
            Some(Placed::There(_)) | None => None,
        }
    }

    fn find(&self, function: &arn::Function) -> Option<&Placed> {
        let name = &function.name;
        let qualified = function.qualifier.as_ref().map(|qualifier| format!("{name}:{qualifier}"));
        let keys = [Some(function.to_string()), qualified, Some(name.clone()), Some("*".to_owned())];
        keys.into_iter().flatten().find_map(|key| self.placed.get(&key))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Functions for Directory {
    fn has(&self, function: &arn::Function) -> bool {
        match self.find(function) {
            Some(Placed::Here(_)) => true,
            Some(Placed::There(functions)) => functions.has(function),
            None => false,
        }
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        match self.find(invocation.function) {
            Some(Placed::Here(function)) => Box::pin(async move { Ok(function.invoke(invocation).await) }),
            Some(Placed::There(functions)) => functions.invoke(invocation),
            None => Box::pin(std::future::ready(Ok(failure::not_found(invocation.function)))),
        }
    }
}
