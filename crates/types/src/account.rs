//! What belongs to the account and to no single API: custom domain names, VPC links, API keys, usage plans,
//! client certificates.
//!
//! Views of AWS's JSON documents, as in [`crate::resources`]: the members that act at run time.

use serde::{Deserialize, Serialize};

use crate::resources::Map;
use crate::snapshot::StageKey;

/// All of it. Immutable; part of a [`Snapshot`](crate::snapshot::Snapshot).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// By name, lower case; a name may begin with `*.`.
    pub domain_names: Map<DomainName>,
    /// By id.
    pub vpc_links: Map<VpcLink>,
    /// By id.
    pub api_keys: Map<ApiKey>,
    /// By id.
    pub usage_plans: Map<UsagePlan>,
    /// By id.
    pub client_certificates: Map<ClientCertificate>,
}

/// A custom domain name with its API mappings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainName {
    /// ARN or, ours, the path of a certificate; the settings say which file it stands for.
    pub certificate_arn: Option<String>,
    /// API mapping key → stage; the empty key is the domain's root. A stage that is not deployed is named all the same.
    pub mappings: Map<StageKey>,
}

/// A VPC link (v1): a name for a place that backends are reached through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VpcLink {
    /// What a person calls it.
    pub name: String,
    /// On AWS the ARN of a Network Load Balancer; ours may also be `host:port`.
    pub target_arns: Vec<String>,
}

/// An API key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiKey {
    /// The id that usage plans name it by.
    pub id: String,
    /// What clients send.
    pub value: String,
    /// Whether it opens anything.
    pub enabled: bool,
}

/// A usage plan: which stages its keys open, how fast and how often.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsagePlan {
    /// Its id.
    pub id: String,
    /// The stages it opens.
    pub api_stages: Vec<PlanStage>,
    /// How fast each of its keys may be, in all.
    pub throttle: Option<Throttle>,
    /// How often each of its keys may be used in a period.
    pub quota: Option<Quota>,
    /// The ids of its keys, in the order in which they came. Filled by the control plane from the plan's keys.
    #[serde(skip)]
    pub key_ids: Vec<String>,
}

/// A stage of a usage plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanStage {
    /// The API's id.
    pub api_id: String,
    /// The stage's name.
    pub stage: String,
    /// Route key → how fast each key may be on it.
    pub throttle: Map<Throttle>,
}

/// A token bucket's two numbers. A number that a document leaves out bounds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Throttle {
    /// How many requests at once.
    pub burst_limit: u32,
    /// How many requests per second.
    pub rate_limit: f64,
}

impl Default for Throttle {
    fn default() -> Throttle {
        Throttle { burst_limit: u32::MAX, rate_limit: f64::INFINITY }
    }
}

/// How often a key may be used in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    /// Requests in a period.
    pub limit: u32,
    /// Requests taken off the first period.
    pub offset: u32,
    /// The period.
    pub period: Period,
}

/// The period of a quota; each begins at midnight UTC (a week on Sunday; inferred).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Period {
    /// A day.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// A calendar month.
    Month,
}

/// What a key used of a usage plan on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// Requests that were counted.
    pub used: u64,
    /// Requests that were left of the period's quota at the end of the day, or are left now.
    pub remaining: u64,
}

/// A client certificate, which the gateway shows to HTTPS backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM. Never leaves the program.
    pub private_key_pem: String,
}
