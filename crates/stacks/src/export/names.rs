//! Names for resources: readable, of letters and digits, and each given once.

use std::collections::HashSet;

/// How many characters of a text come into a name. A logical id has room for 255.
const WORDS_CHARS_MAX: usize = 60;

/// The names that are given away.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name, or the first one with a number behind it that is free.
    pub(super) fn unique(&mut self, name: String, between: &str) -> String {
        let mut number = 1;
        let mut free = name.clone();
        while !self.0.insert(free.clone()) {
            number += 1;
            free = format!("{name}{between}{number}");
        }
        free
    }
}

/// The words of a text: runs of letters and digits, divided where a capital follows a small letter too.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut before, mut count) = (' ', 0);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() && count < WORDS_CHARS_MAX {
            let is_new = !before.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && c.is_ascii_uppercase());
            match words.last_mut().filter(|_| !is_new) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
            count += 1;
        }
        before = c;
    }
    words
}

/// `$connect` is `Connect`, `chat-api` is `ChatApi`.
pub(super) fn capitalised(text: &str) -> String {
    let capital = |word: String| word[..1].to_ascii_uppercase() + &word[1..];
    words(text).into_iter().map(capital).collect()
}

/// `sendMessage` is `send_message`.
pub(super) fn snake(text: &str) -> String {
    words(text).join("_").to_ascii_lowercase()
}

/// A name with what it names behind it, where it does not end so already.
pub(super) fn ending(name: &str, noun: &str) -> String {
    if name.ends_with(noun) { name.to_owned() } else { format!("{name}{noun}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_put_together() {
        for (text, capital, small) in [
            ("$connect", "Connect", "connect"),
            ("chat-api", "ChatApi", "chat_api"),
            ("sendMessage", "SendMessage", "send_message"),
            ("/2\\d\\d/", "2DD", "2_d_d"),
            ("HTTPServer", "HTTPServer", "httpserver"),
            ("grüße 🙂", "GrE", "gr_e"),
            ("🙂", "", ""),
        ] {
            assert_eq!((capitalised(text).as_str(), snake(text).as_str()), (capital, small), "{text}");
        }
        assert!(capitalised(&"a".repeat(1024)).len() <= WORDS_CHARS_MAX);
        assert_eq!((ending("ChatApi", "Api"), ending("Chat", "Api")), ("ChatApi".into(), "ChatApi".into()));
    }

    #[test]
    fn a_name_is_given_once() {
        let mut names = Names::default();
        let given: Vec<String> = (0..3).map(|_| names.unique("Route".into(), "")).collect();
        assert_eq!(given, ["Route", "Route2", "Route3"]);
    }
}
