//! The names that the Serverless Framework gives.

/// A name as a part of a logical id: `my-fn_a` is `MyDashfnUnderscorea`.
pub(super) fn normalized(name: &str) -> String {
    let name = name.replace('-', "Dash").replace('_', "Underscore");
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The id of a function.
pub(super) fn function(name: &str) -> String {
    format!("{}LambdaFunction", normalized(name))
}

/// The id of a function's permission.
pub(super) fn permission(name: &str) -> String {
    format!("{}LambdaPermissionWebsockets", normalized(name))
}

/// The id of a function's integration.
pub(super) fn integration(name: &str) -> String {
    format!("{}WebsocketsIntegration", normalized(name))
}

/// The id of an authorizer.
pub(super) fn authorizer(name: &str) -> String {
    format!("{}WebsocketsAuthorizer", normalized(name))
}

/// The id of a route: `$connect` is `SconnectWebsocketsRoute`.
pub(super) fn route(key: &str) -> String {
    let mut id = String::new();
    for character in key.chars() {
        match character {
            '$' => id.push('S'),
            '/' => id.push_str("Slash"),
            '-' => id.push_str("Dash"),
            '_' => id.push_str("Underscore"),
            '.' => id.push_str("Period"),
            other => id.push(other),
        }
    }
    id + "WebsocketsRoute"
}
