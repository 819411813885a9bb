//! What somebody may have meant who wrote a name that there is not.

/// How alike two names must be, from 0 to 1, for one to be offered for the other: `acton` and `action` are 0.95, `foo` and
/// anything else is not.
const ALIKE_MIN: f64 = 0.8;

/// The known name that is most like `name`, letters' case aside; `None` where none is.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let mut best = several(name, known, 1);
    best.pop()
}

/// Up to `most` of the known names that are most like `name`, the best first. A name that begins or ends with what was
/// written counts as like it, so that `timeout` finds `idle-timeout`.
pub fn several<'k>(name: &str, known: impl IntoIterator<Item = &'k str>, most: usize) -> Vec<&'k str> {
    let name = name.to_lowercase();
    let alike = |other: &'k str| {
        let lower = other.to_lowercase();
        let part = name.len() >= 3 && (lower.starts_with(&name) || lower.ends_with(&name));
        let alike = strsim::jaro_winkler(&name, &lower).max(if part { ALIKE_MIN } else { 0.0 });
        (alike >= ALIKE_MIN).then_some((alike, other))
    };
    let mut found: Vec<_> = known.into_iter().filter_map(alike).collect();
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().take(most).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_finds_the_one_that_is() {
        let known = ["connectionId", "identity.sourceIp", "requestTime", "stage", "idle-timeout", "close-timeout"];
        for (name, expected) in [
            ("connectonId", Some("connectionId")),
            ("connectionid", Some("connectionId")),
            ("identity.sourceIP", Some("identity.sourceIp")),
            ("idle-timout", Some("idle-timeout")),
            ("foo", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(several("timeout", known, 3), ["idle-timeout", "close-timeout"]);
    }
}
