//! The environment, as far as credentials are looked for by it: the program's own, or a test's.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

/// How variables are looked up.
#[derive(Clone)]
pub(crate) struct Environment(Arc<LookUp>);

impl Environment {
    /// The program's.
    pub(crate) fn of_process() -> Environment {
        Environment(Arc::new(|name| std::env::var(name).ok()))
    }

    /// The same for somebody who names a profile: what else would say who they are is not there.
    pub(super) fn of_profile(self, profile: Option<&str>) -> Environment {
        let Some(profile) = profile.map(str::to_owned) else { return self };
        const OTHERS: [&str; 4] =
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
        Environment(Arc::new(move |name| match name {
            "AWS_PROFILE" => Some(profile.clone()),
            _ if OTHERS.contains(&name) => None,
            _ => (self.0)(name),
        }))
    }

    /// A test's.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(variables: [(&str, &str); N]) -> Environment {
        let variables: Vec<_> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Environment(Arc::new(move |name| {
            variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
        }))
    }

    /// A variable; an empty one counts as none.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// Why not, without what the file holds.
pub(super) fn read(path: &str, bytes_max: u64) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > bytes_max => Err(format!("is larger than {bytes_max} bytes")),
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err("is not there".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
