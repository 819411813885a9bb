//! What an import leaves on AWS, and what to do about each.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::import_aws::read::{Found, text};
use crate::import_aws::write;

/// A line for each; empty where nothing is left.
pub(super) fn told(found: &Found) -> String {
    let lines: Vec<String> = [functions, services, links, roles, times, certificates, domains, stages, always]
        .iter()
        .flat_map(|look| look(found))
        .chain(found.unread.iter().map(|what| format!("not read: {what}")))
        .collect();
    let mut text = "Left on AWS:\n".to_owned();
    lines.iter().for_each(|line| text += &format!("  - {line}\n"));
    text
}

fn uris(found: &Found) -> impl Iterator<Item = &str> {
    let integrations = found.integrations.iter().map(|one| text(&one.own, "integrationUri"));
    integrations.chain(found.authorizers.iter().map(|one| text(one, "authorizerUri")))
}

fn functions(found: &Found) -> Vec<String> {
    let name = |uri: &str| {
        let (_, rest) = uri.split_once(":function:")?;
        Some(rest.split('/').next().unwrap_or_default().to_owned())
    };
    let names: BTreeSet<String> = uris(found).filter_map(name).collect();
    let tell = |name: String| {
        let bare = name.split(':').next().unwrap_or_default().to_owned();
        format!(
            "function {name}: its code (aws lambda get-function --function-name {bare} --query Code.Location). Run it here \
             with [functions.{bare}] in gatewright.toml, or there with --lambda-endpoint aws"
        )
    };
    names.into_iter().map(tell).collect()
}

fn services(found: &Found) -> Vec<String> {
    let service = |uri: &str| {
        let rest = uri.strip_prefix("arn:")?.split_once(":apigateway:")?.1;
        let service = rest.split(':').nth(1)?;
        (service != "lambda").then(|| service.to_owned())
    };
    let names: BTreeSet<String> = uris(found).filter_map(service).collect();
    names
        .into_iter()
        .map(|name| format!("service {name}: say where it is with --aws-endpoint aws or [services.{name}]"))
        .collect()
}

fn links(found: &Found) -> Vec<String> {
    let ids: BTreeSet<&str> = found.integrations.iter().map(|one| text(&one.own, "connectionId")).collect();
    let some = ids.into_iter().filter(|id| !id.is_empty());
    some.map(|id| format!("VPC link {id}: say where it leads with [vpc-links.{id}] and targets in gatewright.toml"))
        .collect()
}

fn roles(found: &Found) -> Vec<String> {
    let roles: BTreeSet<&str> = found.integrations.iter().map(|one| text(&one.own, "credentialsArn")).collect();
    let some = roles.into_iter().filter(|role| !role.is_empty());
    some.map(|role| {
        format!("role {role}: its trust policy must name whose key this gateway signs with (docs/services.md)")
    })
    .collect()
}

fn times(found: &Found) -> Vec<String> {
    let slow = found.integrations.iter().map(|one| &one.own).filter(|own| write::slow(own));
    slow.map(|own| format!("time-out of {} for {}: 29000 here", own["timeoutInMillis"], text(own, "integrationUri")))
        .collect()
}

fn certificates(found: &Found) -> Vec<String> {
    let ids: BTreeSet<&str> = found.stages.iter().map(|stage| text(stage, "clientCertificateId")).collect();
    let some = ids.into_iter().filter(|id| !id.is_empty());
    some.map(|id| {
        format!("client certificate {id}: AWS keeps its private key; make another here and have backends trust it")
    })
    .collect()
}

fn domains(found: &Found) -> Vec<String> {
    let tell = |domain: &String| format!("domain name {domain}: certificate, mapping and DNS (docs/leaving-aws.md)");
    found.domains.iter().map(tell).collect()
}

fn stages(found: &Found) -> Vec<String> {
    let tell = |stage: &Value| {
        let name = text(stage, "stageName");
        if text(stage, "deploymentId").is_empty() {
            return Some(format!("stage {name} has no deployment there, and so none here"));
        }
        let goes_to_aws = !text(&stage["accessLogSettings"], "destinationArn").is_empty();
        goes_to_aws
            .then(|| format!("access log of {name}: here it goes where --access-log says, and not to CloudWatch"))
    };
    found.stages.iter().filter_map(tell).collect()
}

fn always(_: &Found) -> Vec<String> {
    vec![
        "edits that were not deployed there: what was read is the API as it is edited, and that is deployed here"
            .to_owned(),
        "ids of routes, integrations and authorizers: they are new here; the API's own is the same".to_owned(),
        "open connections, old deployments, metrics, logs, web ACLs of AWS WAF".to_owned(),
    ]
}
