//! Settings from the environment: `GATEWRIGHT_LISTEN`, `GATEWRIGHT_LIMIT_IDLE_TIMEOUT`. A variable that is none of them is
//! an error, since a typing mistake would otherwise change nothing, in silence.

use types::limits::TABLE;
use types::nearest::nearest;

use crate::config::table::{self, Setting};

const PREFIX: &str = "GATEWRIGHT_";
const LIMIT: &str = "GATEWRIGHT_LIMIT_";

/// What our own tests and tools say to each other, and nothing to the program.
const OF_TESTS: &[&str] = &[
    "GATEWRIGHT_BIN",
    "GATEWRIGHT_BROWSER",
    "GATEWRIGHT_CDK",
    "GATEWRIGHT_CFN_LINT",
    "GATEWRIGHT_LAMBDA_RIC",
    "GATEWRIGHT_MINISTACK",
    "GATEWRIGHT_NO_BROWSER",
    "GATEWRIGHT_NO_PROXIES",
    "GATEWRIGHT_NODE_MODULES",
    "GATEWRIGHT_ORACLE_CLASSPATH",
    "GATEWRIGHT_OSLS",
    "GATEWRIGHT_SAM",
    "GATEWRIGHT_TERRAFORM_PROVIDERS",
];

/// What commands read that ask a running gateway.
const OF_COMMANDS: &[&str] = &["GATEWRIGHT_ENDPOINT"];

/// The variable of a setting, and what it holds; an empty one counts as none, as scripts expect.
pub(super) fn variable(name: &str) -> Option<(String, String)> {
    let variable = named(name);
    let value = std::env::var(&variable).ok().filter(|value| !value.trim().is_empty())?;
    Some((variable, value.trim().to_owned()))
}

/// `GATEWRIGHT_LISTEN` for `listen`.
pub(super) fn named(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('-', "_").to_uppercase())
}

/// Limits that have a variable of their own: limit, value, variable.
pub(super) fn limits() -> impl Iterator<Item = (&'static str, String, String)> {
    TABLE.iter().filter_map(|limit| {
        let (variable, value) = variable(&format!("limit-{}", limit.name))?;
        Some((limit.name, value, variable))
    })
}

/// Refuses variables that begin like ours and are none of the settings.
///
/// # Errors
/// Names the variable and the one that may have been meant.
pub(super) fn check() -> Result<(), String> {
    let known: Vec<String> = table::TABLE.iter().filter_map(Setting::option).map(named).collect();
    let given = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    let mut given: Vec<_> = given.collect();
    given.sort();
    given.iter().try_for_each(|(name, value)| check_one(name, value, &known))
}

fn check_one(name: &str, value: &str, known: &[String]) -> Result<(), String> {
    let limits = || TABLE.iter().map(|limit| named(&format!("limit-{}", limit.name)));
    let is_known = known.iter().any(|known| known == name)
        || OF_TESTS.contains(&name)
        || OF_COMMANDS.contains(&name)
        || limits().any(|limit| limit == name)
        || is_of_kubernetes(name, value);
    if is_known {
        return Ok(());
    }
    let limits: Vec<String> = limits().collect();
    let all = known.iter().chain(limits.iter().filter(|_| name.starts_with(LIMIT)));
    // What all begin with says nothing of how alike they are.
    let meant = match nearest(&name[PREFIX.len()..], all.filter_map(|known| known.strip_prefix(PREFIX))) {
        Some(meant) => format!("; did you mean {PREFIX}{meant}?"),
        None => "; `gatewright config` lists all settings".to_owned(),
    };
    Err(format!("environment: {name} is no setting{meant}"))
}

// A service that is called gatewright puts these into every container beside it, whoever asked for them. Source:
// documented ("Discovering services", environment variables).
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let address = value.starts_with("tcp://") || value.starts_with("udp://");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT") && address
        || name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_none_of_ours_is_refused_with_the_nearest() {
        let known = ["listen", "log-level", "limit"].map(named);
        for (name, value, told) in [
            ("GATEWRIGHT_LISTEN", "x", None),
            ("GATEWRIGHT_LISTN", "x", Some("did you mean GATEWRIGHT_LISTEN?")),
            ("GATEWRIGHT_LIMIT_IDLE_TIMEOUT", "1s", None),
            ("GATEWRIGHT_LIMIT_IDLE_TIMOUT", "1s", Some("did you mean GATEWRIGHT_LIMIT_IDLE_TIMEOUT?")),
            ("GATEWRIGHT_ZZZ", "1", Some("`gatewright config` lists all settings")),
            ("GATEWRIGHT_BIN", "x", None),
            ("GATEWRIGHT_SERVICE_HOST", "10.0.0.1", None),
            ("GATEWRIGHT_SERVICE_PORT_HTTP", "80", None),
            ("GATEWRIGHT_PORT", "tcp://10.0.0.1:80", None),
            ("GATEWRIGHT_PORT", "4510", Some("GATEWRIGHT_PORT is no setting")),
            ("GATEWRIGHT_ADMIN_PORT_80_TCP_ADDR", "10.0.0.1", None),
        ] {
            let result = check_one(name, value, &known);
            match told {
                None => assert_eq!(result, Ok(()), "{name}"),
                Some(told) => assert!(result.as_ref().is_err_and(|text| text.contains(told)), "{name}: {result:?}"),
            }
        }
    }
}
