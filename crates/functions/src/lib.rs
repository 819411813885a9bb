//! Runs Lambda functions as processes of this machine.
//!
//! A process is what AWS calls an execution environment: it asks the [Runtime API](api), which is served on a loopback port
//! of its own, for one invocation after the other. So the official runtime clients and every custom runtime run unchanged,
//! and a process that ends is known by the invocation that it had. Handlers in Node and Python need neither: a small
//! bootstrap comes along ([`launch`]).
//!
//! Whoever has functions run knows [`integration::Functions`]; a [`Directory`] of where each runs is one.

mod api;
mod desk;
mod environment;
mod failure;
mod function;
mod launch;
mod process;
mod quick;
mod roster;
mod strays;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

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

    /// Whether anybody hears what is told; if not, the line about each call need not be made.
    fn is_heard(&self) -> bool {
        true
    }
}

/// Where one function runs.
pub enum Placement {
    /// Here, as processes.
    Here(Settings),
    /// Wherever that is.
    There(Box<dyn Functions>),
}

#[derive(Clone)]
enum Placed {
    Here(Arc<Function>),
    There(Arc<dyn Functions>),
}

/// A function that a stack brings.
pub struct Brought {
    /// Its name, and its name in the template.
    pub names: Vec<String>,
    /// How it runs here.
    pub settings: Settings,
}

/// Where functions run, by ARN, by `name:alias`, by name; `*` stands for all others. Those that stacks bring come and go.
///
/// What names a function most closely counts, and what the settings say before what a stack brings. A function that is nowhere
/// is answered as Lambda answers it.
pub struct Directory {
    placed: BTreeMap<String, Placed>,
    /// By stack, then by name.
    brought: RwLock<BTreeMap<String, BTreeMap<String, Arc<Function>>>>,
    voice: Arc<dyn Voice>,
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
                Placement::There(functions) => Placed::There(functions.into()),
                Placement::Here(settings) => Placed::Here(
                    Function::new(settings, voice.clone(), environment::begin)
                        .map_err(|error| format!("functions.{name}: {error}"))?,
                ),
            };
            Ok((name, placed))
        });
        let placed = placed.collect::<Result<_, String>>()?;
        Ok(Directory { placed, brought: RwLock::default(), voice: voice.clone() })
    }

    /// One in which nothing runs yet, and of which nobody hears.
    pub fn silent() -> Directory {
        struct Silence;
        impl Voice for Silence {
            fn printed(&self, _: &str, _: Option<&str>, _: &str) {}
            fn told(&self, _: &str, _: Option<&str>, _: &str) {}
            fn is_heard(&self) -> bool {
                false
            }
        }
        Directory { placed: BTreeMap::new(), brought: RwLock::default(), voice: Arc::new(Silence) }
    }

    /// Takes the functions of a stack in the place of those that it had; those that stay the same keep their processes. Gives the
    /// names of those that cannot run, and why.
    pub fn bring(&self, stack: &str, functions: Vec<Brought>) -> Vec<(String, String)> {
        let mut all = self.brought.write().unwrap_or_else(PoisonError::into_inner);
        let old = all.remove(stack).unwrap_or_default();
        let (mut new, mut faults) = (BTreeMap::new(), Vec::new());
        for Brought { names, settings } in functions {
            let same = old.values().find(|function| *function.settings() == settings).cloned();
            let name = settings.name.clone();
            match same.map_or_else(|| Function::new(settings, self.voice.clone(), environment::begin), Ok) {
                Ok(function) => new.extend(names.into_iter().map(|name| (name, function.clone()))),
                Err(error) => faults.push((name, error)),
            }
        }
        let goes = |function: &&Arc<Function>| !new.values().any(|other| Arc::ptr_eq(other, function));
        old.values().filter(goes).for_each(|function| function.stop());
        if !new.is_empty() {
            all.insert(stack.to_owned(), new);
        }
        faults
    }

    /// Ends all processes; those that run something when that has ended.
    pub fn stop(&self) {
        self.all().iter().for_each(|function| function.stop());
    }

    /// Ends all processes, whatever they do, and what they began: the program itself ends now.
    pub fn end(&self) {
        self.stop();
        strays::end_all();
    }

    /// The functions that run here, by name.
    pub fn here(&self) -> Vec<Settings> {
        self.all().iter().map(|function| function.settings().clone()).collect()
    }

    /// The one that a name stands for, if it runs here.
    pub fn here_as(&self, function: &arn::Function) -> Option<Settings> {
        match self.find(function) {
            Some(Placed::Here(function)) => Some(function.settings().clone()),
            Some(Placed::There(_)) | None => None,
        }
    }

    /// Every function that runs here, once.
    fn all(&self) -> Vec<Arc<Function>> {
        let mut all: Vec<Arc<Function>> = Vec::new();
        let brought = self.brought.read().unwrap_or_else(PoisonError::into_inner);
        let fixed = self.placed.values().filter_map(|placed| match placed {
            Placed::Here(function) => Some(function),
            Placed::There(_) => None,
        });
        for function in fixed.chain(brought.values().flat_map(BTreeMap::values)) {
            if !all.iter().any(|other| Arc::ptr_eq(other, function)) {
                all.push(function.clone());
            }
        }
        all
    }

    fn find(&self, function: &arn::Function) -> Option<Placed> {
        let name = &function.name;
        let qualified = function.qualifier.as_ref().map(|qualifier| format!("{name}:{qualifier}"));
        let keys = [Some(function.to_string()), qualified, Some(name.clone())];
        let closely = keys.into_iter().flatten().find_map(|key| self.placed.get(&key)).cloned();
        let brought = || {
            let brought = self.brought.read().unwrap_or_else(PoisonError::into_inner);
            brought.values().find_map(|functions| functions.get(name)).cloned().map(Placed::Here)
        };
        closely.or_else(brought).or_else(|| self.placed.get("*").cloned())
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

    fn is_empty(&self) -> bool {
        self.placed.is_empty() && self.brought.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        match self.find(invocation.function) {
            Some(Placed::Here(function)) => Box::pin(async move { Ok(function.invoke(invocation).await) }),
            Some(Placed::There(functions)) => Box::pin(async move { functions.invoke(invocation).await }),
            None => Box::pin(std::future::ready(Ok(failure::not_found(invocation.function)))),
        }
    }
}
