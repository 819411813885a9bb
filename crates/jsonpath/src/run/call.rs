//! Functions at the end of a path.

use crate::node::{Node, NodeKind};
use crate::step::{Argument, Call};
use crate::stop::{Stop, Why};

use super::text::java_text;
use super::{Run, Setting, conclude, results, value};

/// An argument; JSON that cannot be read fails only where it is used.
type Given<N> = Option<N>;

impl<N: Node> Run<'_, '_, '_, N> {
    pub(super) fn call(&mut self, call: &Call, model: &N) -> Result<N, Stop> {
        let function = match call.name.as_str() {
            "length" | "size" => Run::length,
            "min" | "max" | "avg" | "sum" | "stddev" => Run::aggregate,
            "keys" => Run::keys,
            "first" | "last" | "index" => Run::pick,
            "concat" => Run::concat,
            "append" => Run::append,
            name => return Err(Stop::refused(format!("there is no function `{name}`"))),
        };
        // Arguments are paths into the whole document, asked for before the function looks at its own value.
        let mut given = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            given.push(match argument {
                Argument::Json(json) => json.as_ref().map(|json| json.node()),
                Argument::Path { path, .. } => Some(value(path, self.setting.root, self.setting, self.meter)?),
            });
        }
        function(self, call, model, &given)
    }

    fn length(&mut self, call: &Call, model: &N, _: &[Given<N>]) -> Result<N, Stop> {
        match call.arguments.first() {
            None => {}
            Some(_) if model.kind() == NodeKind::Null => return Err(Stop::failed("null has no path to measure")),
            Some(Argument::Json(_)) => return Err(Stop::failed("the length of JSON in a path cannot be asked")),
            Some(Argument::Path { path, widened }) => {
                let within = Setting { root: model, ..self.setting };
                let list = match widened {
                    Some(wide) => conclude(path, results(wide, model, within, self.meter)?)?,
                    None => value(path, model, within, self.meter)?,
                };
                if list.kind() == NodeKind::List {
                    return integer(list.len());
                }
            }
        }
        match model.kind() {
            NodeKind::List | NodeKind::Map => integer(model.len()),
            _ => Ok(N::null()),
        }
    }

    fn keys(&mut self, _: &Call, model: &N, _: &[Given<N>]) -> Result<N, Stop> {
        match model.kind() {
            NodeKind::Map => Ok(N::key_set(model.names())),
            _ => Ok(N::null()),
        }
    }

    fn aggregate(&mut self, call: &Call, model: &N, given: &[Given<N>]) -> Result<N, Stop> {
        let mut numbers: Vec<f64> = items(model).filter_map(|item| item.as_number()).collect();
        numbers.extend(self.given_numbers(given)?);
        self.meter.visit(numbers.len())?;
        if numbers.is_empty() {
            return Err(Stop::failed(format!("{}() found no numbers", call.name)));
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of numbers in memory is exact")]
        let count = numbers.len() as f64;
        // Added in order, as Java does; the last digits depend on it.
        let sum = numbers.iter().fold(0.0, |sum, number| sum + number);
        Ok(N::double(match call.name.as_str() {
            "sum" => sum,
            "avg" => sum / count,
            "min" => numbers.iter().fold(f64::MAX, |min, number| if min > *number { *number } else { min }),
            // Java's smallest double is the least above zero, so what is below zero never is the largest.
            "max" => numbers.iter().fold(f64::from_bits(1), |max, number| if max < *number { *number } else { max }),
            _ => {
                let squares = numbers.iter().fold(0.0, |squares, number| squares + number * number);
                (squares / count - sum * sum / count / count).sqrt()
            }
        }))
    }

    fn pick(&mut self, call: &Call, model: &N, given: &[Given<N>]) -> Result<N, Stop> {
        if model.kind() != NodeKind::List {
            return Err(Stop::failed(format!("{}() needs a list", call.name)));
        }
        let outside = || Stop::new(Why::Outside, format!("{}() looks beyond the list", call.name));
        let index = match call.name.as_str() {
            "first" => 0,
            "last" => -1,
            #[expect(clippy::cast_possible_truncation, reason = "Java's conversion stops at the ends of the range too")]
            _ => i64::from(*self.given_numbers(given)?.first().ok_or_else(outside)? as i32),
        };
        if let Ok(index) = usize::try_from(index) {
            return model.item(index).ok_or_else(outside);
        }
        // From the end Jayway never reaches the first item, so a list of one has no last.
        match crate::place::position(index, model.len()) {
            Some(place) if place > 0 => model.item(place).ok_or_else(outside),
            _ => Err(Stop::failed(format!("{}() looks beyond the list", call.name))),
        }
    }

    fn concat(&mut self, _: &Call, model: &N, given: &[Given<N>]) -> Result<N, Stop> {
        let mut out = String::new();
        for item in items(model) {
            out.push_str(&item.as_text().unwrap_or_default());
        }
        self.meter.read(out.len())?;
        for argument in given {
            let argument = used(argument)?;
            let before = out.len();
            match argument.kind() {
                NodeKind::List => {
                    for item in items(argument) {
                        out.push_str(&java_text(&item, self.meter)?);
                    }
                }
                _ => out.push_str(&java_text(argument, self.meter)?),
            }
            self.meter.read(out.len() - before)?;
        }
        Ok(N::string(out))
    }

    // A new list: Jayway changes the document's own, but a path here only reads.
    fn append(&mut self, _: &Call, model: &N, given: &[Given<N>]) -> Result<N, Stop> {
        if model.kind() != NodeKind::List || given.is_empty() {
            return Ok(model.clone());
        }
        self.meter.visit(model.len())?;
        let mut list: Vec<N> = items(model).collect();
        for argument in given {
            list.push(used(argument)?.clone());
        }
        Ok(N::list(list))
    }

    fn given_numbers(&mut self, given: &[Given<N>]) -> Result<Vec<f64>, Stop> {
        let mut numbers = Vec::new();
        for argument in given {
            let argument = used(argument)?;
            self.meter.visit(1 + argument.len())?;
            numbers.extend(argument.as_number());
            numbers.extend(items(argument).filter_map(|item| item.as_number()));
        }
        Ok(numbers)
    }
}

fn used<N>(given: &Given<N>) -> Result<&N, Stop> {
    given.as_ref().ok_or_else(|| Stop::failed("the function's JSON cannot be read"))
}

fn integer<N: Node>(n: usize) -> Result<N, Stop> {
    i64::try_from(n).map(N::integer).map_err(|_| Stop::failed("the length is beyond counting"))
}

/// The items of a list; a map or scalar has none.
fn items<N: Node>(node: &N) -> impl Iterator<Item = N> {
    let len = if node.kind() == NodeKind::List { node.len() } else { 0 };
    (0..len).filter_map(|index| node.item(index))
}
