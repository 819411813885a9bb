//! Lists, page by page: `maxResults` and `nextToken` of v2, `limit` and `position` of v1.

use serde_json::Value;

use crate::error::{self, Fault};
use crate::store::Document;

/// How a list is asked for and answered.
pub(crate) struct Paging {
    /// The query's name for the size of a page.
    size: &'static str,
    /// The query's and the answer's name for where the next page begins.
    token: &'static str,
    /// The answer's name for the items.
    items: &'static str,
    /// Items on a page when the caller does not say.
    default: usize,
    /// The text for a size that is none.
    wrong_size: &'static str,
    /// The text for a token that we did not make.
    wrong_token: &'static str,
}

impl Paging {
    /// Whether the list is v1's.
    pub(crate) fn is_v1(&self) -> bool {
        self.items == V1.items
    }
}

/// v2. The default size is inferred: reports show that AWS pages by default.
pub(crate) const V2: Paging = Paging {
    size: "maxResults",
    token: "nextToken",
    items: "items",
    default: 25,
    wrong_size: error::MAX_RESULTS,
    wrong_token: error::NEXT_TOKEN,
};

/// Lists of v2 that SDKs do not page through, so that their callers see what is on the first page. Source: the API
/// model (its paginators).
pub(crate) const V2_FIRST_PAGE: Paging = Paging { default: 100, ..V2 };

/// v1. Source: documented, names and default alike.
pub(crate) const V1: Paging = Paging {
    size: "limit",
    token: "position",
    items: "item",
    default: 25,
    wrong_size: error::LIMIT,
    wrong_token: error::POSITION,
};

/// The most items on a page. Source: documented for v1 (`limit`), inferred for v2.
const MAX: usize = 500;

/// What a list call asks for.
pub(crate) struct Page {
    paging: &'static Paging,
    size: usize,
    /// The sequence number of the last item that the caller has.
    pub(crate) after: Option<u64>,
}

impl Page {
    /// Reads the query of a list call.
    ///
    /// # Errors
    /// 400 for a size that is not a number from 1 up, and for a token that we did not make.
    pub(crate) fn read(paging: &'static Paging, query: &[(String, String)]) -> Result<Page, Fault> {
        let value = |name| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let size = match value(paging.size) {
            None => paging.default,
            Some(text) => text
                .parse::<u64>()
                .ok()
                .filter(|size| *size > 0)
                .map(|size| usize::try_from(size).unwrap_or(MAX).min(MAX))
                .ok_or_else(|| error::bad_request(paging.wrong_size))?,
        };
        let after = match value(paging.token).filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => Some(read_token(token).ok_or_else(|| error::bad_request(paging.wrong_token))?),
        };
        Ok(Page { paging, size, after })
    }

    /// The answer: this page's items, and the token of the next page unless this is the last.
    pub(crate) fn fill(&self, items: impl Iterator<Item = (u64, Value)>) -> Document {
        let (page, token) = self.take(items);
        let mut answer = Document::new();
        answer.insert(self.paging.items.into(), Value::Array(page));
        self.sign(&mut answer, token);
        answer
    }

    /// Says in an answer where the next page begins, if there is one.
    pub(crate) fn sign(&self, answer: &mut Document, token: Option<String>) {
        if let Some(token) = token {
            answer.insert(self.paging.token.into(), Value::String(token));
        }
    }

    /// This page's items, and the token of the next page unless this is the last.
    ///
    /// The token names the last item by its place in the order of creation, so that items which come or go
    /// meanwhile neither repeat others nor hide them.
    pub(crate) fn take<T>(&self, mut items: impl Iterator<Item = (u64, T)>) -> (Vec<T>, Option<String>) {
        let mut page = Vec::new();
        let mut last = None;
        for (sequence, item) in items.by_ref().take(self.size) {
            page.push(item);
            last = Some(sequence);
        }
        let is_last = items.next().is_none();
        (page, last.filter(|_| !is_last).map(|last| format!("{TOKEN_MARK}{last:016x}")))
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
