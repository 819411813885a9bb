//! Client certificates: made here, shown to HTTPS backends of the stages that name them.

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::Value;
use types::time::Timestamp;

use super::DESCRIPTION_CHARS_MAX;
use crate::crud::{Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::handlers::tagged;
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::patch::{self, Patch};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// How long a certificate is good. Source: documented ("365 days").
const DAYS: u64 = 365;

/// The member that no answer carries.
const PRIVATE_KEY: &str = "privateKeyPem";

pub(crate) static CLIENT_CERTIFICATE: Resource = Resource {
    noun: "Client Certificate",
    collection: paths::CLIENT_CERTIFICATES,
    parent: None,
    id_member: "clientCertificateId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::output("clientCertificateId"),
        Member::new("createdDate", MemberKind::Number, Rule::Output),
        Member::text("description", 0, DESCRIPTION_CHARS_MAX),
        Member::new("expirationDate", MemberKind::Number, Rule::Output),
        Member::output("pemEncodedCertificate"),
        Member::output(PRIVATE_KEY),
        tagged::MEMBER,
    ],
    quota: Quota { name: "client-certificates", get: |limits| limits.client_certificates },
    paging: &page::V1,
    deployed: false,
    check,
    before_delete,
    present: |_, certificate| {
        let mut certificate = certificate.clone();
        certificate.shift_remove(PRIVATE_KEY);
        certificate
    },
    absent: |_, _| error::no_such("Client Certificate"),
};

const PATCH: Patch = Patch { resource: &CLIENT_CERTIFICATE, paths: &["/description"], special: patch::nothing_special };

/// Changes a client certificate.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    patch::update(&PATCH, call, tx)
}

fn check(subject: &Subject, _: &mut Transaction, certificate: &mut Document) -> Result<(), Fault> {
    tagged::check(certificate)?;
    if subject.previous.is_some() {
        return Ok(());
    }
    let end = Timestamp(subject.call.now.0 + DAYS * 86_400_000);
    let (pem, private_key) = generate(subject.id, subject.call.now, end)
        .map_err(|error| error::internal(format!("The certificate could not be made: {error}")))?;
    certificate.insert("createdDate".into(), subject.call.seconds());
    certificate.insert("expirationDate".into(), Value::from(end.days() * 86_400));
    certificate.insert("pemEncodedCertificate".into(), pem.into());
    certificate.insert(PRIVATE_KEY.into(), private_key.into());
    Ok(())
}

/// A self-signed certificate, good from the day of `start` to the day of `end`: certificate and private key, PEM.
fn generate(id: &str, start: Timestamp, end: Timestamp) -> Result<(String, String), rcgen::Error> {
    let date = |time: Timestamp| {
        let (year, month, day) = time.date();
        date_time_ymd(year, month, day)
    };
    let mut params = CertificateParams::default();
    params.not_before = date(start);
    params.not_after = date(end);
    params.distinguished_name.push(DnType::CommonName, "ApiGateway");
    params.distinguished_name.push(DnType::OrganizationalUnitName, id);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    for (api_id, _) in tx.all(paths::APIS) {
        let stages = paths::stages(api_id);
        let user = tx.all(&stages).find(|(_, stage)| text(stage, "clientCertificateId") == subject.id);
        if let Some((name, _)) = user {
            return Err(error::certificate_in_use(subject.id, api_id, name));
        }
    }
    Ok(())
}
