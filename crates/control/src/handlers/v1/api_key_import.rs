//! API keys from a CSV file.
//!
//! Source: documented ("API Gateway API key file format"): columns `name`, `key`, `description`, `enabled` and
//! `usageplanIds`, in any order and case; a field that holds commas stands in quotes.

use serde_json::{Value, json};

use super::api_keys::{self, API_KEY};
use super::plan_keys;
use crate::crud::{Answer, Call};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// The most lines in one file. Ours: each key is compared with all others, and other writers wait meanwhile.
const LINES_MAX: usize = 2000;

/// Creates the keys of a file: all of them, or none where a line is wrong and the caller wants none then.
pub(crate) fn import(call: &Call, tx: &mut Transaction) -> Answer {
    if call.query("format") != Some("csv") {
        return Err(error::bad_request(error::IMPORT_FORMAT));
    }
    let file = std::str::from_utf8(call.raw).map_err(|_| error::bad_request(error::IMPORT_COLUMNS))?;
    let rows = rows(file);
    let (header, rows) = rows.split_first().ok_or_else(|| error::bad_request(error::IMPORT_COLUMNS))?;
    let column = |name: &str| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
    let (Some(name), Some(key)) = (column("name"), column("key")) else {
        return Err(error::bad_request(error::IMPORT_COLUMNS));
    };
    if rows.len() > LINES_MAX {
        return Err(error::out_of_bounds("body", &format!("a file of at most {LINES_MAX} keys")));
    }
    let (description, enabled, plans) = (column("description"), column("enabled"), column("usageplanIds"));
    let (mut ids, mut warnings) = (Vec::new(), Vec::new());
    for (row, number) in rows.iter().zip(2..) {
        let field = |column: Option<usize>| column.and_then(|column| row.get(column)).map_or("", |field| field.trim());
        let mut body = Document::new();
        for (member, column) in [("name", Some(name)), ("value", Some(key)), ("description", description)] {
            body.insert(member.into(), field(column).into());
        }
        body.insert("enabled".into(), field(enabled).eq_ignore_ascii_case("true").into());
        match add(call, tx, body, field(plans)) {
            Ok(id) => ids.push(Value::String(id)),
            Err(fault) if call.query("failonwarnings") == Some("true") => return Err(fault),
            Err(fault) => warnings.push(Value::String(format!("line {number}: {}", fault.message))),
        }
    }
    let mut answer = Document::new();
    answer.insert("ids".into(), Value::Array(ids));
    answer.insert("warnings".into(), Value::Array(warnings));
    Ok(Some(answer))
}

/// One key, put into its plans. A plan that is not there leaves no key behind.
fn add(call: &Call, tx: &mut Transaction, body: Document, plans: &str) -> Result<String, Fault> {
    let plans: Vec<&str> = plans.split(',').map(str::trim).filter(|plan| !plan.is_empty()).collect();
    if plans.iter().any(|plan| tx.get(paths::USAGE_PLANS, plan).is_none()) {
        return Err(error::no_such_plan());
    }
    let key = api_keys::create(&as_call(call, Vec::new(), body), tx)?.unwrap_or_default();
    let id = text(&key, API_KEY.id_member).to_owned();
    for plan in plans {
        let body = json!({"keyId": id, "keyType": "API_KEY"});
        let call = as_call(call, vec![plan.to_owned()], body.as_object().cloned().unwrap_or_default());
        plan_keys::create(&call, tx)?;
    }
    Ok(id)
}

fn as_call<'a>(call: &Call<'a>, params: Vec<String>, body: Document) -> Call<'a> {
    Call { settings: call.settings, now: call.now, params, query: Vec::new(), body, raw: call.raw, taken: call.taken }
}

/// The fields of each line that holds something. A quoted field may hold commas, line ends and doubled quotes.
fn rows(file: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = file.strip_prefix('\u{feff}').unwrap_or(file).chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            other => field.push(other),
        }
    }
    row.push(field);
    rows.push(row);
    rows.retain(|row| row.iter().any(|field| !field.trim().is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn quotes_hold_commas_line_ends_and_quotes_together() {
        let file = "\u{feff}Name,Key\r\n\"a, \"\"b\"\"\nc\",1\r\n\r\n , \nlast,2";
        assert_eq!(rows(file), [["Name", "Key"], ["a, \"b\"\nc", "1"], ["last", "2"]]);
        assert!(rows("").is_empty());
    }
}
