//! Lists: `maxResults` and `nextToken`.

use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

/// Items on a page when the caller does not say. Source: inferred (reports show that AWS pages by default).
const DEFAULT: usize = 25;

/// The most items on a page. Source: documented for v1 (`limit`), inferred for v2.
const MAX: usize = 500;

/// What a list call asks for.
pub(crate) struct Page {
    size: usize,
    /// The sequence number of the last item that the caller has.
    pub(crate) after: Option<u64>,
}

impl Page {
    /// Reads the query of a list call.
    ///
    /// # Errors
    /// 400 for a `maxResults` that is not a number from 1 up, and for a `nextToken` that we did not make.
    pub(crate) fn read(query: &[(String, String)]) -> Result<Page, Fault> {
        let value = |name| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let size = match value("maxResults") {
            None => DEFAULT,
            Some(text) => text
                .parse::<u64>()
                .ok()
                .filter(|size| *size > 0)
                .map(|size| usize::try_from(size).unwrap_or(MAX).min(MAX))
                .ok_or_else(|| error::bad_request(error::MAX_RESULTS))?,
        };
        let after = match value("nextToken").filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => Some(read_token(token).ok_or_else(|| error::bad_request(error::NEXT_TOKEN))?),
        };
        Ok(Page { size, after })
    }

    /// The answer: this page's items, and the token of the next page unless this is the last.
    ///
    /// The token names the last item by its place in the order of creation, so that items which come or go
    /// meanwhile neither repeat others nor hide them.
    pub(crate) fn fill(&self, mut items: impl Iterator<Item = (u64, Value)>) -> Document {
        let mut page = Vec::new();
        let mut last = None;
        for (sequence, item) in items.by_ref().take(self.size) {
            page.push(item);
            last = Some(sequence);
        }
        let mut answer = Document::new();
        answer.insert("items".into(), Value::Array(page));
        if let (Some(last), Some(_)) = (last, items.next()) {
            answer.insert("nextToken".into(), Value::String(format!("{TOKEN_MARK}{last:016x}")));
        }
        answer
    }
}

/// Begins every token, so that other text is not mistaken for one.
const TOKEN_MARK: &str = "gw1-";

fn read_token(token: &str) -> Option<u64> {
    let digits = token.strip_prefix(TOKEN_MARK)?;
    if digits.len() != 16 || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}
