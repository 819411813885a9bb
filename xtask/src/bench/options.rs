//! Reads `--name value` options.

use std::path::PathBuf;
use std::str::FromStr;

use crate::Usage;

/// The options of one bench, taken one by one; what is left over at the end was a mistake.
pub(crate) struct Options {
    words: Vec<String>,
}

impl Options {
    pub(crate) fn new(words: &[String]) -> Options {
        Options { words: words.to_vec() }
    }

    /// The value of option `name`, or `default` where it was not given.
    ///
    /// # Errors
    /// Wrong usage, when it has no value or one that does not parse.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str, default: T) -> anyhow::Result<T> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The value of option `name`, if it was given.
    ///
    /// # Errors
    /// As for [`Options::value`].
    pub(crate) fn optional<T: FromStr>(&mut self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            return Err(Usage::error(format!("{name} needs a value")));
        }
        let value = self.words.remove(at + 1);
        self.words.remove(at);
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Usage::error(format!("{name} cannot be `{value}`"))),
        }
    }

    /// True when `name`, which takes no value, was given.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// The program to measure, if one was named.
    ///
    /// # Errors
    /// As for [`Options::value`].
    pub(crate) fn bin(&mut self) -> anyhow::Result<Option<PathBuf>> {
        self.optional("--bin")
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Wrong usage, when a word is left that nothing asked for.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        match self.words.first() {
            Some(word) => Err(Usage::error(format!("`{word}` is no option here"))),
            None => Ok(()),
        }
    }
}

/// `value`, when it lies in `range`.
///
/// # Errors
/// Wrong usage, when it does not.
pub(crate) fn within<T>(name: &str, value: T, range: std::ops::RangeInclusive<T>) -> anyhow::Result<T>
where
    T: PartialOrd + std::fmt::Display,
{
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Usage::error(format!("{name} must be from {} to {}, not {value}", range.start(), range.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        Options::new(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_come_in_any_order_and_have_defaults() {
        let mut options = options("--json --size 256");
        assert_eq!(options.value("--size", 128).unwrap(), 256);
        assert_eq!(options.value("--rounds", 3).unwrap(), 3);
        assert!(options.flag("--json") && !options.flag("--json"));
        assert!(options.end().is_ok());
    }

    #[test]
    fn mistakes_are_wrong_usage() {
        assert!(options("--size").value("--size", 1).unwrap_err().is::<Usage>());
        assert!(options("--size x").value("--size", 1).unwrap_err().is::<Usage>());
        assert!(options("--sise 1").end().unwrap_err().is::<Usage>());
        assert!(within("--rounds", 0, 3..=99).unwrap_err().is::<Usage>());
        assert_eq!(within("--rounds", 3, 3..=99).unwrap(), 3);
    }
}
