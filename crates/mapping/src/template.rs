//! The seam for mapping templates: where the Velocity language will be plugged in.
//!
//! A template without references or directives is its own result, and that much works. Any other is kept but not
//! rendered yet: the caller passes the body through and the deployment's notes say so.

use types::resources::Map;

use crate::expression::Expression;

/// A mapping template, parsed when its stage is compiled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    /// No `$` and no `#`: the text itself.
    Literal(String),
    /// Needs the template engine.
    NotYet,
}

/// The templates of one integration, and how to choose among them.
#[derive(Clone, Debug)]
pub(crate) struct Templates {
    selection: Option<Expression>,
    by_key: Map<Template>,
}

impl Templates {
    /// Parses all of them. Gives the mistakes too, each a sentence.
    pub(crate) fn compile(selection: Option<&str>, templates: &Map<String>) -> (Templates, Vec<String>) {
        let mut mistakes = Vec::new();
        let selection = selection.filter(|text| !text.is_empty()).and_then(|text| {
            Expression::parse(text)
                .map_err(|error| mistakes.push(format!("template selection expression: {error}")))
                .ok()
        });
        let by_key = templates.iter().map(|(key, text)| (key.clone(), compile_one(text))).collect();
        (Templates { selection, by_key }, mistakes)
    }

    /// The template for this message: by the selection expression, else `$default`; without an expression
    /// `$default`, else `application/json`. Source: documented, the last inferred from a published example.
    pub(crate) fn choose(
        &self,
        body: &[u8],
        response: Option<&types::message::IntegrationResponse>,
    ) -> Option<&Template> {
        match &self.selection {
            Some(selection) => {
                let key = selection.evaluate(body, response);
                key.and_then(|key| self.by_key.get(&key)).or_else(|| self.by_key.get("$default"))
            }
            None => self.by_key.get("$default").or_else(|| self.by_key.get("application/json")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(crate) fn unrendered(&self) -> impl Iterator<Item = &str> {
        self.by_key.iter().filter(|(_, template)| **template == Template::NotYet).map(|(key, _)| key.as_str())
    }
}

fn compile_one(text: &str) -> Template {
    if text.contains(['$', '#']) { Template::NotYet } else { Template::Literal(text.to_owned()) }
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
