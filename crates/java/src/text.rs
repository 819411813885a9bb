//! What every Java string has: its hash, and its ends without blanks.

/// `String.hashCode`: over the UTF-16 units.
pub fn hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `String.trim`: everything up to the blank goes, at both ends; what Unicode calls a space stays.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        for (text, expected) in
            [("", 0), ("a", 97), ("hello", 99_162_322), ("😀", 1_772_899), ("polygenelubricants", i32::MIN)]
        {
            assert_eq!(hash_code(text), expected, "{text}");
        }
    }

    #[test]
    fn trimming_takes_control_characters_and_no_other_spaces() {
        assert_eq!(trim("\u{0}\t a b\u{1f}\n"), "a b");
        assert_eq!(trim("\u{a0}a\u{2003}"), "\u{a0}a\u{2003}");
    }
}
