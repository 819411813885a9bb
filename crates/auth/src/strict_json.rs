//! JSON in which a name stands once: of two members of one name, one would be silently ignored, such as a condition.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How much is said of a document that others wrote.
const WHY_CHARS_MAX: usize = 100;

/// A JSON value; members in their order, numbers and truth values as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    /// A number or a truth value.
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a document.
    ///
    /// # Errors
    /// A sentence with line and column.
    pub(crate) fn parse(text: &str) -> Result<Json, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Reads the members of an object.
    ///
    /// # Errors
    /// What it is instead: "is no JSON object". Nothing of it is repeated but the name of a member that stands there twice.
    pub(crate) fn object(bytes: &[u8]) -> Result<Vec<(String, Json)>, String> {
        match serde_json::from_slice(bytes) {
            Ok(Json::Object(members)) => Ok(members),
            Ok(_) => Err("is no JSON object".to_owned()),
            Err(error) if error.is_data() => {
                let why = error.to_string();
                Err(format!(
                    "is refused: {}",
                    why.chars().take(WHY_CHARS_MAX).flat_map(char::escape_debug).collect::<String>()
                ))
            }
            Err(_) => Err("is no JSON".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Plain(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Plain(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Plain(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Plain(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if object.iter().any(|(other, _)| *other == name) {
                return Err(Error::custom(format!("`{name}` stands there twice")));
            }
            object.push((name, value));
        }
        Ok(Json::Object(object))
    }
}
