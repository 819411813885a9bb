//! Walks a document along a path.
//!
//! A [`Run`] is one path on one document; filters and arguments start runs of their own, with the same [`Meter`].
//! Source: docs/aws/vtl.md 11.2; what it leaves open follows Jayway 2.9.0, oddities too.

mod call;
mod filter;
mod operators;
mod scan;
mod text;
mod value;

use std::collections::HashMap;

use crate::error::Error;
use crate::node::{Node, NodeKind};
use crate::place::position;
use crate::step::{Program, Slice, Step};
use crate::stop::{Meter, Stop, Visits, Why};

/// What the path gives, or `None` where it is missing.
pub(crate) fn evaluate<N: Node>(program: &Program, root: &N, visits: &mut Visits) -> Result<Option<N>, Error> {
    let mut meter = Meter::new(visits);
    let found = value(program, root, Setting { root, strict: false }, &mut meter);
    visits.leave(meter.left());
    match found {
        Ok(value) => Ok(Some(value)),
        Err(stop) if stop.why == Why::Missing => Ok(None),
        Err(stop) => Err(Error { kind: stop.kind(), detail: stop.detail.into_owned(), column: 1 }),
    }
}

/// What stays the same for the paths inside a path.
#[derive(Debug)]
struct Setting<'r, N> {
    /// The whole document.
    root: &'r N,
    /// A member that is absent is missing even after a wildcard: a filter asks whether it is there.
    strict: bool,
}

// By hand, for a derive would ask for nodes that are `Copy`.
impl<N> Clone for Setting<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Setting<'_, N> {}

/// One path on one document.
struct Run<'p, 'r, 'm, N> {
    program: &'p Program,
    setting: Setting<'r, N>,
    meter: &'m mut Meter,
    results: Vec<N>,
    /// The place in its list of what a scan handed to a step, per step. Jayway keeps it there until the next list.
    scanned: HashMap<usize, usize>,
    /// What paths from `$` and JSON in filters gave, by their address: they give the same for each member.
    constants: HashMap<usize, N>,
    first_indefinite: usize,
}

/// What a path gives: the last result of a definite one, all of another.
fn value<N: Node>(program: &Program, document: &N, setting: Setting<'_, N>, meter: &mut Meter) -> Result<N, Stop> {
    let results = results(program, document, setting, meter)?;
    conclude(program, results)
}

fn conclude<N: Node>(program: &Program, mut results: Vec<N>) -> Result<N, Stop> {
    match program.is_definite() {
        true => results.pop().ok_or_else(Stop::missing),
        false => Ok(N::list(results)),
    }
}

fn results<N: Node>(
    program: &Program,
    document: &N,
    setting: Setting<'_, N>,
    meter: &mut Meter,
) -> Result<Vec<N>, Stop> {
    let mut run = Run {
        program,
        setting,
        meter,
        results: Vec::new(),
        scanned: HashMap::new(),
        constants: HashMap::new(),
        first_indefinite: program.first_indefinite(),
    };
    run.go_on(0, document)?;
    Ok(run.results)
}

impl<N: Node> Run<'_, '_, '_, N> {
    /// Applies the steps from `at` on; behind the last one the value is a result.
    fn go_on(&mut self, at: usize, model: &N) -> Result<(), Stop> {
        if at == self.program.steps.len() {
            self.meter.result()?;
            self.results.push(model.clone());
            return Ok(());
        }
        self.meter.enter()?;
        self.meter.visit(1)?;
        let done = self.step(at, model);
        self.meter.leave();
        done
    }

    fn step(&mut self, at: usize, model: &N) -> Result<(), Stop> {
        let program = self.program;
        match &program.steps[at] {
            Step::Names(names) => self.names(at, names, model),
            Step::Indexes(indexes) => {
                if self.is_list(at, model)? {
                    self.meter.visit(indexes.len())?;
                    for index in indexes {
                        self.item(at, i64::from(*index), model)?;
                    }
                }
                Ok(())
            }
            Step::Slice(slice) => match self.is_list(at, model)? {
                true => self.slice(at, *slice, model),
                false => Ok(()),
            },
            Step::Wildcard => self.wildcard(at, model),
            Step::Scan => self.scan(at, model),
            Step::Filter(predicate) => self.filter(at, predicate, model),
            Step::Call(call) => {
                let result = self.call(call, model)?;
                // Each function's value is a result, also where steps follow.
                if self.is_last(at) {
                    return self.go_on(at + 1, &result);
                }
                self.go_on(program.steps.len(), &result)?;
                // A set of names is no list, so steps behind it find nothing, as in null.
                self.go_on(at + 1, &if call.name == "keys" { N::null() } else { result })
            }
        }
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 == self.program.steps.len()
    }

    /// Whether the steps before `at` name one place at most, so that what is absent there is missing.
    fn is_definite_before(&self, at: usize) -> bool {
        at <= self.first_indefinite
    }

    fn is_list(&self, at: usize, model: &N) -> Result<bool, Stop> {
        match model.kind() {
            NodeKind::List => Ok(true),
            _ if self.is_definite_before(at) => Err(Stop::missing()),
            _ => Ok(false),
        }
    }

    fn names(&mut self, at: usize, names: &[String], model: &N) -> Result<(), Stop> {
        if model.kind() != NodeKind::Map {
            return if self.is_definite_before(at) { Err(Stop::missing()) } else { Ok(()) };
        }
        self.meter.visit(names.len())?;
        if names.len() > 1 && self.is_last(at) {
            let present = names.iter().filter_map(|name| Some((name.clone(), model.member(name)?)));
            let present: Vec<(String, N)> = present.collect();
            if self.setting.strict && present.len() < names.len() {
                return Err(Stop::missing());
            }
            let merged = N::map(present);
            return self.go_on(at + 1, &merged);
        }
        names.iter().try_for_each(|name| self.member(at, name, model))
    }

    fn member(&mut self, at: usize, name: &str, model: &N) -> Result<(), Stop> {
        let Some(value) = model.member(name) else {
            let needed = !self.is_last(at) && self.is_definite_before(at + 1);
            return if self.setting.strict || needed { Err(Stop::missing()) } else { Ok(()) };
        };
        if self.is_last(at) && !self.is_picked(at) {
            return Ok(());
        }
        self.go_on(at + 1, &value)
    }

    /// Whether a member that a scan led to is wanted: `$..[1].a` scans all items of lists, then takes those at 1.
    fn is_picked(&self, at: usize) -> bool {
        let Some(place) = self.scanned.get(&at) else {
            return true;
        };
        let before = self.program.tail.checked_sub(1).and_then(|before| self.program.steps.get(before));
        match before {
            Some(Step::Indexes(indexes)) => {
                matches!(indexes.as_slice(), [index] if usize::try_from(*index) == Ok(*place))
            }
            _ => false,
        }
    }

    fn item(&mut self, at: usize, index: i64, model: &N) -> Result<(), Stop> {
        let Some(value) = position(index, model.len()).and_then(|at| model.item(at)) else {
            return Ok(());
        };
        match self.go_on(at + 1, &value) {
            Err(stop) if stop.why == Why::Outside => Ok(()),
            done => done,
        }
    }

    fn slice(&mut self, at: usize, slice: Slice, model: &N) -> Result<(), Stop> {
        let length = i64::try_from(model.len()).unwrap_or(i64::MAX);
        let from_end = |index: i32| if index < 0 { length + i64::from(index) } else { i64::from(index) };
        let (from, to) = match slice {
            Slice::From(from) => (from_end(from).max(0), length),
            Slice::To(to) => (0, from_end(to).min(length)),
            // Plain integers, each then taken as an index of its own; those before the start of the list give nothing.
            Slice::Between(from, to) => (i64::from(from).max(-length), i64::from(to).min(length)),
        };
        (from..to).try_for_each(|index| self.item(at, index, model))
    }

    fn wildcard(&mut self, at: usize, model: &N) -> Result<(), Stop> {
        match model.kind() {
            NodeKind::Map => model.names().iter().try_for_each(|name| self.member(at, name, model)),
            NodeKind::List => {
                for index in 0..model.len() {
                    match self.item(at, i64::try_from(index).unwrap_or(i64::MAX), model) {
                        Err(stop) if stop.why == Why::Missing && !self.setting.strict => {}
                        done => done?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
