//! An address that stands in place of AWS's own, such as that of moto, LocalStack or `sam local start-lambda`.

use types::message::HttpTarget;

/// The address, and the path that it begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    at: HttpTarget,
}

impl Endpoint {
    /// Reads an `http:` or `https:` URL without a query.
    ///
    /// # Errors
    /// A sentence that says what of it does not fit.
    pub fn parse(url: &str) -> Result<Endpoint, String> {
        let mut at = HttpTarget::parse(url)?;
        if let Some(c) = at.path_and_query.chars().find(|c| *c == '?' || !c.is_ascii_graphic()) {
            return Err(format!("`{url}`: `{c}` cannot stand in its path"));
        }
        at.path_and_query.truncate(at.path_and_query.trim_end_matches('/').len());
        Ok(Endpoint { at })
    }

    /// A path below it, with a query where there is one.
    pub fn below(&self, path_and_query: &str) -> HttpTarget {
        let path_and_query = format!("{}{path_and_query}", self.at.path_and_query);
        HttpTarget { path_and_query, ..self.at.clone() }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let HttpTarget { tls, authority, path_and_query, .. } = &self.at;
        write!(f, "http{}://{authority}{path_and_query}", if *tls { "s" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn paths_stand_below_an_endpoints_own() {
        for (url, expected) in [
            ("http://127.0.0.1:3001", "http://127.0.0.1:3001/x?y=1"),
            ("http://localhost:3001/", "http://localhost:3001/x?y=1"),
            ("https://gw/lambda/", "https://gw/lambda/x?y=1"),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().below("/x?y=1").url(), expected);
        }
        for (url, part) in [("127.0.0.1:3001", "no http"), ("http://h/?a", "`?`"), ("http://h/ü", "`ü`")] {
            assert!(Endpoint::parse(url).is_err_and(|error| error.contains(part)), "{url}");
        }
    }
}
