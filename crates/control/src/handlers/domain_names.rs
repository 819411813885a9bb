//! Custom domain names. v1 sees the same documents in another form: `v1::domain_names`.

use serde_json::Value;

use super::tagged;
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule, arrange};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// The longest label of a host name, and the longest host name. Source: RFC 1035.
const LABEL_CHARS_MAX: usize = 63;

const NAME_CHARS_MAX: usize = 253;

/// One configuration: certificate and kind of endpoint. Members that tell of the endpoint are sent back by tools that
/// read, change and write; what they say is not taken.
const CONFIGURATION: &[Member] = &[
    Member::text("apiGatewayDomainName", 0, 512),
    Member::text("certificateArn", 1, 2048),
    Member::text("certificateName", 1, 128),
    Member::new("certificateUploadDate", MemberKind::Any, Rule::Ignored),
    Member::text("domainNameStatus", 0, 64),
    Member::text("domainNameStatusMessage", 0, 1024),
    Member::choice("endpointType", &["REGIONAL", "EDGE"]),
    Member::text("hostedZoneId", 0, 128),
    Member::choice("ipAddressType", &["ipv4", "dualstack"]),
    Member::text("ownershipVerificationCertificateArn", 1, 2048),
    Member::choice("securityPolicy", &["TLS_1_0", "TLS_1_2"]),
];

const MUTUAL_TLS: &[Member] = &[
    Member::text("truststoreUri", 1, 2048),
    Member::text("truststoreVersion", 1, 64),
    Member::new("truststoreWarnings", MemberKind::Any, Rule::Ignored),
];

pub(crate) static DOMAIN_NAME: Resource = Resource {
    noun: "DomainName",
    collection: paths::DOMAIN_NAMES,
    parent: None,
    id_member: "domainName",
    id: IdRule::Given(error::DOMAIN_NAME_TAKEN),
    members: &[
        Member::output("apiMappingSelectionExpression").or(|| "$request.basepath".into()),
        Member::text("domainName", 1, 512).fixed().required().missing(error::DOMAIN_NAME).invalid(error::DOMAIN_NAME),
        Member::output("domainNameArn"),
        Member::new("domainNameConfigurations", MemberKind::Objects(CONFIGURATION), Rule::Replace),
        Member::new("mutualTlsAuthentication", MemberKind::Object(MUTUAL_TLS), Rule::Replace),
        Member::choice("routingMode", &["API_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_API_MAPPING"])
            .or(|| "API_MAPPING_ONLY".into()),
        tagged::MEMBER,
    ],
    quota: Quota { name: "domain-names", get: |limits| limits.domain_names },
    paging: &page::V2,
    deployed: false,
    check,
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("domain name"),
};

fn check(subject: &Subject, tx: &mut Transaction, domain: &mut Document) -> Result<(), Fault> {
    let name = text(domain, "domainName").to_owned();
    if !is_domain_name(&name) {
        return Err(error::bad_request(error::DOMAIN_NAME));
    }
    tagged::check(domain)?;
    let region = &subject.call.settings.place.region;
    let arn = format!("arn:aws:apigateway:{region}::/domainnames/{name}");
    domain.insert("domainNameArn".into(), arn.into());
    let previous =
        subject.previous.and_then(|previous| crate::documents::item(previous, "domainNameConfigurations", 0));
    match domain.get_mut("domainNameConfigurations").and_then(Value::as_array_mut).map(Vec::as_mut_slice) {
        Some([Value::Object(configuration)]) => configure(configuration, previous, region)?,
        _ => return Err(error::bad_request(error::DOMAIN_CONFIGURATION)),
    }
    let has_mappings = tx.all(&paths::api_mappings(&name)).next().is_some();
    if has_mappings && domain.contains_key("mutualTlsAuthentication") {
        return Err(error::bad_request(error::MUTUAL_TLS));
    }
    Ok(())
}

/// Fills in what the caller left open and what is ours to say.
fn configure(configuration: &mut Document, previous: Option<&Document>, region: &str) -> Result<(), Fault> {
    for (member, default) in [("endpointType", "REGIONAL"), ("ipAddressType", "ipv4"), ("securityPolicy", "TLS_1_2")] {
        configuration.entry(member).or_insert_with(|| default.into());
    }
    if text(configuration, "securityPolicy") == "TLS_1_0" {
        return Err(error::bad_request(error::TLS_1_0));
    }
    if text(configuration, "endpointType") == "EDGE" {
        return Err(error::bad_request(error::EDGE));
    }
    let said = |member: &str| previous.and_then(|previous| previous.get(member)).cloned();
    let host = || Value::from(format!("d-{}.execute-api.{region}.amazonaws.com", ids::lower(ids::DOMAIN)));
    configuration.insert("apiGatewayDomainName".into(), said("apiGatewayDomainName").unwrap_or_else(host));
    configuration.insert("hostedZoneId".into(), said("hostedZoneId").unwrap_or_else(|| HOSTED_ZONE.into()));
    configuration.insert("domainNameStatus".into(), "AVAILABLE".into());
    configuration.shift_remove("domainNameStatusMessage");
    configuration.shift_remove("certificateUploadDate");
    *configuration = arrange(CONFIGURATION, std::mem::take(configuration));
    Ok(())
}

/// The DNS zone of regional endpoints. Ours: no zone of that id exists, as nobody's DNS is changed here.
const HOSTED_ZONE: &str = "Z00000000GATEWRIGHT";

/// A host name in lower case, of two labels or more; the first may be `*`. Source: documented, measured.
fn is_domain_name(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= NAME_CHARS_MAX && labels.contains('.') && labels.split('.').all(is_label)
}
