//! `Globals`: what a template says to all of SAM's resources of a kind.

use crate::fault::Fault;
use crate::node::{Map, Node, Value};
use crate::weight::{Room, too_much};

/// What may stand there, per kind. Source: the translator 1.115's own list.
const SUPPORTED: &[(&str, &[&str])] = &[
    (
        "Function",
        &[
            "Handler",
            "Runtime",
            "CodeUri",
            "DeadLetterQueue",
            "Description",
            "MemorySize",
            "Timeout",
            "VpcConfig",
            "Environment",
            "Tags",
            "PropagateTags",
            "Tracing",
            "KmsKeyArn",
            "AutoPublishAlias",
            "AutoPublishAliasAllProperties",
            "Layers",
            "DeploymentPreference",
            "RolePath",
            "PermissionsBoundary",
            "ReservedConcurrentExecutions",
            "ProvisionedConcurrencyConfig",
            "AssumeRolePolicyDocument",
            "EventInvokeConfig",
            "FileSystemConfigs",
            "CodeSigningConfigArn",
            "Architectures",
            "SnapStart",
            "EphemeralStorage",
            "FunctionUrlConfig",
            "RuntimeManagementConfig",
            "LoggingConfig",
            "RecursiveLoop",
            "SourceKMSKeyArn",
            "TenancyConfig",
            "DurableConfig",
            "CapacityProviderConfig",
            "FunctionScalingConfig",
            "PublishToLatestPublished",
            "VersionDeletionPolicy",
        ],
    ),
    (
        "WebSocketApi",
        &[
            "AccessLogSettings",
            "ApiKeySelectionExpression",
            "DefaultRouteSettings",
            "DisableExecuteApiEndpoint",
            "DisableSchemaValidation",
            "Domain",
            "FailOnWarnings",
            "IpAddressType",
            "PropagateTags",
            "RouteSelectionExpression",
            "RouteSettings",
            "StageVariables",
            "Tags",
        ],
    ),
];
/// Kinds that are not expanded here; what is said to them is not looked at.
const OTHERS: &[&str] = &[
    "Api",
    "CapacityProvider",
    "HttpApi",
    "LayerVersion",
    "MicrovmImage",
    "NetworkConnector",
    "SimpleTable",
    "StateMachine",
];
/// The lists that are replaced rather than appended to.
const REPLACED: &[&str] = &["Architectures"];

/// What is said, per kind.
#[derive(Debug, Default)]
pub(super) struct Globals {
    kinds: Vec<(String, Map)>,
}

/// Reads the section.
pub(super) fn read(document: &Node, faults: &mut Vec<Fault>) -> Globals {
    let mut globals = Globals::default();
    let Some(section) = document.get("Globals") else { return globals };
    let Some(kinds) = section.as_map() else {
        faults.push(Fault::new(format!("Globals are a map, not {}", section.kind()), "Globals", section.place));
        return globals;
    };
    for (kind, said) in kinds {
        let path = format!("Globals.{kind}");
        let supported = SUPPORTED.iter().find(|(name, _)| name == kind).map(|(_, supported)| *supported);
        if supported.is_none() && !OTHERS.contains(&kind.as_str()) {
            let known: Vec<_> = SUPPORTED.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).collect();
            let message = format!("Globals know no resources of the kind {kind:?}; they know {}", known.join(", "));
            faults.push(Fault::new(message, path, said.place));
            continue;
        }
        let Some(map) = said.as_map() else {
            faults.push(Fault::new(format!("this is a map, not {}", said.kind()), path, said.place));
            continue;
        };
        for (name, value) in map {
            if supported.is_some_and(|supported| !supported.contains(&name.as_str())) {
                let message = format!("Globals cannot say {name} to resources of the kind {kind}");
                faults.push(Fault::new(message, format!("{path}.{name}"), value.place));
            }
        }
        globals.kinds.push((kind.clone(), map.clone()));
    }
    globals
}

impl Globals {
    /// A resource's own properties with what is said to all of its kind.
    ///
    /// # Errors
    /// A sentence: `IgnoreGlobals` that names nothing, or more than there is room for.
    pub(super) fn merged(&self, kind: &str, own: &Map, resource: &Node, room: &mut Room) -> Result<Map, String> {
        let Some((_, said)) = self.kinds.iter().find(|(name, _)| name == kind) else { return Ok(own.clone()) };
        let mut said = said.clone();
        match resource.get("IgnoreGlobals").map(|ignored| (ignored, &ignored.value)) {
            None | Some((_, Value::Null)) => {}
            Some((ignored, _)) if ignored.as_str() == Some("*") => return Ok(own.clone()),
            Some((_, Value::List(names))) => {
                for name in names {
                    let name = name.as_str().ok_or("IgnoreGlobals has names only")?;
                    if said.shift_remove(name).is_none() {
                        return Err(format!("IgnoreGlobals names {name:?}, which Globals do not say"));
                    }
                }
            }
            Some(_) => return Err("IgnoreGlobals is \"*\" or a list of names".into()),
        }
        let said = Node::nowhere(Value::Map(said));
        if !room.take(&said) {
            return Err(too_much());
        }
        let own = Node::nowhere(Value::Map(own.clone()));
        match merge(&said, &own, "").value {
            Value::Map(map) => Ok(map),
            _ => Ok(Map::new()),
        }
    }
}

/// Maps are merged, lists appended, and everything else is the resource's own. A function is not a map here.
fn merge(said: &Node, own: &Node, name: &str) -> Node {
    let value = match (&said.value, &own.value) {
        (Value::Map(_), Value::Map(_)) if said.as_function().is_some() || own.as_function().is_some() => {
            return own.clone();
        }
        (Value::Map(said), Value::Map(own)) => {
            let mut merged = said.clone();
            for (name, value) in own {
                let value = match said.get(name) {
                    Some(said) => merge(said, value, name),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Map(merged)
        }
        (Value::List(said), Value::List(own)) if !REPLACED.contains(&name) => {
            Value::List(said.iter().chain(own).cloned().collect())
        }
        _ => return own.clone(),
    };
    Node { value, place: own.place }
}
