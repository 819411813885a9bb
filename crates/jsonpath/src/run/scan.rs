//! `..`: every list and map below a place, in the order of the document.

use crate::node::{Node, NodeKind};
use crate::step::Step;
use crate::stop::Stop;

use super::Run;

impl<N: Node> Run<'_, '_, '_, N> {
    /// Applies the step behind the scan to each list and map that it fits, each before what it holds.
    ///
    /// In a list where further steps follow, Jayway hands its items to those directly; see [`Run::is_picked`].
    pub(super) fn scan(&mut self, at: usize, model: &N) -> Result<(), Stop> {
        let next = at + 1;
        if self.is_last(at) {
            return Err(Stop::failed("a function cannot count a bare `..`"));
        }
        let mut waiting = vec![model.clone()];
        while let Some(node) = waiting.pop() {
            self.meter.visit(1)?;
            let kind = node.kind();
            let below: Vec<N> = match kind {
                NodeKind::List => (0..node.len()).filter_map(|index| node.item(index)).collect(),
                NodeKind::Map => node.names().iter().filter_map(|name| node.member(name)).collect(),
                _ => continue,
            };
            if self.fits(next, &node)? {
                if kind == NodeKind::Map || self.is_last(next) {
                    self.go_on(next, &node)?;
                } else {
                    for (place, item) in below.iter().enumerate() {
                        self.scanned.insert(next + 1, place);
                        self.go_on(next + 1, item)?;
                    }
                }
            }
            waiting.extend(below.into_iter().rev());
        }
        Ok(())
    }

    fn fits(&mut self, at: usize, node: &N) -> Result<bool, Stop> {
        let program = self.program;
        match &program.steps[at] {
            Step::Names(names) => {
                self.meter.visit(names.len())?;
                let has_all = || names.iter().all(|name| node.member(name).is_some());
                Ok(node.kind() == NodeKind::Map && (!program.step_is_definite(at) || has_all()))
            }
            Step::Indexes(_) | Step::Slice(_) => Ok(node.kind() == NodeKind::List),
            Step::Wildcard => Ok(true),
            Step::Filter(predicate) => self.accepts(predicate, node),
            Step::Scan | Step::Call(_) => Ok(false),
        }
    }
}
