//! JSONPaths: what is found, how it prints, whether it is one value, the kind of an error.

use serde_json::Value;

use super::differences::{Comparison, settings};
use super::known;
use crate::generator::Generator;

#[test]
fn random_paths_find_what_jayway_finds() {
    let mut generator = Generator::new(settings().0);
    let comparison = Comparison {
        mode: "jsonpath",
        cases: 5_000,
        compared_min: 4_900,
        texts: &["/path", "/doc", "/path"],
        ours: mapping::jsonpath_line,
        known: known::path,
        difference,
    };
    comparison.run(|id| generator.path_case(id));
}

fn difference(_: &Value, ours: &Value, theirs: &Value) -> Option<String> {
    // A document that `append()` has put into itself.
    if theirs.get("unwritable").is_some() {
        return None;
    }
    // A document that cannot be read is an error of the run, here.
    let kind = theirs["error"]["kind"].as_str().map(|kind| if kind == "body" { "eval" } else { kind });
    let ours_kind = ours["error"].as_str();
    let found = kind.is_none() && theirs.get("missing").is_none();
    let members: &[&str] = if found { &["text", "json", "definite"] } else { &["missing"] };
    let same = kind == ours_kind
        && members.iter().all(|member| ours.get(*member) == theirs.get(*member))
        && (!found || ours["value"].is_null() == theirs["value"].is_null());
    (!same).then(|| format!("ours {ours}\n  theirs {theirs}"))
}
