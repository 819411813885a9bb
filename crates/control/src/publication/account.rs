//! From documents to what the data plane reads of the account: domain names, VPC links, keys, plans, certificates.

use types::StageKey;
use types::account::{Account, ClientCertificate, DomainName, UsagePlan};
use types::resources::Map;

use super::parse;
use crate::documents::{item, text};
use crate::error::Error;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// The collections that the account is made of, and what is below them.
const ROOTS: &[&str] =
    &[paths::API_KEYS, paths::CLIENT_CERTIFICATES, paths::DOMAIN_NAMES, paths::USAGE_PLANS, paths::VPC_LINKS];

/// Whether a call changed a document that the account is made of.
pub(super) fn may_have_changed(tx: &Transaction) -> bool {
    tx.changed().any(|(collection, _)| ROOTS.contains(&collection.split('/').next().unwrap_or_default()))
}

/// The whole account.
///
/// # Errors
/// When a document is not what this program writes.
pub(super) fn build(tx: &Transaction) -> Result<Account, Error> {
    let mut account = Account::default();
    for (name, domain) in tx.all(paths::DOMAIN_NAMES) {
        account.domain_names.insert(name.to_owned(), domain_name(tx, name, domain));
    }
    for (id, link) in tx.all(paths::VPC_LINKS) {
        account.vpc_links.insert(id.to_owned(), parse(&format!("{}/{id}", paths::VPC_LINKS), link)?);
    }
    for (id, key) in tx.all(paths::API_KEYS) {
        account.api_keys.insert(id.to_owned(), parse(&format!("{}/{id}", paths::API_KEYS), key)?);
    }
    for (id, plan) in tx.all(paths::USAGE_PLANS) {
        let mut plan: UsagePlan = parse(&format!("{}/{id}", paths::USAGE_PLANS), plan)?;
        plan.key_ids = tx.all(&paths::plan_keys(id)).map(|(key, _)| key.to_owned()).collect();
        account.usage_plans.insert(id.to_owned(), plan);
    }
    for (id, certificate) in tx.all(paths::CLIENT_CERTIFICATES) {
        let certificate = ClientCertificate {
            certificate_pem: text(certificate, "pemEncodedCertificate").to_owned(),
            private_key_pem: text(certificate, "privateKeyPem").to_owned(),
        };
        account.client_certificates.insert(id.to_owned(), certificate);
    }
    Ok(account)
}

fn domain_name(tx: &Transaction, name: &str, domain: &Document) -> DomainName {
    let configuration = item(domain, "domainNameConfigurations", 0);
    let certificate_arn = configuration.map(|configuration| text(configuration, "certificateArn"));
    let mut mappings = Map::new();
    // Where only routing rules count, and there are none, a mapping leads nowhere. Source: documented.
    if text(domain, "routingMode") != "ROUTING_RULE_ONLY" {
        for (_, mapping) in tx.all(&paths::api_mappings(name)) {
            let stage =
                StageKey { api_id: text(mapping, "apiId").to_owned(), stage: text(mapping, "stage").to_owned() };
            mappings.insert(text(mapping, "apiMappingKey").to_owned(), stage);
        }
    }
    DomainName { certificate_arn: certificate_arn.filter(|arn| !arn.is_empty()).map(str::to_owned), mappings }
}
