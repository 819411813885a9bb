//! Looks at what is defined and says what will bite before the first message is sent.
//!
//! Pure: definitions in, [`Finding`]s out. [`examine`] asks what compiling a stage remarks (`notes`), what stands in the
//! definitions and what stands between them (`routes`, `integrations`, `stages`), and what templates make of sample messages
//! (`samples`). Whether a backend can be reached is asked by the program, of the [`targets`].

mod findings;
mod integrations;
mod notes;
mod routes;
mod samples;
mod stages;
mod table;

use mapping::{Plan, Shared};
use types::Dialect;
use types::account::Account;
use types::arn::Function;
use types::limits::Limits;
use types::resources::Stage;
use types::snapshot::{ApiDefinition, DeployedStage, StageKey};

pub use findings::{Finding, Severity};
pub use integrations::{Target, targets, unreachable};
pub use table::{CODES, Code, page};

/// An API as it is defined now, and its stages.
pub struct Subject<'s> {
    /// The API.
    pub definition: &'s ApiDefinition,
    /// Its stages.
    pub stages: Vec<StageOf>,
    /// What belongs to no single API.
    pub account: &'s Account,
}

/// A stage, and how it stands to the API.
pub struct StageOf {
    /// Its settings.
    pub settings: Stage,
    /// Whether it serves a deployment.
    pub is_deployed: bool,
    /// What is defined and not deployed to it, a sentence each.
    pub changes: Vec<String>,
}

/// Hosts and ports.
pub type Addresses = Vec<(String, u16)>;

/// What the program knows beside definitions.
pub struct Known<'k> {
    /// The quotas.
    pub limits: &'k Limits,
    /// How closely AWS is followed.
    pub dialect: Dialect,
    /// Whether it is known where a function runs.
    pub has_function: &'k dyn Fn(&Function) -> bool,
    /// Where a VPC link leads; `None`: whoever asks does not know.
    pub link_addresses: &'k dyn Fn(&str) -> Option<Addresses>,
    /// Whether AWS's services are called at all.
    pub has_services: bool,
}

/// What will bite, worst first.
pub fn examine(subject: &Subject<'_>, known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    routes::look(subject, known, &mut findings);
    integrations::look(subject, known, &mut findings);
    stages::look(subject, &mut findings);
    for stage in compiled(subject) {
        let (plan, notes) = Plan::compile(&stage, known.limits, known.dialect, &mut Shared::default());
        findings.extend(notes.iter().filter_map(|note| notes::finding(note, &subject.definition.api.api_id)));
        samples::look(subject, &plan, &mut findings);
    }
    findings.sort_by(|a, b| (b.severity, &a.code, &a.place).cmp(&(a.severity, &b.code, &b.place)));
    findings.dedup_by(|a, b| (a.code, &a.place, &a.what) == (b.code, &b.place, &b.what));
    findings
}

// The API as it is now, on each of its stages; on one of nobody's where it has none.
fn compiled(subject: &Subject<'_>) -> Vec<DeployedStage> {
    let api_id = &subject.definition.api.api_id;
    let stage = |settings: &Stage| DeployedStage {
        key: StageKey { api_id: api_id.clone(), stage: settings.stage_name.clone() },
        settings: settings.clone(),
        definition: std::sync::Arc::new(subject.definition.clone()),
    };
    match subject.stages.is_empty() {
        true => vec![stage(&Stage { stage_name: "STAGE".to_owned(), ..Stage::default() })],
        false => subject.stages.iter().map(|of| stage(&of.settings)).collect(),
    }
}
