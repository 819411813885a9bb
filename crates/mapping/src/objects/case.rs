//! A case that is rendered again and again, as the bench does it.

use std::rc::Rc;

use vtl::{Map, Template, Value};

use crate::objects::batch::{body_of, input_of};
use crate::objects::{RenderError, parse_and_render, render};

/// A template, parsed, and what it is to see.
#[derive(Debug)]
pub struct Case {
    source: String,
    template: Template,
    case: Rc<Map>,
    body: Value,
}

impl Case {
    /// Reads a case as [`batch_line`](crate::batch_line) does, and parses its template.
    ///
    /// # Errors
    /// A sentence, when the text is no case or its template does not parse.
    pub fn read(json: &str) -> Result<Case, String> {
        let Value::Map(case) = vtl::parse_json(json)? else {
            return Err("the case is no JSON object".to_owned());
        };
        let Some(Value::Text(source)) = case.member("template") else {
            return Err("the case has no `template`".to_owned());
        };
        let template = Template::parse(&source).map_err(|error| error.to_string())?;
        Ok(Case { source: source.to_string(), template, body: body_of(&case), case })
    }

    /// Renders it as one message of a running stage is: the objects are made anew, the template is not parsed again.
    ///
    /// # Errors
    /// A sentence, with line and column, when the rendering fails.
    pub fn render(&self) -> Result<String, String> {
        let rendered = render(&self.template, input_of(&self.case, &self.body));
        rendered.map(|rendered| rendered.text).map_err(|error| told(&error))
    }

    /// Renders it as [`render`](Case::render) does, but parses the template first.
    ///
    /// # Errors
    /// As for [`render`](Case::render).
    pub fn parse_and_render(&self) -> Result<String, String> {
        let rendered = parse_and_render(&self.source, input_of(&self.case, &self.body));
        rendered.map(|rendered| rendered.text).map_err(|error| told(&error))
    }
}

fn told(error: &RenderError) -> String {
    format!("line {}, column {}: {}", error.line, error.column, error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_leaves_nothing_behind_for_the_next() {
        let json = r###"{"template": "#set($context.n = $context.n + 1)$context.n$input.path('$.a')", "input": {"body": "{\"a\": 7}"}, "context": {"n": 1}}"###;
        let case = Case::read(json).unwrap();
        assert_eq!(case.render().unwrap(), "27");
        assert_eq!(case.render().unwrap(), "27");
        assert_eq!(case.parse_and_render().unwrap(), "27");
    }

    #[test]
    fn what_is_no_case_is_told() {
        for (json, error) in
            [("[]", "no JSON object"), ("{}", "no `template`"), (r##"{"template": "#if("}"##, "line 1")]
        {
            let told = Case::read(json).unwrap_err();
            assert!(told.contains(error), "{told}");
        }
    }
}
