//! The order in which resources are made.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::fault::Fault;
use crate::node::{Node, Place};
use crate::references::{Name, Walk};
use crate::scope::{Nothing, Scope};
use crate::template::Resource;

/// How many names of a cycle are told.
const SHOWN_MAX: usize = 20;

/// What waits for what. Indices are those of `names`.
pub(crate) struct Order<'t> {
    names: Vec<&'t str>,
    places: Vec<Place>,
    edges: Vec<Vec<usize>>,
    implied: Vec<(usize, usize)>,
}

const DEPLOYMENT: &str = "AWS::ApiGatewayV2::Deployment";
/// What a deployment holds.
const DEPLOYED: [&str; 4] = [
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::ApiGatewayV2::RouteResponse",
];

impl<'t> Order<'t> {
    /// Looks through all resources that exist.
    pub(crate) fn of(scope: &Scope<'t>) -> Order<'t> {
        let template = scope.template;
        let existing = template.resources.iter().filter(|(name, _)| scope.exists(name));
        let (names, resources): (Vec<&str>, Vec<&Resource>) =
            existing.map(|(name, each)| (name.as_str(), each)).unzip();
        let indices: HashMap<&str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
        let mut edges: Vec<Vec<usize>> = Vec::with_capacity(names.len());
        for resource in &resources {
            let mut waits: Vec<usize> = Vec::new();
            let mut seen = HashSet::new();
            let mut add = |name: &str| {
                if let Some(index) = indices.get(name)
                    && seen.insert(*index)
                {
                    waits.push(*index);
                }
            };
            resource.depends_on.iter().for_each(|name| add(name));
            let mut told = |name: Name<'_>, _: &Node, _: &str| match name {
                Name::Ref { name, .. } if !scope.values.contains_key(name) => add(name),
                Name::Attribute { logical, .. } => add(logical),
                Name::Made(name) => {
                    // What cannot be evaluated now is told when the resource itself is.
                    if let Ok(Some(name)) = scope.evaluate(name, "", &Nothing) {
                        name.as_str().filter(|name| !scope.values.contains_key(*name)).into_iter().for_each(&mut add);
                    }
                }
                _ => {}
            };
            let taken = |name: &str| scope.decided(name);
            Walk { taken: &taken, conditions: false, told: &mut told, path: String::new() }
                .through(&resource.properties);
            edges.push(waits);
        }
        let places = resources.iter().map(|resource| resource.place).collect();
        let mut order = Order { names, places, edges, implied: Vec::new() };
        order.add_implied(scope, &resources);
        order
    }

    /// Makes each deployment wait for what it deploys, save for what waits for it.
    fn add_implied(&mut self, scope: &Scope<'t>, resources: &[&Resource]) {
        let of_kind = |kinds: &'static [&str]| {
            resources.iter().enumerate().filter(move |(_, each)| kinds.contains(&each.kind.as_str()))
        };
        let deployed: Vec<(usize, Option<Api>)> =
            of_kind(&DEPLOYED).map(|(index, each)| (index, Api::of(scope, each))).collect();
        for (deployment, resource) in of_kind(&[DEPLOYMENT]) {
            let Some(api) = Api::of(scope, resource) else { continue };
            let waiting = self.waiting_for(deployment);
            let awaited = self.awaited_by(deployment);
            for (index, its) in &deployed {
                if its.as_ref() == Some(&api) && !waiting[*index] && !awaited[*index] {
                    self.edges[deployment].push(*index);
                    self.implied.push((deployment, *index));
                }
            }
        }
    }

    /// What waits for a resource, directly or not.
    fn waiting_for(&self, index: usize) -> Vec<bool> {
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.edges.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            edges.iter().for_each(|to| waiting[*to].push(from));
        }
        reached(&waiting, index)
    }

    /// What a resource waits for, directly or not.
    fn awaited_by(&self, index: usize) -> Vec<bool> {
        reached(&self.edges, index)
    }

    /// The resources, those first that others wait for.
    ///
    /// # Errors
    /// Some that wait for each other.
    pub(crate) fn resources(&self) -> Result<Vec<&'t str>, Fault> {
        match sorted(&self.edges) {
            Ok(order) => Ok(order.into_iter().map(|index| self.names[index]).collect()),
            Err(cycle) => {
                let names: Vec<&str> = cycle.iter().map(|index| self.names[*index]).collect();
                let message = format!("these resources wait for each other: {}", shown(&names));
                let place = cycle.first().map_or(Place::default(), |index| self.places[*index]);
                Err(Fault::new(message, format!("Resources.{}", names.first().unwrap_or(&"")), place))
            }
        }
    }

    pub(crate) fn implied(&self) -> Vec<(&'t str, &'t str)> {
        self.implied.iter().map(|(from, to)| (self.names[*from], self.names[*to])).collect()
    }
}

/// Which API a resource belongs to.
#[derive(Debug, Eq, PartialEq)]
enum Api {
    /// One of this template.
    Resource(String),
    /// One that is named by its id.
    Id(String),
}

impl Api {
    fn of(scope: &Scope<'_>, resource: &Resource) -> Option<Api> {
        let node = resource.properties.get("ApiId")?;
        let mut found = None;
        let mut told = |name: Name<'_>, _: &Node, _: &str| match name {
            Name::Ref { name, .. } if scope.values.contains_key(name) => {}
            Name::Ref { name, .. } | Name::Attribute { logical: name, .. }
                if scope.template.resources.contains_key(name) =>
            {
                found = Some(Api::Resource(name.to_owned()));
            }
            _ => {}
        };
        let taken = |name: &str| scope.decided(name);
        Walk { taken: &taken, conditions: false, told: &mut told, path: String::new() }.through(node);
        found.or_else(|| {
            let id = scope.evaluate(node, "", &Nothing).ok()??;
            Some(Api::Id(id.as_str()?.to_owned()))
        })
    }
}

/// What is reached from one index along edges, itself not unless along a cycle.
fn reached(edges: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut next = vec![from];
    while let Some(index) = next.pop() {
        for to in &edges[index] {
            if !std::mem::replace(&mut reached[*to], true) {
                next.push(*to);
            }
        }
    }
    reached
}

/// Sorts indices so that each stands behind those that its edges lead to, else by number.
///
/// # Errors
/// One cycle: each waits for the next, and the last for the first.
pub(crate) fn sorted(edges: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    let mut open: Vec<usize> = edges.iter().map(Vec::len).collect();
    for (from, edges) in edges.iter().enumerate() {
        edges.iter().for_each(|to| waiting[*to].push(from));
    }
    let free = open.iter().enumerate().filter(|(_, open)| **open == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(index, _)| Reverse(index)).collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for from in &waiting[index] {
            open[*from] -= 1;
            if open[*from] == 0 {
                ready.push(Reverse(*from));
            }
        }
    }
    if order.len() == edges.len() { Ok(order) } else { Err(cycle(edges, &open)) }
}

/// A cycle among what is still open: each of these has an edge to another of them.
fn cycle(edges: &[Vec<usize>], open: &[usize]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut positions = HashMap::new();
    let mut at = open.iter().position(|open| *open > 0);
    while let Some(index) = at {
        if let Some(start) = positions.insert(index, path.len()) {
            let mut cycle = path.split_off(start);
            // It begins with the one that stands first in the file.
            let first = cycle.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
            cycle.rotate_left(first);
            return cycle;
        }
        path.push(index);
        at = edges[index].iter().copied().find(|to| open[*to] > 0);
    }
    path
}

/// A cycle as a person reads it.
pub(crate) fn shown(names: &[&str]) -> String {
    let mut shown: Vec<&str> = names.iter().take(SHOWN_MAX).copied().collect();
    if names.len() > SHOWN_MAX {
        shown.push("…");
    }
    shown.extend(names.first());
    shown.join(" → ")
}
