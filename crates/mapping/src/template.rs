//! The mapping templates of an integration: parsed when a stage is compiled, chosen and rendered for each event.

use std::sync::Arc;

use types::message::IntegrationResponse;
use types::resources::Map;
use vtl::Value;

use crate::context::Scope;
use crate::error::Error;
use crate::expression::Expression;
use crate::objects;
use crate::parameters::Target;
use crate::shared::Pool;

/// A mapping template, ready to be rendered.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parsed: Arc<vtl::Template>,
    /// Whether it names the override maps, which are there only for such templates.
    overrides: bool,
}

/// The templates of one integration, and how to choose among them.
#[derive(Clone, Debug)]
pub(crate) struct Templates {
    selection: Option<Expression>,
    by_key: Map<Template>,
}

/// What a template made: the body, and what it set in `$context.requestOverride` or `.responseOverride`.
pub(crate) struct Rendered {
    pub(crate) body: String,
    pub(crate) overrides: Overrides,
}

/// Overrides as lists of name and value; empty where the template set none.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) status: Option<u16>,
}

impl Templates {
    /// Parses all of them.
    ///
    /// # Errors
    /// A sentence that names the template or expression, with line and column.
    pub(crate) fn compile(
        selection: Option<&str>,
        templates: &Map<String>,
        shared: &mut Pool<vtl::Template>,
    ) -> Result<Templates, String> {
        let selection = selection.filter(|text| !text.is_empty()).map(Expression::parse).transpose();
        let selection = selection.map_err(|error| format!("template selection expression: {error}"))?;
        let mut by_key = Map::new();
        for (key, text) in templates {
            let parsed = shared.get(text, || vtl::Template::parse(text));
            let parsed = parsed.map_err(|error| format!("template `{key}`: {error}"))?;
            let overrides = ["requestOverride", "responseOverride"].iter().any(|name| text.contains(name));
            by_key.insert(key.clone(), Template { parsed, overrides });
        }
        Ok(Templates { selection, by_key })
    }

    /// The template for this message: by the selection expression, else `$default`. Without an expression: of a response the
    /// one for its status (observed in a test validated against AWS), then `$default`, then `application/json` (inferred from
    /// a published example).
    pub(crate) fn choose(&self, body: &[u8], response: Option<&IntegrationResponse>) -> Option<&Template> {
        match &self.selection {
            Some(selection) => {
                let key = selection.evaluate(body, response);
                key.and_then(|key| self.by_key.get(&key)).or_else(|| self.by_key.get("$default"))
            }
            None => {
                let status = response.map(|response| response.status.to_string());
                let by_status = status.and_then(|status| self.by_key.get(&status));
                by_status.or_else(|| self.by_key.get("$default")).or_else(|| self.by_key.get("application/json"))
            }
        }
    }

    /// The templates by key, as they were parsed.
    pub(crate) fn parsed(&self) -> impl Iterator<Item = (&str, &vtl::Template)> {
        self.by_key.iter().map(|(key, template)| (key.as_str(), &*template.parsed))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

impl Template {
    /// Renders the template for an event; `body` is what `$input` reads, `status` the backend's in a response template.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) with line and column.
    pub(crate) fn render(&self, scope: &Scope<'_>, body: &[u8], status: Option<u16>) -> Result<Rendered, Error> {
        let input = objects::for_event(scope, body, status, self.overrides);
        let rendered = objects::render(&self.parsed, input).map_err(|error| {
            let place = format!("line {}, column {}", error.line, error.column);
            Error::configuration(format!("the mapping template failed at {place}: {}", error.message))
        })?;
        let made = if status.is_some() { rendered.response_override } else { rendered.request_override };
        let overrides = made.as_ref().map(Overrides::read).unwrap_or_default();
        Ok(Rendered { body: rendered.text, overrides })
    }
}

/// A template beside what it made: which part of the text each of its lines wrote.
#[derive(Clone, Debug)]
pub struct TemplateLines {
    /// The template.
    pub template: String,
    /// What it made.
    pub output: String,
    /// The parts of that which its references wrote, in order.
    pub pieces: Vec<vtl::Piece>,
}

impl Template {
    /// Renders a request template once more, for somebody who looks; `None` where it fails.
    pub(crate) fn lines(&self, scope: &Scope<'_>, body: &[u8]) -> Option<TemplateLines> {
        let input = objects::for_event(scope, body, None, self.overrides);
        let (rendered, pieces) = objects::render_noted(&self.parsed, input).ok()?;
        Some(TemplateLines { template: self.parsed.source().to_owned(), output: rendered.text, pieces })
    }
}

impl Overrides {
    /// Whether a mapped parameter of that name gives way.
    pub(crate) fn replaces(&self, target: &Target) -> bool {
        let (overrides, name) = match target {
            Target::Header(name) => return self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)),
            Target::Query(name) => (&self.query, name),
            Target::Path(name) => (&self.path, name),
        };
        overrides.iter().any(|(other, _)| other == name)
    }

    fn read(made: &Value) -> Overrides {
        let pairs = |member: &str| match made.member(member).and_then(|pairs| pairs.as_map()) {
            Some(pairs) => {
                let pairs = pairs.entries().into_iter().map(|(name, value)| (printed(&name), printed(&value)));
                pairs.collect()
            }
            None => Vec::new(),
        };
        Overrides {
            headers: pairs("header"),
            query: pairs("querystring"),
            path: pairs("path"),
            status: made.member("status").and_then(|status| printed(&status).parse().ok()),
        }
    }
}

// What is too large to be printed overrides nothing.
fn printed(value: &Value) -> String {
    vtl::display(value).unwrap_or_default()
}

/// The integer `statusCode` of a mock's rendered request template; lax JSON such as `{statusCode: 200}` is read.
///
/// Source: observed (REST), the lax form too.
pub(crate) fn mock_status(rendered: &str) -> Option<u16> {
    let after = rendered.split("statusCode").nth(1)?;
    let after = after.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let end = after[digits..].trim_start();
    // `2.5` and `"200"` are no integers.
    (end.is_empty() || end.starts_with([',', '}'])).then(|| after[..digits].parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::mock_status;

    #[test]
    fn a_mock_needs_an_integer_status_code() {
        for (template, expected) in [
            (r#"{"statusCode": 200}"#, Some(200)),
            ("{statusCode: 403}", Some(403)),
            ("{'statusCode':201,\"a\":1}", Some(201)),
            (r#"{"statusCode": "200"}"#, None),
            (r#"{"statusCode": 2.5}"#, None),
            (r#"{"statusCode": 99999}"#, None),
            (r#"{"status": 200}"#, None),
            ("", None),
        ] {
            assert_eq!(mock_status(template), expected, "{template}");
        }
    }
}
