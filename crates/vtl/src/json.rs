//! Reads the JSON that a message body may be into values, and writes it.

mod strict;

use std::borrow::Cow;
use std::rc::Rc;

use java::json::{Build, Scalar};

use crate::halt::Halt;
use crate::limits::{Limits, Meter};
use crate::print::write_json;
use crate::shared::Text;
use crate::value::{ListKind, Map, MapKind, Value};

/// Reads one value, as leniently as [`java::json`] does.
///
/// # Errors
/// A sentence that names the place, where not even the permissive mode can read it.
pub fn parse_json(text: &str) -> Result<Value, String> {
    java::json::read(text, &mut Values { names: [const { None }; NAMES] })
}

/// Reads one value as [`parse_json`] does, but keeps plain JSON flat, in a [`Document`](crate::Document): much quicker
/// for a text that is read and not changed.
///
/// # Errors
/// Those of [`parse_json`].
pub fn read_json(text: &Text) -> Result<Value, String> {
    strict::read(text).map_or_else(|| parse_json(text), |document| Ok(document.root()))
}

/// The JSON text of a value, as `$input.json` gives it: compact, `/` as it is.
///
/// # Errors
/// A sentence, where the value is too large or contains itself.
pub fn to_json(value: &Value) -> Result<String, String> {
    let limits = Limits::default();
    let mut out = String::new();
    match write_json(value, false, &mut out, limits.string_bytes, &mut Meter::new(limits)) {
        Ok(()) => Ok(out),
        Err(Halt::Failed(failure)) => Err(failure.detail),
        Err(_) => Ok(out),
    }
}

/// How many names of members are remembered, so that a list of a thousand objects keeps each name once.
const NAMES: usize = 32;

/// Makes values.
struct Values {
    /// Names read before, each in the place that its length and ends give it.
    names: [Option<Text>; NAMES],
}

impl Values {
    /// A member's name; one that was read before is shared.
    fn name(&mut self, name: &str) -> Value {
        let ends = name
            .as_bytes()
            .first()
            .zip(name.as_bytes().last())
            .map_or(0, |(a, b)| usize::from(*a) ^ usize::from(*b) << 2);
        let place = &mut self.names[((name.len() * 7) ^ ends) % NAMES];
        match place {
            Some(known) if **known == *name => Value::Text(known.clone()),
            _ => Value::Text(place.insert(name.into()).clone()),
        }
    }
}

impl Build for Values {
    type Value = Value;
    type Map = Map;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Integer(n) => Value::integer(n),
            Scalar::Big(n) => Value::big(n),
            Scalar::Double(d) => Value::Double(d),
            Scalar::Decimal(d) => Value::Decimal(Rc::new(d)),
            Scalar::Text(text) => Value::text(&text),
        }
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        Value::list(ListKind::Json, items)
    }

    fn open(&mut self) -> Map {
        Map::new(MapKind::Linked)
    }

    fn member(&mut self, map: &mut Map, name: Cow<'_, str>, value: Value) {
        map.put(self.name(&name), value);
    }

    fn close(&mut self, map: Map) -> Value {
        Value::Map(Rc::new(map))
    }
}
