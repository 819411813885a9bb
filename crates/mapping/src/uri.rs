//! An integration's URI: stage variables resolved, `{path}` parameters found, the rest checked once.

use std::sync::Arc;

use types::message::{HttpTarget, Way};
use types::resources::Map;

/// A URI that is ready but for its path parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UriTemplate {
    fixed: HttpTarget,
    path: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

impl UriTemplate {
    /// Reads an `http:` or `https:` URI, after putting in the stage's variables.
    ///
    /// # Errors
    /// A sentence: which variable is not set, or what of the URI cannot be read.
    pub(crate) fn compile(text: &str, variables: &Map<String>) -> Result<UriTemplate, String> {
        let text = with_variables(text, variables)?;
        let mut fixed = HttpTarget::parse(&text)?;
        let path = std::mem::take(&mut fixed.path_and_query);
        Ok(UriTemplate { fixed, path: pieces(&path) })
    }

    /// The same, reached in this way.
    pub(crate) fn by(mut self, way: Option<Arc<Way>>) -> UriTemplate {
        self.fixed.way = way;
        self
    }

    /// The VPC link it goes through.
    pub(crate) fn link(&self) -> Option<&str> {
        self.fixed.way.as_ref()?.link.as_deref()
    }

    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.path.iter().any(|piece| matches!(piece, Piece::Parameter(parameter) if parameter == name))
    }

    /// The target with `parameters` in place (raw, already escaped) and `query` appended.
    pub(crate) fn fill(&self, parameters: &[(&str, String)], query: &str) -> HttpTarget {
        let mut target = self.fixed.clone();
        for piece in &self.path {
            match piece {
                Piece::Text(text) => target.path_and_query.push_str(text),
                Piece::Parameter(name) => match parameters.iter().find(|(parameter, _)| parameter == name) {
                    Some((_, value)) => target.path_and_query.push_str(value),
                    // Braces may not stand in a request line.
                    None => target.path_and_query.push_str(&format!("%7B{name}%7D")),
                },
            }
        }
        if !query.is_empty() {
            target.path_and_query.push(if target.path_and_query.contains('?') { '&' } else { '?' });
            target.path_and_query.push_str(query);
        }
        target
    }
}

/// A text with the stage's variables in place of `${stageVariables.name}`.
///
/// # Errors
/// Which variable is not set.
pub(crate) fn with_variables(text: &str, variables: &Map<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${stageVariables.") {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("`${{` is not closed in `{text}`"))?;
        let value = variables.get(name);
        out.push_str(before);
        out.push_str(value.ok_or_else(|| format!("stage variable `{name}` of `{text}` is not set on the stage"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn pieces(path: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(escape_request_line(before)));
        pieces.push(Piece::Parameter(name.trim_end_matches('+').to_owned()));
        rest = after;
    }
    pieces.push(Piece::Text(escape_request_line(rest)));
    pieces
}

/// Escapes what may not stand in a request line; what is escaped already stays.
fn escape_request_line(text: &str) -> String {
    escape(text, |byte| {
        byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'|')
    })
}

/// Escapes a value for one path segment or one query value: all but letters, digits and `-._~`.
///
/// A value can come from a client's message, so `/`, `?` and `&` in it must not change where the request goes.
pub(crate) fn escape_value(text: &str) -> String {
    escape(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn escape(text: &str, keeps: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keeps(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{UriTemplate, escape_value};
    use types::resources::Map;

    fn variables() -> Map<String> {
        [("host", "api.example.com:8080"), ("v", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn stage_variables_stand_anywhere_and_parameters_in_the_path() {
        let uri = UriTemplate::compile("HTTP://${stageVariables.host}/v${stageVariables.v}/{room}/x?a=1", &variables())
            .unwrap();
        assert!(uri.has_parameter("room"));
        assert_eq!(
            uri.fill(&[("room", escape_value("a/b ü"))], "q=2").url(),
            "http://api.example.com:8080/v2/a%2Fb%20%C3%BC/x?a=1&q=2"
        );
        assert_eq!(uri.fill(&[], "").path_and_query, "/v2/%7Broom%7D/x?a=1");
    }

    #[test]
    fn hosts_ports_and_bare_authorities_are_read() {
        for (text, host, port, url) in [
            ("http://h", "h", 80, "http://h/"),
            ("https://h?x=1", "h", 443, "https://h/?x=1"),
            ("http://[::1]:3000/a b", "::1", 3000, "http://[::1]:3000/a%20b"),
            ("http://h:81/%20#f", "h", 81, "http://h:81/%20"),
        ] {
            let target = UriTemplate::compile(text, &variables()).unwrap().fill(&[], "");
            assert_eq!((target.host.as_str(), target.port, target.url().as_str()), (host, port, url));
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (text, part) in [
            ("ftp://h", "no http or https URL"),
            ("h/path", "no http or https URL"),
            ("http://", "is no host and port"),
            ("http://h:port", "is no host and port"),
            ("http://h:99999", "is no host and port"),
            ("http://u:p@h", "user names"),
            ("http://a b/", "is no host and port"),
            ("http://${stageVariables.none}/", "stage variable `none`"),
            ("http://${stageVariables.host", "is not closed"),
        ] {
            assert!(UriTemplate::compile(text, &variables()).is_err_and(|error| error.contains(part)), "{text}");
        }
    }
}
