//! Custom domain names as v1 sees them: the same documents as v2's, in another form.
//!
//! Only regional ones: those of other kinds cannot lead to WebSocket APIs.

use serde_json::{Value, json};

use crate::crud::{self, Answer, Call};
use crate::documents::{item, text};
use crate::error::{self, Fault};
use crate::handlers::domain_names::DOMAIN_NAME;
use crate::members::{self, Member, MemberKind, Rule};
use crate::page::{self, Page};
use crate::patch;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

const ENDPOINT: &[Member] = &[
    Member::choice("ipAddressType", &["ipv4", "dualstack"]),
    Member::new("types", MemberKind::Texts, Rule::Replace),
    Member::new("vpcEndpointIds", MemberKind::Texts, Rule::Replace),
];

const MUTUAL_TLS: &[Member] = &[Member::text("truststoreUri", 1, 2048), Member::text("truststoreVersion", 1, 64)];

/// What v1 takes, in v1's names.
const MEMBERS: &[Member] = &[
    Member::text("certificateArn", 1, 2048),
    Member::refused("certificateBody", MemberKind::Any, error::CERTIFICATE_TEXT),
    Member::refused("certificateChain", MemberKind::Any, error::CERTIFICATE_TEXT),
    Member::text("certificateName", 1, 128),
    Member::refused("certificatePrivateKey", MemberKind::Any, error::CERTIFICATE_TEXT),
    Member::text("domainName", 1, 512).required().missing(error::DOMAIN_NAME),
    Member::refused("endpointAccessMode", MemberKind::Any, error::ACCESS_MODE),
    Member::new("endpointConfiguration", MemberKind::Object(ENDPOINT), Rule::Replace),
    Member::new("mutualTlsAuthentication", MemberKind::Object(MUTUAL_TLS), Rule::Replace),
    Member::text("ownershipVerificationCertificateArn", 1, 2048),
    Member::refused("policy", MemberKind::Any, error::PRIVATE),
    Member::text("regionalCertificateArn", 1, 2048),
    Member::text("regionalCertificateName", 1, 128),
    Member::choice(
        "routingMode",
        &["BASE_PATH_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_BASE_PATH_MAPPING"],
    ),
    Member::text("securityPolicy", 1, 128),
    Member::new("tags", MemberKind::TextMap { value_max: 256 }, Rule::Replace),
];

/// What v1 can patch. Source: documented, for regional domain names.
const PATHS: &[&str] = &[
    "/certificateArn",
    "/certificateName",
    "/endpointConfiguration/ipAddressType",
    "/mutualTlsAuthentication/truststoreUri",
    "/mutualTlsAuthentication/truststoreVersion",
    "/ownershipVerificationCertificateArn",
    "/regionalCertificateArn",
    "/regionalCertificateName",
    "/routingMode",
    "/securityPolicy",
];

/// v1's names of routing modes, and v2's.
const ROUTING_MODES: &[(&str, &str)] = &[
    ("BASE_PATH_MAPPING_ONLY", "API_MAPPING_ONLY"),
    ("ROUTING_RULE_ONLY", "ROUTING_RULE_ONLY"),
    ("ROUTING_RULE_THEN_BASE_PATH_MAPPING", "ROUTING_RULE_THEN_API_MAPPING"),
];

/// Creates a domain name.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let given = members::merge(MEMBERS, DOMAIN_NAME.noun, None, &call.body)?;
    let answer = crud::create(&DOMAIN_NAME, &with_body(call, as_v2(&given)?), tx)?;
    Ok(answer.as_ref().map(as_v1))
}

/// Answers a domain name.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, domain) = crud::find(&DOMAIN_NAME, call, tx)?;
    Ok(Some(as_v1(&domain)))
}

/// Answers a page of domain names. Nothing is shared by other accounts here.
pub(crate) fn list(call: &Call, tx: &mut Transaction) -> Answer {
    let page = Page::read(&page::V1, &call.query)?;
    let is_ours = call.query("resourceOwner") != Some("OTHER_ACCOUNTS");
    let domains = tx.after(paths::DOMAIN_NAMES, page.after).filter(|_| is_ours);
    Ok(Some(page.fill(domains.map(|(sequence, _, domain)| (sequence, Value::Object(as_v1(domain)))))))
}

/// Changes a domain name.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    let (_, _, current) = crud::find(&DOMAIN_NAME, call, tx)?;
    let mut domain = as_v1(&current);
    for step in patch::read(&call.body)? {
        patch::take(MEMBERS, PATHS, &mut domain, &step)?;
    }
    // A certificate is one and the same under both names; the one that a step changed counts.
    if domain.get("certificateArn").is_some_and(|arn| Some(arn) != as_v1(&current).get("certificateArn")) {
        domain.shift_remove("regionalCertificateArn");
    }
    members::settle(MEMBERS, DOMAIN_NAME.noun, &mut domain)?;
    let mut body = as_v2(&domain)?;
    // Absent members of a v2 body stay as they are; here an absent one was taken away.
    body.entry("mutualTlsAuthentication").or_insert_with(members::empty);
    let answer = crud::update(&DOMAIN_NAME, &with_body(call, body), tx)?;
    Ok(answer.as_ref().map(as_v1))
}

fn with_body<'a>(call: &Call<'a>, body: Document) -> Call<'a> {
    Call {
        settings: call.settings,
        now: call.now,
        params: call.params.clone(),
        query: Vec::new(),
        body,
        raw: call.raw,
        taken: call.taken,
    }
}

/// The body of v2's call that does the same.
fn as_v2(v1: &Document) -> Result<Document, Fault> {
    let endpoint = v1.get("endpointConfiguration").and_then(Value::as_object);
    let types = endpoint.and_then(|endpoint| endpoint.get("types")).and_then(Value::as_array);
    for kind in types.into_iter().flatten() {
        match kind.as_str() {
            Some("REGIONAL") => {}
            Some("EDGE") => return Err(error::bad_request(error::EDGE)),
            _ => return Err(error::bad_request(error::PRIVATE)),
        }
    }
    let first = |names: [&str; 2]| names.iter().find_map(|name| v1.get(*name)).cloned();
    let mut configuration = Document::new();
    for (member, value) in [
        ("certificateArn", first(["regionalCertificateArn", "certificateArn"])),
        ("certificateName", first(["regionalCertificateName", "certificateName"])),
        ("ipAddressType", endpoint.and_then(|endpoint| endpoint.get("ipAddressType")).cloned()),
        ("ownershipVerificationCertificateArn", v1.get("ownershipVerificationCertificateArn").cloned()),
    ] {
        if let Some(value) = value {
            configuration.insert(member.into(), value);
        }
    }
    configuration.insert("securityPolicy".into(), security_policy(text(v1, "securityPolicy"))?.into());
    let mut body = Document::new();
    body.insert("domainNameConfigurations".into(), json!([configuration]));
    for member in ["domainName", "mutualTlsAuthentication", "tags"] {
        if let Some(value) = v1.get(member) {
            body.insert(member.into(), value.clone());
        }
    }
    if let Some((_, mode)) = ROUTING_MODES.iter().find(|(mode, _)| *mode == text(v1, "routingMode")) {
        body.insert("routingMode".into(), (*mode).into());
    }
    Ok(body)
}

/// v1 has policies of newer kinds, which v2 cannot say.
fn security_policy(policy: &str) -> Result<&'static str, Fault> {
    match policy {
        "" | "TLS_1_2" => Ok("TLS_1_2"),
        "TLS_1_0" => Ok("TLS_1_0"),
        _ => Err(error::bad_request(error::SECURITY_POLICY)),
    }
}

fn as_v1(v2: &Document) -> Document {
    let mut v1 = Document::new();
    let configuration = item(v2, "domainNameConfigurations", 0).cloned().unwrap_or_default();
    let copies = [
        ("regionalDomainName", configuration.get("apiGatewayDomainName")),
        ("regionalHostedZoneId", configuration.get("hostedZoneId")),
        ("regionalCertificateArn", configuration.get("certificateArn")),
        ("regionalCertificateName", configuration.get("certificateName")),
        ("securityPolicy", configuration.get("securityPolicy")),
        ("domainNameStatus", configuration.get("domainNameStatus")),
        ("ownershipVerificationCertificateArn", configuration.get("ownershipVerificationCertificateArn")),
        ("domainName", v2.get("domainName")),
        ("domainNameArn", v2.get("domainNameArn")),
        ("mutualTlsAuthentication", v2.get("mutualTlsAuthentication")),
        ("tags", v2.get("tags")),
    ];
    for (member, value) in copies {
        if let Some(value) = value {
            v1.insert(member.into(), value.clone());
        }
    }
    let address = configuration.get("ipAddressType").cloned().unwrap_or_else(|| "ipv4".into());
    v1.insert("endpointConfiguration".into(), json!({"types": ["REGIONAL"], "ipAddressType": address}));
    if let Some((mode, _)) = ROUTING_MODES.iter().find(|(_, mode)| *mode == text(v2, "routingMode")) {
        v1.insert("routingMode".into(), (*mode).into());
    }
    v1
}
