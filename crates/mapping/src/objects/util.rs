//! `$util`: a function each, with its name, in one table.

use vtl::{Object, Text, Value};

use crate::objects::{encoding, escape};

/// `$util`.
#[derive(Debug)]
pub(super) struct Util {
    /// Whether the extended dialect's `toJson` is there.
    pub(super) extended: bool,
}

/// A function of `$util` and what it takes.
enum Function {
    /// Anything; its text is taken.
    Any(fn(&Text) -> Result<Value, String>),
    /// A text; null fails, anything else finds no such method.
    Text(fn(&Text) -> Result<Value, String>),
}

/// All functions. Source: documented ("$util variables"); what each does with odd input: corpus/vtl.
const FUNCTIONS: [(&str, Function); 6] = [
    // Escapes as a JavaScript string, `'` and `/` too, which JSON does not know.
    (
        "escapeJavaScript",
        Function::Any(|text| Ok(escape::java_script(text).map_or_else(|| Value::Text(text.clone()), Value::from))),
    ),
    // Reads lenient JSON.
    ("parseJson", Function::Text(vtl::read_json)),
    // Form encoding: a blank becomes `+`.
    ("urlEncode", Function::Text(|text| Ok(Value::from(encoding::url_encode(text))))),
    ("urlDecode", Function::Text(|text| encoding::url_decode(text).map(Value::from))),
    // Standard alphabet with padding, over UTF-8.
    ("base64Encode", Function::Text(|text| Ok(Value::from(encoding::base64_encode(text))))),
    ("base64Decode", Function::Text(|text| encoding::base64_decode(text).map(Value::from))),
];

/// The functions' names.
pub(crate) const UTIL_FUNCTIONS: [&str; 6] = {
    let mut names = [""; 6];
    let mut at = 0;
    while at < names.len() {
        names[at] = FUNCTIONS[at].0;
        at += 1;
    }
    names
};

impl Object for Util {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        let [arg] = args else { return None };
        if self.extended && name == "toJson" {
            return Some(vtl::to_json(arg).map(Value::from));
        }
        let (_, function) = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
        match (function, arg) {
            (Function::Any(run) | Function::Text(run), Value::Text(text)) => Some(run(text)),
            (Function::Any(run), Value::Null) => Some(run(&Text::fixed("null"))),
            (Function::Any(run), other) => Some(vtl::display(other).and_then(|text| run(&text.into()))),
            (Function::Text(_), Value::Null) => Some(Err(format!("$util.{name}() was given null"))),
            (Function::Text(_), _) => None,
        }
    }
}
