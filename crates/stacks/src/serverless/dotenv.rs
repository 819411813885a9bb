//! `.env` beside a service, which `useDotenv: true` asks for.

use indexmap::IndexMap;

/// How many names one has, at most.
const NAMES_MAX: usize = 1_000;
/// The longest value once those in it are put in.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The values of a file of lines `NAME=value`. Those of `environment` count before them, also inside of others: `$NAME` and
/// `${NAME}` in a value are what they name.
pub(super) fn read(text: &str, environment: &IndexMap<String, String>) -> IndexMap<String, String> {
    let mut values: IndexMap<String, String> = IndexMap::new();
    for line in text.lines().take(NAMES_MAX) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            continue;
        }
        let value =
            expanded(&unquoted(value.trim()), |name| environment.get(name).or_else(|| values.get(name)).cloned());
        values.insert(name.to_owned(), environment.get(name).cloned().unwrap_or(value));
    }
    values
}

/// A value without its quotes, or without the comment behind it.
fn unquoted(value: &str) -> String {
    for quote in ['\'', '"', '`'] {
        if let Some(inside) = value.strip_prefix(quote)
            && let Some(end) = inside.find(quote)
        {
            let inside = &inside[..end];
            return if quote == '"' { inside.replace("\\n", "\n").replace("\\r", "\r") } else { inside.to_owned() };
        }
    }
    value.split('#').next().unwrap_or_default().trim_end().to_owned()
}

fn expanded(value: &str, look: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, behind) = (&rest[..at], &rest[at + 1..]);
        if let Some(before) = before.strip_suffix('\\') {
            expanded.push_str(before);
            expanded.push('$');
            rest = behind;
            continue;
        }
        expanded.push_str(before);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let braced = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, after) = match braced {
            Some((name, after)) => (name, after),
            None => behind.split_at(behind.find(|c| !is_name(c)).unwrap_or(behind.len())),
        };
        let (name, otherwise) = name.split_once(":-").or_else(|| name.split_once('-')).unwrap_or((name, ""));
        if name.is_empty() {
            expanded.push('$');
            rest = behind;
        } else {
            expanded.push_str(&look(name).unwrap_or_else(|| otherwise.to_owned()));
            rest = after;
        }
        if expanded.len() > VALUE_BYTES_MAX {
            return String::new();
        }
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_dotenv_reads_them() {
        let environment =
            IndexMap::from_iter([("HOME".to_owned(), "h".to_owned()), ("SET".to_owned(), "outside".to_owned())]);
        let text = "# a comment\nA=1\nexport B = two words # more\nC='a # b'\nD=\"x\\ny\"\nSET=inside\nE=$A-${HOME}-${NO:-no}-\\$A\nnot a line\nF=\n=x\nG=a=b\n";
        let values = read(text, &environment);
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # b"),
            ("D", "x\ny"),
            ("SET", "outside"),
            ("E", "1-h-no-$A"),
            ("F", ""),
            ("G", "a=b"),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, expected);
        // Each line twice the one before.
        let bomb: String = (1..60).map(|n| format!("V{n}=$V{}$V{}\n", n - 1, n - 1)).collect();
        let values = read(&format!("V0=xxxxxxxx\n{bomb}"), &environment);
        assert!(values.values().all(|value| value.len() <= VALUE_BYTES_MAX + 1));
    }
}
