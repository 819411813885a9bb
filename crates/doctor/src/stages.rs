//! Stages: whether they serve what is defined, and who leads to them.

use mapping::{Mend, shell_word};

use crate::Subject;
use crate::findings::Finding;

/// The differences that a finding names; the rest is counted.
const CHANGES_SHOWN: usize = 3;

pub(crate) fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let api_id = &subject.definition.api.api_id;
    if subject.stages.is_empty() {
        let command = format!("aws apigatewayv2 create-stage --api-id {api_id} --stage-name dev --auto-deploy");
        let found = Finding::new("no-stage", format!("API {api_id}"), "The API has no stage.");
        findings.push(found.mended(Mend::by("have one", &command)));
    }
    for of in &subject.stages {
        let stage = &of.settings.stage_name;
        let deploy = || {
            let command = format!("aws apigatewayv2 create-deployment --api-id {api_id} --stage-name {stage}");
            Mend::by("deploy", &command)
        };
        if !of.is_deployed {
            let found = Finding::new("stage-not-deployed", format!("stage {stage}"), "The stage has no deployment.");
            findings.push(found.mended(deploy()));
        } else if !of.changes.is_empty() {
            let shown = of.changes.iter().take(CHANGES_SHOWN).cloned().collect::<Vec<_>>().join("; ");
            let more = of.changes.len().saturating_sub(CHANGES_SHOWN);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let what = format!("Edits are not deployed: {shown}{more}.");
            findings.push(Finding::new("not-deployed", format!("stage {stage}"), what).mended(deploy()));
        }
    }
    for (name, domain) in &subject.account.domain_names {
        for (key, to) in domain.mappings.iter().filter(|(_, to)| to.api_id == *api_id) {
            if !subject.stages.iter().any(|of| of.settings.stage_name == to.stage && of.is_deployed) {
                let what =
                    format!("The domain name {name} leads with `/{key}` to stage {}, which serves nothing.", to.stage);
                let command = format!("aws apigatewayv2 get-api-mappings --domain-name {}", shell_word(name));
                let found = Finding::new("domain-leads-nowhere", format!("domain name {name}"), what);
                findings.push(found.mended(Mend::by("see where it leads", &command)));
            }
        }
    }
}
