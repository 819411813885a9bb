//! The protocols that carry CloudWatch's calls: JSON, forms with XML answers, and CBOR.
//!
//! Source: the Smithy specifications of AWS JSON 1.0/1.1, AWS query and RPC v2 CBOR; RFC 8949.

use serde_json::{Map, Number, Value};

use super::metrics::TIME;
use crate::texts::decoded;

/// How deep values may stand in each other.
const DEPTH_MAX: usize = 32;
/// The largest list of a form, by its index.
const INDEX_MAX: usize = 1_000;

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// JSON, with the action in `X-Amz-Target`.
    Json,
    /// A form, answered in XML.
    Query,
    /// CBOR, with the action in the path.
    Cbor,
}

impl Protocol {
    /// The content type of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Protocol::Json => "application/x-amz-json-1.1",
            Protocol::Query => "text/xml",
            Protocol::Cbor => "application/cbor",
        }
    }

    /// Reads a call's body; an empty one is an empty call.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(self, body: &[u8]) -> Result<Value, String> {
        if body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        match self {
            Protocol::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
            Protocol::Query => form(&String::from_utf8_lossy(body)),
            Protocol::Cbor => {
                let mut reader = Cbor { rest: body };
                reader.value(0).ok_or_else(|| "the body is no CBOR that is read here".to_owned())
            }
        }
    }

    /// Writes an answer.
    pub fn write(self, action: &str, answer: &Value, request_id: &str) -> Vec<u8> {
        match self {
            Protocol::Json => plain(answer).to_string().into_bytes(),
            Protocol::Cbor => {
                let mut out = Vec::new();
                write_cbor(answer, &mut out);
                out
            }
            Protocol::Query => {
                let mut xml = format!(
                    "<{action}Response xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><{action}Result>"
                );
                write_xml(answer, &mut xml);
                xml += &format!(
                    "</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
                );
                xml.into_bytes()
            }
        }
    }

    /// Writes a refusal.
    pub fn refuse(self, code: &str, message: &str, request_id: &str) -> Vec<u8> {
        let mut members = Map::new();
        members.insert("__type".to_owned(), code.into());
        members.insert("message".to_owned(), message.into());
        match self {
            Protocol::Json => Value::Object(members).to_string().into_bytes(),
            Protocol::Cbor => {
                let mut out = Vec::new();
                write_cbor(&Value::Object(members), &mut out);
                out
            }
            Protocol::Query => format!(
                "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                escaped(message)
            )
            .into_bytes(),
        }
    }
}

// Times as numbers.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => match members.get(TIME) {
            Some(time) => time.clone(),
            None => Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()),
        },
        Value::Array(values) => Value::Array(values.iter().map(plain).collect()),
        other => other.clone(),
    }
}

// `A.member.1.B=x` is `{"A": [{"B": "x"}]}`; what looks like a number is one.
fn form(text: &str) -> Result<Value, String> {
    let mut root = Value::Object(Map::new());
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        let mut at = &mut root;
        let mut parts = name.split('.').peekable();
        for _ in 0..=DEPTH_MAX {
            let Some(part) = parts.next() else { break };
            if part == "member" {
                let index = parts.next().and_then(|index| index.parse::<usize>().ok());
                let index = index
                    .filter(|index| (1..=INDEX_MAX).contains(index))
                    .ok_or_else(|| format!("`{name}` has no index"))?;
                if !at.is_array() {
                    *at = Value::Array(Vec::new());
                }
                let Value::Array(values) = at else { break };
                if values.len() < index {
                    values.resize(index, Value::Object(Map::new()));
                }
                at = &mut values[index - 1];
            } else {
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                let Value::Object(members) = at else { break };
                at = members.entry(part.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            }
        }
        *at = match value.parse::<u64>() {
            Ok(number) if name.ends_with("Period") || name.ends_with("MaxDatapoints") => number.into(),
            _ => value.into(),
        };
    }
    Ok(root)
}

fn write_xml(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => match members.get(TIME).and_then(Value::as_u64) {
            Some(seconds) => *out += &types::time::Timestamp(seconds * 1000).iso(),
            None => {
                for (name, value) in members {
                    *out += &format!("<{name}>");
                    write_xml(value, out);
                    *out += &format!("</{name}>");
                }
            }
        },
        Value::Array(values) => {
            for value in values {
                *out += "<member>";
                write_xml(value, out);
                *out += "</member>";
            }
        }
        Value::String(text) => *out += &escaped(text),
        Value::Null => {}
        other => *out += &other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

struct Cbor<'b> {
    rest: &'b [u8],
}

impl Cbor<'_> {
    fn bytes(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    // The head of an item: its major type, and its number; no number: of indefinite length.
    fn head(&mut self) -> Option<(u8, u8, Option<u64>)> {
        let first = self.bytes(1)?[0];
        let (major, low) = (first >> 5, first & 31);
        let count = match low {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            31 => return Some((major, low, None)),
            low if low < 24 => return Some((major, low, Some(low.into()))),
            _ => return None,
        };
        let number = self.bytes(count)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Some((major, low, Some(number)))
    }

    fn ends(&mut self) -> bool {
        let ends = self.rest.first() == Some(&0xff);
        if ends {
            self.rest = &self.rest[1..];
        }
        ends
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (major, low, number) = self.head()?;
        match (major, number) {
            (0, Some(number)) => Some(number.into()),
            (1, Some(number)) => Some((-1 - i64::try_from(number).ok()?).into()),
            (3, Some(count)) => self.text(count).map(Value::String),
            (3, None) => {
                let mut text = String::new();
                while !self.ends() {
                    let Some((3, _, Some(count))) = self.head() else { return None };
                    text += &self.text(count)?;
                }
                Some(text.into())
            }
            (4, count) => {
                let mut values = Vec::new();
                // Each item takes a byte at least, so that no count makes more than there is.
                while count.map_or_else(|| !self.ends(), |count| (values.len() as u64) < count) {
                    values.push(self.value(depth + 1)?);
                }
                Some(Value::Array(values))
            }
            (5, count) => {
                let mut members = Map::new();
                let mut read = 0;
                while count.map_or_else(|| !self.ends(), |count| read < count) {
                    let Value::String(name) = self.value(depth + 1)? else { return None };
                    members.insert(name, self.value(depth + 1)?);
                    read += 1;
                }
                Some(Value::Object(members))
            }
            // Of tags the time of day is one that is a number.
            (6, Some(_)) => self.value(depth + 1),
            (7, Some(number)) => match low {
                20 => Some(false.into()),
                21 => Some(true.into()),
                22 | 23 => Some(Value::Null),
                25 => Number::from_f64(half(number as u16)).map(Value::Number),
                26 => Number::from_f64(f32::from_bits(number as u32).into()).map(Value::Number),
                27 => Number::from_f64(f64::from_bits(number)).map(Value::Number),
                _ => None,
            },
            _ => None,
        }
    }

    fn text(&mut self, count: u64) -> Option<String> {
        let bytes = self.bytes(usize::try_from(count).ok()?)?;
        String::from_utf8(bytes.to_vec()).ok()
    }
}

// Source: RFC 8949, appendix D.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let value = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 => f64::INFINITY,
        exponent => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}

fn write_cbor(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => write_head(0, number, out),
            (None, Some(number)) => write_head(1, number.unsigned_abs() - 1, out),
            (None, None) => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => {
            write_head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(values) => {
            write_head(4, values.len() as u64, out);
            values.iter().for_each(|value| write_cbor(value, out));
        }
        Value::Object(members) => {
            if let Some(time) = members.get(TIME) {
                // Tag 1: seconds since 1970.
                out.push(0xc1);
                return write_cbor(time, out);
            }
            write_head(5, members.len() as u64, out);
            for (name, value) in members {
                write_head(3, name.len() as u64, out);
                out.extend(name.as_bytes());
                write_cbor(value, out);
            }
        }
    }
}

fn write_head(major: u8, number: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..24 => out.push(major | bytes[7]),
        24..=0xff => out.extend([major | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cbor_is_read_as_it_was_written() {
        let value = json!({"a": [1, -5, 300, 70_000, 5_000_000_000_u64, 1.5, true, null, "ü"], "b": {"c": {}}});
        let mut out = Vec::new();
        write_cbor(&value, &mut out);
        assert_eq!(Protocol::Cbor.read(&out).unwrap(), value);
        let time = json!({"t": {TIME: 1000}});
        let mut out = Vec::new();
        write_cbor(&time, &mut out);
        assert_eq!(out, [0xa1, 0x61, b't', 0xc1, 0x19, 0x03, 0xe8]);
        assert_eq!(Protocol::Cbor.read(&out).unwrap(), json!({"t": 1000}));
    }

    #[test]
    fn what_is_no_cbor_is_refused_and_takes_no_memory() {
        for bytes in [
            &[0xff][..],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x5f, 0x41, 0x00, 0xff],
            &[0x61, 0xff],
            &[0xa1, 0x01, 0x01],
            &[0x1c],
            &[0x81; 100],
        ] {
            assert!(Protocol::Cbor.read(bytes).is_err(), "{bytes:x?}");
        }
        // Of indefinite length, half a float.
        assert_eq!(Protocol::Cbor.read(&[0x9f, 0xf9, 0x3c, 0x00, 0xff]).unwrap(), json!([1.0]));
        assert_eq!(Protocol::Cbor.read(&[0x7f, 0x61, b'a', 0x61, b'b', 0xff]).unwrap(), json!("ab"));
    }

    #[test]
    fn forms_become_values_and_values_xml() {
        let read = form("Action=x&Q.member.1.M.Name=a%20b&Q.member.2.M.Period=60&Period=10").unwrap();
        assert_eq!(read, json!({"Action": "x", "Q": [{"M": {"Name": "a b"}}, {"M": {"Period": 60}}], "Period": 10}));
        assert!(form("Q.member.100000.x=1").is_err() && form("Q.member=1").is_err());
        let mut xml = String::new();
        write_xml(&json!({"L": "<a>", "D": [{"T": {TIME: 0}, "V": 1.5}]}), &mut xml);
        assert_eq!(xml, "<L>&lt;a&gt;</L><D><member><T>1970-01-01T00:00:00Z</T><V>1.5</V></member></D>");
    }
}
