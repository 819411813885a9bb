//! A parsed template: statements, references and expressions, names already resolved to slots.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::patterns::Regular;

/// A variable's place in the scope of one rendering.
pub(crate) type Slot = u32;

#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    Print(Box<Reference>),
    Set(Box<Reference>, Box<Expr>),
    If(Box<[(Expr, Box<[Node]>)]>, Option<Box<[Node]>>),
    Foreach(Box<Foreach>),
    Define(Slot, Arc<[Node]>),
    /// `#break`, of what, and its source text for the error.
    Break(Option<Box<(Expr, Box<str>)>>, u32),
    Stop,
    /// What parses but cannot run, and why: `#include`, `#parse`, `#foreach` without a list.
    Fail(&'static str, u32),
}

#[derive(Debug)]
pub(crate) struct Foreach {
    pub(crate) item: Option<Slot>,
    pub(crate) source: Expr,
    pub(crate) body: Box<[Node]>,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum Root {
    Slot(Slot),
    /// An identifier that the machine took for a reference: it prints itself.
    Runt(Box<str>),
    /// `$\!x`: no reference; it prints nothing.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) root: Root,
    pub(crate) steps: Box<[Step]>,
    /// How many properties the steps begin with; `class`, which nothing shows, is not among them.
    pub(crate) lead: usize,
    /// Halved backslashes and stray `$` in front.
    pub(crate) prefix: Box<str>,
    pub(crate) escaped: bool,
    /// `${x}` or `$!x` without steps, which `#set` writes to where nothing reads.
    pub(crate) decorated: bool,
    pub(crate) literal: Box<str>,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// The name, and its sign.
    Property(Box<str>, u32),
    Index(Expr, u32),
    Method(Box<Call>),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Box<str>,
    pub(crate) args: Box<[Expr]>,
    /// Whether the first argument is a regular expression.
    pub(crate) regular: Option<Box<Regular>>,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum Expr {
    Bool(bool),
    Int(i32),
    Long(i64),
    Big(Arc<BigInt>),
    Double(f64),
    Text(Arc<str>),
    /// A string with references or directives in it.
    Template(Box<Inner>),
    Reference(Box<Reference>),
    Range(Box<Expr>, Box<Expr>, u32),
    List(Box<[Expr]>),
    Map(Box<[(Expr, Expr)]>),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Comparison>),
    Arithmetic(Box<Arithmetic>),
    /// A bare word as an argument.
    Null,
}

/// The template inside a string.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) nodes: Box<[Node]>,
    /// Whether a blank was added before parsing, which the result loses again.
    pub(crate) padded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Relation {
    /// Whether it is one of `==` and `!=`.
    pub(crate) fn is_equality(self) -> bool {
        matches!(self, Relation::Equal | Relation::NotEqual)
    }

    /// Whether it holds between two values in this order.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::LessEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterEqual => order.is_ge(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) relation: Relation,
    pub(crate) left: Expr,
    pub(crate) right: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Debug)]
pub(crate) struct Arithmetic {
    pub(crate) operator: Operator,
    pub(crate) left: Expr,
    pub(crate) right: Expr,
    /// What stands for a result that is null when a string is added to it.
    pub(crate) literal: Box<str>,
    pub(crate) at: u32,
}
