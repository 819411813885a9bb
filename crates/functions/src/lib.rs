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
    /// Its name in the template, by which it is found where no function has that name.
    pub logical: String,
    /// How it runs here.
    pub settings: Settings,
    /// Whether its code is other than before, where that may be told before its folder is.
    pub is_new_code: bool,
}

/// What stacks brought.
#[derive(Default)]
struct OfStacks {
    /// By stack: each with its name in the template.
    by_stack: BTreeMap<String, Vec<(String, Arc<Function>)>>,
    /// The same by their names, and by those in templates that are nobody's name.
    by_name: BTreeMap<String, Arc<Function>>,
}

impl OfStacks {
    fn all(&self) -> impl Iterator<Item = &(String, Arc<Function>)> {
        self.by_stack.values().flatten()
    }

    fn put(&mut self, stack: &str, functions: Vec<(String, Arc<Function>)>) {
        match functions.is_empty() {
            true => self.by_stack.remove(stack),
            false => self.by_stack.insert(stack.to_owned(), functions),
        };
        let logical = self.all().map(|(logical, function)| (logical.clone(), function.clone()));
        let mut by_name: BTreeMap<String, Arc<Function>> = logical.collect();
        by_name.extend(self.all().map(|(_, function)| (function.settings().name.clone(), function.clone())));
        self.by_name = by_name;
    }
}

/// Where functions run, by ARN, by `name:alias`, by name; `*` stands for all others. Those that stacks bring come and go.
///
/// What names a function most closely counts, and what the settings say before what a stack brings. A function that is nowhere
/// is answered as Lambda answers it.
pub struct Directory {
    placed: BTreeMap<String, Placed>,
    brought: RwLock<OfStacks>,
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
        let brought = self.brought.read().unwrap_or_else(PoisonError::into_inner);
        let old = brought.by_stack.get(stack).cloned().unwrap_or_default();
        drop(brought);
        // Nobody waits while their folders are looked through.
        let (mut new, mut faults) = (Vec::new(), Vec::new());
        for Brought { logical, settings, is_new_code } in functions {
            let same =
                old.iter().map(|(_, function)| function).find(|function| *function.settings() == settings).cloned();
            let name = settings.name.clone();
            if let Some(function) = same.as_ref().filter(|_| is_new_code) {
                function.renew("its code is new: the next call gets a new process");
            }
            match same.map_or_else(|| Function::new(settings, self.voice.clone(), environment::begin), Ok) {
                Ok(function) => new.push((logical, function)),
                Err(error) => faults.push((name, error)),
            }
        }
        let stays = |function: &Arc<Function>| new.iter().any(|(_, other)| Arc::ptr_eq(other, function));
        let gone: Vec<Arc<Function>> = old.into_iter().map(|(_, old)| old).filter(|old| !stays(old)).collect();
        self.brought.write().unwrap_or_else(PoisonError::into_inner).put(stack, new);
        gone.iter().for_each(|function| function.stop());
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
        for function in fixed.chain(brought.all().map(|(_, function)| function)) {
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
            brought.by_name.get(name).cloned().map(Placed::Here)
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
        self.placed.is_empty() && self.brought.read().unwrap_or_else(PoisonError::into_inner).by_stack.is_empty()
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        match self.find(invocation.function) {
            Some(Placed::Here(function)) => Box::pin(async move { Ok(function.invoke(invocation).await) }),
            Some(Placed::There(functions)) => Box::pin(async move { functions.invoke(invocation).await }),
            None => Box::pin(std::future::ready(Ok(failure::not_found(invocation.function)))),
        }
    }
}
