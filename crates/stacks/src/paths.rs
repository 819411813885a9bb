//! Paths below a folder.

/// The path of something below a folder, without `.` and `..`; none where it leads out of it.
pub(crate) fn inside(path: &str) -> Option<String> {
    let path = path.trim();
    if path.is_empty() || path.starts_with(['/', '~', '\\']) || path.contains([':', '\\', '\0']) {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/")).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_folder() {
        for (path, expected) in [
            ("a/b.yml", Some("a/b.yml")),
            ("./a/./../b.yml", Some("b.yml")),
            ("a/../../b", None),
            ("/etc/passwd", None),
            ("~/x", None),
            ("C:\\x", None),
            ("a\\..\\b", None),
            ("a/..", None),
            ("", None),
        ] {
            assert_eq!(inside(path).as_deref(), expected, "{path}");
        }
    }
}
