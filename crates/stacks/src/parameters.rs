//! Parameters: what may be given to a template, and whether what is given fits.

use indexmap::IndexMap;
use java::Pattern;

use crate::fault::{FAULTS_MAX, Fault, Faults, nearest, shortened};
use crate::node::{Node, Place, Value};

/// One parameter as the template describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// Such as `String`.
    pub kind: String,
    /// What it is where nothing is given.
    pub default: Option<Node>,
    /// What it says of itself.
    pub description: Option<String>,
    /// Its value is never shown.
    pub no_echo: bool,
    /// The values that it may have; any, where there are none.
    pub allowed_values: Vec<String>,
    /// The pattern that the whole value matches, in Java's notation.
    pub allowed_pattern: Option<String>,
    /// What is said where the value does not fit.
    pub constraint: Option<String>,
    /// In characters.
    pub min_length: Option<f64>,
    /// In characters.
    pub max_length: Option<f64>,
    /// Of a number.
    pub min_value: Option<f64>,
    /// Of a number.
    pub max_value: Option<f64>,
    /// Where it is described.
    pub place: Place,
}

/// The most parameters of a template. CloudFormation takes 200.
pub const PARAMETERS_MAX: usize = 500;
/// The longest value of a parameter, in bytes (documented: "CloudFormation quotas").
pub const VALUE_BYTES_MAX: usize = 4_096;

/// What stands for a value that is not to be seen, as CloudFormation shows it.
pub const HIDDEN: &str = "****";

const MEMBERS: [&str; 11] = [
    "Type",
    "Default",
    "Description",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
];

/// How a value of a type looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Text,
    Number,
    Texts,
    Numbers,
}

/// The shape of a type. `AWS::SSM::Parameter::Value<…>` has that of what it names: there is no Parameter Store here, and the
/// name of the entry, which is what is given, stands for its value.
fn shape(kind: &str) -> Option<Shape> {
    if let Some(stored) = kind.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>')) {
        return match stored {
            "CommaDelimitedList" | "List<String>" => Some(Shape::Texts),
            "String" => Some(Shape::Text),
            _ => shape(stored),
        };
    }
    match kind {
        "String" => Some(Shape::Text),
        "Number" => Some(Shape::Number),
        "CommaDelimitedList" | "List<String>" => Some(Shape::Texts),
        "List<Number>" => Some(Shape::Numbers),
        _ if kind.starts_with("List<AWS::") && kind.ends_with('>') => Some(Shape::Texts),
        _ if kind.starts_with("AWS::") && !kind.contains(['<', '>']) => Some(Shape::Text),
        _ => None,
    }
}

impl Parameter {
    /// Reads a parameter's description. What is wrong with it goes to `faults`; without a type there is none.
    pub(crate) fn of(name: &str, node: &Node, faults: &mut Faults) -> Option<Parameter> {
        let path = format!("Parameters.{name}");
        let Some(members) = node.as_map() else {
            faults.add(format!("a parameter is a map, not {}", node.kind()), &path, node.place);
            return None;
        };
        for (key, node) in members {
            if !faults.is_full() && !MEMBERS.contains(&key.as_str()) {
                let near = nearest(key, MEMBERS).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                faults.add(format!("a parameter has no member \"{key}\"{near}"), &path, node.place);
            }
        }
        let mut text = |member: &str| {
            let node = members.get(member)?;
            let text = node.as_str();
            if text.is_none() {
                faults.add(format!("{member} is a text, not {}", node.kind()), &path, node.place);
            }
            text.map(str::to_owned)
        };
        let mut parameter = Parameter {
            description: text("Description"),
            allowed_pattern: text("AllowedPattern"),
            constraint: text("ConstraintDescription"),
            default: text("Default").and_then(|_| members.get("Default").cloned()),
            place: node.place,
            ..Parameter::default()
        };
        let kind = text("Type");
        let mut number = |member: &str| {
            let node = members.get(member)?;
            let number = node.as_str().and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
            if number.is_none() {
                faults.add(format!("{member} is a number, not {}", node.kind()), &path, node.place);
            }
            number
        };
        parameter.min_length = number("MinLength");
        parameter.max_length = number("MaxLength");
        parameter.min_value = number("MinValue");
        parameter.max_value = number("MaxValue");
        if let Some(node) = members.get("NoEcho") {
            // Whatever it says that is not plainly false hides the value.
            parameter.no_echo = node.as_bool() != Some(false);
            if node.as_bool().is_none() {
                faults.add(format!("NoEcho is true or false, not {}", node.kind()), &path, node.place);
            }
        }
        if let Some(node) = members.get("AllowedValues") {
            let values: Option<Vec<_>> = node.as_list().and_then(|items| items.iter().map(Node::as_str).collect());
            match values {
                Some(values) => parameter.allowed_values = values.into_iter().map(str::to_owned).collect(),
                None => faults.add("AllowedValues is a list of texts", &path, node.place),
            }
        }
        if let Some(pattern) = &parameter.allowed_pattern
            && let Err(problem) = Pattern::whole(pattern)
        {
            faults.add(format!("AllowedPattern: {problem}"), &path, members["AllowedPattern"].place);
        }
        match kind {
            Some(kind) => parameter.kind = kind,
            None => {
                if !members.contains_key("Type") {
                    faults.add("Type is missing", &path, node.place);
                }
                return None;
            }
        }
        if shape(&parameter.kind).is_none() {
            const KINDS: [&str; 5] =
                ["String", "Number", "CommaDelimitedList", "List<Number>", "AWS::SSM::Parameter::Value<String>"];
            let near =
                nearest(&parameter.kind, KINDS).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            let message = format!("there is no parameter type \"{}\"{near}", parameter.kind);
            faults.add(message, &path, members["Type"].place);
            return None;
        }
        Some(parameter)
    }

    /// Whether its value comes from SSM's Parameter Store on AWS, where here the entry's name stands for it.
    pub fn is_stored(&self) -> bool {
        self.kind.starts_with("AWS::SSM::Parameter::Value<")
    }

    /// The value that a text stands for: a text, or a list of texts.
    ///
    /// # Errors
    /// A sentence, without the value where that is not to be seen.
    fn value(&self, name: &str, text: &str) -> Result<Node, String> {
        if text.len() > VALUE_BYTES_MAX {
            return Err(format!("the parameter {name} has {} bytes; {VALUE_BYTES_MAX} are the most", text.len()));
        }
        let shape = shape(&self.kind).unwrap_or(Shape::Text);
        let pattern = self.allowed_pattern.as_deref().filter(|_| matches!(shape, Shape::Text | Shape::Texts));
        let pattern = pattern.map(Pattern::whole).transpose()?;
        if matches!(shape, Shape::Text | Shape::Number) {
            self.fits(name, text, shape, pattern.as_ref())?;
            return Ok(Node::text(text, self.place));
        }
        // An empty text is a list of one empty text (inferred: templates ask Fn::Select for item 0 to find an empty list).
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        for item in &items {
            self.fits(name, item, shape, pattern.as_ref())?;
        }
        Ok(Node::list(items.into_iter().map(|item| Node::text(item, self.place)), self.place))
    }

    fn fits(&self, name: &str, text: &str, shape: Shape, pattern: Option<&Pattern>) -> Result<(), String> {
        let shown = if self.no_echo { HIDDEN.to_owned() } else { format!("{:?}", shortened(text)) };
        let not = |what: String| {
            let constraint = self.constraint.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
            Err(format!("the parameter {name} is {shown}, which {what}{constraint}"))
        };
        if !self.allowed_values.is_empty() && !self.allowed_values.iter().any(|allowed| allowed == text) {
            let near = nearest(text, self.allowed_values.iter().map(String::as_str)).filter(|_| !self.no_echo);
            let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let allowed = shortened(&self.allowed_values.join(", "));
            return not(format!("is none of its allowed values: {allowed}{hint}"));
        }
        if matches!(shape, Shape::Number | Shape::Numbers) {
            let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
                return not("is no number".to_owned());
            };
            if let Some(min) = self.min_value.filter(|min| number < *min) {
                return not(format!("is less than {min}"));
            }
            if let Some(max) = self.max_value.filter(|max| number > *max) {
                return not(format!("is more than {max}"));
            }
            return Ok(());
        }
        let length = text.chars().count() as f64;
        if let Some(min) = self.min_length.filter(|min| length < *min) {
            return not(format!("is shorter than {min} characters"));
        }
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            return not(format!("is longer than {max} characters"));
        }
        match pattern.map(|pattern| pattern.is_match(text)) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => {
                let pattern = shortened(self.allowed_pattern.as_deref().unwrap_or_default());
                return not(format!("does not match {pattern}"));
            }
            Some(Err(problem)) => return not(format!("cannot be compared with its pattern: {problem}")),
        }
        Ok(())
    }
}

/// The value of each parameter: what is given, else its default. Texts, and lists of texts.
///
/// # Errors
/// All that is wrong: one fault that names all parameters without a value, one for each name that there is not, and one for
/// each value that does not fit. None shows a value of a parameter with `NoEcho`.
pub fn values(
    parameters: &IndexMap<String, Parameter>,
    given: &IndexMap<String, String>,
) -> Result<IndexMap<String, Node>, Vec<Fault>> {
    let mut faults = Faults::default();
    for name in given.keys().filter(|name| !parameters.contains_key(*name)).take(FAULTS_MAX) {
        let near = nearest(name, parameters.keys().map(String::as_str));
        let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        let message = format!("the template has no parameter \"{}\"{hint}", shortened(name));
        faults.add(message, "Parameters", Place::default());
    }
    let mut values = IndexMap::new();
    let mut missing = Vec::new();
    for (name, parameter) in parameters {
        let default = || parameter.default.as_ref().and_then(Node::as_str);
        let Some(text) = given.get(name).map(String::as_str).or_else(default) else {
            missing.push(name.as_str());
            continue;
        };
        match parameter.value(name, text) {
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(message) => faults.add(message, &format!("Parameters.{name}"), parameter.place),
        }
    }
    if let Some(first) = missing.first() {
        let message = match missing.as_slice() {
            [one] => format!("the parameter {one} has neither a default nor a given value"),
            several => format!("these parameters have neither a default nor a given value: {}", several.join(", ")),
        };
        faults.add(message, "Parameters", parameters[*first].place);
    }
    faults.into_result(values)
}

/// A parameter's value as it may be shown.
pub fn shown(parameter: &Parameter, value: &Node) -> String {
    if parameter.no_echo {
        return HIDDEN.to_owned();
    }
    match &value.value {
        Value::List(items) => items.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(","),
        _ => value.as_str().unwrap_or_default().to_owned(),
    }
}
