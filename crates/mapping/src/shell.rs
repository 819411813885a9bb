//! Words of a command for a shell: names that others choose must not steer the shell of whoever copies our commands.

use std::borrow::Cow;

/// What a shell takes as it stands.
const PLAIN: &str = "_-./:=,@%+";

/// The text as one word of a POSIX shell's command line: as it is where that is safe, else in single quotes.
///
/// Control characters, which a terminal would act on when the command is pasted, become `?`.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let shown: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Cow::Owned(format!("'{}'", shown.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_shell_takes_each_for_one_word_and_does_nothing_of_it() {
        for (text, word) in [
            ("join", "join"),
            ("route.request.header.X-Id", "route.request.header.X-Id"),
            ("", "''"),
            ("$default", "'$default'"),
            ("*.example.com", "'*.example.com'"),
            ("a;touch /tmp/x", "'a;touch /tmp/x'"),
            ("a'; rm -rf ~; '", r"'a'\''; rm -rf ~; '\'''"),
            ("`id`$(id)", "'`id`$(id)'"),
            ("a\nb\u{1b}[2J", "'a?b?[2J'"),
            ("größe", "'größe'"),
        ] {
            assert_eq!(shell_word(text), word, "{text}");
        }
    }
}
