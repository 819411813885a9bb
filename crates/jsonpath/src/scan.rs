//! Finds a path's place in JSON text while reading it, without a tree of the rest.
//!
//! A message's route key is one string in what may be 128 KB; building the whole tree for it costs several times more.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::place::{SingleStep, position};

pub(crate) fn scan(places: &[SingleStep], json: &[u8]) -> Result<Option<Value>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let found = Seek(places).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

struct Seek<'s>(&'s [SingleStep]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        match self.0 {
            [] => Value::deserialize(deserializer).map(Some),
            [step, rest @ ..] => deserializer.deserialize_any(Descend { step, rest }),
        }
    }
}

struct Descend<'s> {
    step: &'s SingleStep,
    rest: &'s [SingleStep],
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let SingleStep::Name(wanted) = self.step else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(KeyIs(wanted))? {
            if is_it {
                found = map.next_value_seed(Seek(self.rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Value>, A::Error> {
        match self.step {
            SingleStep::Index(index) if *index >= 0 => {
                let mut found = None;
                let mut at = 0;
                loop {
                    if at == *index {
                        match seq.next_element_seed(Seek(self.rest))? {
                            Some(value) => found = value,
                            None => return Ok(found),
                        }
                    } else if seq.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(found);
                    }
                    at += 1;
                }
            }
            // From the end: only now is it known where that is.
            SingleStep::Index(index) => {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Value>()? {
                    items.push(item);
                }
                let path = self.rest;
                let item = position(*index, items.len()).and_then(|at| items.into_iter().nth(at));
                Ok(item.and_then(|item| Seek(path).deserialize(item).ok().flatten()))
            }
            SingleStep::Name(_) => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
    }

    // A scalar has no places inside.
    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }
}

/// Compares a key without keeping it.
struct KeyIs<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}
