//! What a template asks of its variables, in the order in which it is written: for remarks on names that nothing has.

use crate::ast::{Expr, Foreach, Inner, Node, Reference, Root, Step};
use crate::error::place;
use crate::patterns::Regular;
use crate::template::Template;

/// One reference of a template: `$context.identity.sourceIp`, `$input.params('user')`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use<'t> {
    /// The variable, without its `$`.
    pub variable: &'t str,
    /// What is asked of it, step by step.
    pub steps: Vec<UseStep<'t>>,
    /// Whether `#set` writes to it.
    pub is_set: bool,
    /// The line, counted from 1.
    pub line: usize,
}

/// A step of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseStep<'t> {
    /// `.name`
    Property(&'t str),
    /// `.name(…)`, and its first argument where that is a text without references.
    Method(&'t str, Option<&'t str>),
    /// `[…]`
    Index,
}

impl<'t> UseStep<'t> {
    /// The regular expression that a text's method takes, where it is a text without references.
    pub fn pattern(&self) -> Option<&'t str> {
        match self {
            UseStep::Method(name, first) => Regular::of_method(name).and(*first),
            _ => None,
        }
    }
}

impl Template {
    /// Every reference to a variable, those in strings, arguments and conditions too. They are what is written; whether it
    /// is ever reached is not looked at.
    pub fn uses(&self) -> Vec<Use<'_>> {
        Walk::through(self).uses
    }

    /// The variables that the template itself gives a value somewhere: by `#set`, as a loop's item, by `#define`.
    pub fn gives(&self) -> Vec<&str> {
        Walk::through(self).gives
    }
}

struct Walk<'t> {
    template: &'t Template,
    uses: Vec<Use<'t>>,
    gives: Vec<&'t str>,
}

// Templates nest as deeply as the parser lets them, which bounds this recursion too.
impl<'t> Walk<'t> {
    fn through(template: &'t Template) -> Walk<'t> {
        let mut walk = Walk { template, uses: Vec::new(), gives: Vec::new() };
        walk.nodes(template.nodes());
        walk
    }

    fn nodes(&mut self, nodes: &'t [Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &'t Node) {
        match node {
            Node::Text(_) | Node::Stop | Node::Fail(..) => {}
            Node::Print(reference) => self.reference(reference, false),
            Node::Set(reference, value) => {
                if let (Root::Slot(slot), true) = (&reference.root, reference.steps.is_empty()) {
                    self.gives.push(self.template.variable(*slot));
                }
                self.reference(reference, true);
                self.expression(value);
            }
            Node::If(branches, otherwise) => {
                for (condition, body) in branches {
                    self.expression(condition);
                    self.nodes(body);
                }
                otherwise.iter().for_each(|body| self.nodes(body));
            }
            Node::Foreach(each) => {
                let Foreach { item, source, body, .. } = &**each;
                self.gives.extend(item.map(|slot| self.template.variable(slot)));
                self.expression(source);
                self.nodes(body);
            }
            Node::Define(slot, body) => {
                self.gives.push(self.template.variable(*slot));
                self.nodes(body);
            }
            Node::Break(of, _) => of.iter().for_each(|of| self.expression(&of.0)),
        }
    }

    fn reference(&mut self, reference: &'t Reference, is_set: bool) {
        let mut steps = Vec::with_capacity(reference.steps.len());
        for step in &reference.steps {
            match step {
                Step::Property(name, _) => steps.push(UseStep::Property(name)),
                Step::Index(index, _) => {
                    self.expression(index);
                    steps.push(UseStep::Index);
                }
                Step::Method(call) => {
                    call.args.iter().for_each(|arg| self.expression(arg));
                    let first = match call.args.first() {
                        Some(Expr::Text(text)) => Some(&**text),
                        _ => None,
                    };
                    steps.push(UseStep::Method(&call.name, first));
                }
            }
        }
        let Root::Slot(slot) = reference.root else { return };
        let (line, _) = place(self.template.source(), reference.at as usize);
        self.uses.push(Use { variable: self.template.variable(slot), steps, is_set, line });
    }

    fn expression(&mut self, expression: &'t Expr) {
        match expression {
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Long(_)
            | Expr::Big(_)
            | Expr::Double(_)
            | Expr::Text(_)
            | Expr::Null => {}
            Expr::Template(inner) => {
                let Inner { nodes, .. } = &**inner;
                self.nodes(nodes);
            }
            Expr::Reference(reference) => self.reference(reference, false),
            Expr::Range(from, to, _) => self.both(from, to),
            Expr::List(items) => items.iter().for_each(|item| self.expression(item)),
            Expr::Map(entries) => entries.iter().for_each(|(key, value)| self.both(key, value)),
            Expr::Not(inner) => self.expression(inner),
            Expr::And(left, right) | Expr::Or(left, right) => self.both(left, right),
            Expr::Compare(comparison) => self.both(&comparison.left, &comparison.right),
            Expr::Arithmetic(arithmetic) => self.both(&arithmetic.left, &arithmetic.right),
        }
    }

    fn both(&mut self, left: &'t Expr, right: &'t Expr) {
        self.expression(left);
        self.expression(right);
    }
}

#[cfg(test)]
mod tests {
    use super::UseStep::{Index, Method, Property};
    use super::*;

    #[test]
    fn every_reference_is_found_wherever_it_stands() {
        let template = Template::parse(
            "$context.a\n#set($context.b.c = \"x $input.json('$.d')\")#if($util.e($x[$i.f]) == [$g, {'k': $h}])\n#foreach($j in $list)$!{j.k}#end#end",
        )
        .unwrap();
        let all: Vec<_> = template.uses().into_iter().map(|u| (u.variable, u.steps, u.is_set, u.line)).collect();
        let expected = [
            ("context", vec![Property("a")], false, 1),
            ("context", vec![Property("b"), Property("c")], true, 2),
            ("input", vec![Method("json", Some("$.d"))], false, 2),
            ("i", vec![Property("f")], false, 2),
            ("x", vec![Index], false, 2),
            ("util", vec![Method("e", None)], false, 2),
            ("g", vec![], false, 2),
            ("h", vec![], false, 2),
            ("list", vec![], false, 3),
            ("j", vec![Property("k")], false, 3),
        ];
        assert_eq!(all, expected);
        assert_eq!(template.gives(), ["j"]);
        let template =
            Template::parse("#set($a = 1)#set($b.c = 1)#define($d)#set($e = 1)#end#foreach($f [1])#end").unwrap();
        assert_eq!(template.gives(), ["a", "d", "e"]);
    }
}
