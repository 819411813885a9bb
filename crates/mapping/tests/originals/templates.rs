//! Templates: the rendering, the kind of an error, the overrides.

use serde_json::Value;

use super::differences::{Comparison, settings};
use super::known;
use crate::generator::Generator;

#[test]
fn random_templates_render_as_velocity_does() {
    let mut generator = Generator::new(settings().0);
    let comparison = Comparison {
        mode: "render",
        cases: 6_000,
        compared_min: 5_900,
        texts: &["/template", "/input/body", "/template"],
        ours: mapping::batch_line,
        known: known::template,
        difference,
    };
    comparison.run(|id| generator.template_case(id));
}

fn difference(_: &Value, ours: &Value, theirs: &Value) -> Option<String> {
    let kind = &theirs["error"]["kind"];
    if known::incomparable(theirs) {
        return None;
    }
    let same_overrides = ["requestOverride", "responseOverride"].into_iter().all(|name| {
        let ours = ours.get(format!("{name}After"));
        ours.is_none_or(|ours| theirs.get("unwritable").is_some() || *ours == theirs[name])
    });
    let same = ours.get("output") == theirs.get("out") && *kind == ours["error"] && same_overrides;
    (!same).then(|| format!("ours {ours}\n  theirs {theirs}"))
}
