//! `Domain` of a WebSocket API: a domain name, its mappings, and the record that names it in Route 53.

use crate::digest::hash;
use crate::node::{Map, Node, Place, Value};

use super::checks::{is_text, some, truthy};
use super::{Made, Work, attribute, reference, resource, websocket};

/// The type of the domain name that is made.
pub(super) const TYPE: &str = "AWS::ApiGatewayV2::DomainName";

/// What is made of it for the API of an id.
pub(super) fn expand(api: &str, domain: &Node, work: &mut Work) -> Vec<Made> {
    let path = format!("Resources.{api}.Properties.Domain");
    let place = domain.place;
    let Some(settings) = domain.as_map() else {
        work.fault(format!("a domain is a map, not {}", domain.kind()), path, place);
        return Vec::new();
    };
    if let Some(tls) = truthy(settings, "MutualTlsAuthentication") {
        work.fault("a WebSocket API has no mutual TLS", path, tls.place);
        return Vec::new();
    }
    let (Some(name), Some(certificate)) = (some(settings, "DomainName"), some(settings, "CertificateArn")) else {
        work.fault("a domain needs both DomainName and CertificateArn", path, place);
        return Vec::new();
    };
    let mut configuration = Map::new();
    configuration.insert("CertificateArn".into(), certificate.clone());
    let endpoint = some(settings, "EndpointConfiguration");
    if endpoint.is_some_and(|endpoint| endpoint.as_str() != Some("REGIONAL")) {
        work.fault("the EndpointConfiguration of a domain is REGIONAL", path, place);
        return Vec::new();
    }
    configuration.insert("EndpointType".into(), endpoint.cloned().unwrap_or_else(|| Node::text("REGIONAL", place)));
    for setting in ["OwnershipVerificationCertificateArn", "SecurityPolicy"] {
        if let Some(value) = truthy(settings, setting) {
            configuration.insert(setting.into(), value.clone());
        }
    }
    let id = format!("ApiGatewayDomainNameV2{}", hash(name));
    let configurations = Node::list([Node { value: Value::Map(configuration), place }], place);
    let tags = Node::map([(websocket::TAG, Node::text("SAM", place))], place);
    let properties = [("DomainName", name.clone()), ("DomainNameConfigurations", configurations), ("Tags", tags)];
    let mut made = vec![(id.clone(), resource(TYPE, of(properties), place))];
    made.extend(mappings(api, &id, settings, place, &path, work));
    made.extend(record(&id, name, settings, &path, work));
    made
}

/// One mapping per base path, or one without.
fn mappings(api: &str, domain: &str, settings: &Map, place: Place, path: &str, work: &mut Work) -> Vec<Made> {
    let mapping = |id: String, key: Option<&str>| {
        let mut properties = of([
            ("ApiId", reference(api, place)),
            ("DomainName", reference(domain, place)),
            ("Stage", reference(&format!("{api}.Stage"), place)),
        ]);
        if let Some(key) = key {
            properties.insert("ApiMappingKey".into(), Node::text(key.trim_matches('/'), place));
        }
        (id, resource("AWS::ApiGatewayV2::ApiMapping", properties, place))
    };
    let paths = match truthy(settings, "BasePath") {
        Some(one) if is_text(one) => std::slice::from_ref(one),
        Some(Node { value: Value::List(paths), .. }) => paths.as_slice(),
        _ => return vec![mapping(format!("{api}ApiMapping"), None)],
    };
    let mut made = Vec::new();
    for base in paths {
        let Some(text) = base.as_str().filter(|_| is_text(base)) else {
            work.fault(format!("a base path is a text, not {}", base.kind()), format!("{path}.BasePath"), base.place);
            continue;
        };
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte)) {
            work.fault("a base path has letters, digits, -, _ and / only", format!("{path}.BasePath"), base.place);
            continue;
        }
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        made.push(mapping(format!("{api}{plain}ApiMapping"), Some(text)));
    }
    made
}

/// The record that names the domain. Nothing here serves DNS; it is made because AWS would make it.
fn record(domain: &str, name: &Node, settings: &Map, path: &str, work: &mut Work) -> Option<Made> {
    let route53 = some(settings, "Route53")?;
    let place = route53.place;
    let path = format!("{path}.Route53");
    let Some(zone) = route53.as_map() else {
        work.fault(format!("this is a map, not {}", route53.kind()), path, place);
        return None;
    };
    if some(zone, "HostedZoneId").is_none() && some(zone, "HostedZoneName").is_none() {
        work.fault("a record in Route 53 needs HostedZoneId or HostedZoneName", path, place);
        return None;
    }
    let set = |kind: &str| {
        let mut alias = Map::new();
        if let Some(health) = some(zone, "EvaluateTargetHealth") {
            alias.insert("EvaluateTargetHealth".into(), health.clone());
        }
        alias.insert("HostedZoneId".into(), attribute(domain, "RegionalHostedZoneId", place));
        alias.insert("DNSName".into(), attribute(domain, "RegionalDomainName", place));
        let alias = Node { value: Value::Map(alias), place };
        let mut set = of([("Name", name.clone()), ("Type", Node::text(kind, place)), ("AliasTarget", alias)]);
        for setting in ["Region", "SetIdentifier"] {
            if let Some(value) = some(zone, setting) {
                set.insert(setting.into(), value.clone());
            }
        }
        Node { value: Value::Map(set), place }
    };
    let mut sets = vec![set("A")];
    if some(zone, "IpV6").is_some_and(|v6| matches!(v6.value, Value::Plain(_)) && v6.as_bool() == Some(true)) {
        sets.push(set("AAAA"));
    }
    let identity = truthy(zone, "HostedZoneId").or_else(|| some(zone, "HostedZoneName"))?;
    let mut properties = Map::new();
    let named = if zone.contains_key("HostedZoneId") { "HostedZoneId" } else { "HostedZoneName" };
    if let Some(value) = some(zone, named) {
        properties.insert(named.into(), value.clone());
    }
    properties.insert("RecordSets".into(), Node::list(sets, place));
    let id = format!("RecordSetGroup{}", hash(identity));
    Some((id, resource("AWS::Route53::RecordSetGroup", properties, place)))
}

fn of<const N: usize>(members: [(&str, Node); N]) -> Map {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
