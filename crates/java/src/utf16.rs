//! Places in a string counted in UTF-16 units, as Java counts them. Texts of ASCII, which most are, need no counting.

/// `String.length`: how many units.
pub fn len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// `String.substring`: the units from `from` to `to`, both within the length; half a pair is `?`, as Java writes it out.
pub fn slice(text: &str, from: usize, to: usize) -> String {
    if text.is_ascii() {
        return text.get(from..to).unwrap_or_default().to_owned();
    }
    let units = text.encode_utf16().skip(from).take(to - from);
    char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect()
}

/// The byte at which the unit `index` begins; of the second half of a pair, where the next character begins.
pub fn byte_at(text: &str, index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= index {
            return at;
        }
        units += c.len_utf16();
    }
    text.len()
}

/// How many units stand before the byte `at`, where a character begins.
pub fn index_at(text: &str, at: usize) -> usize {
    len(&text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_pairs_twice() {
        let text = "aü😀b";
        assert_eq!((len(text), len("abc")), (5, 3));
        assert_eq!(
            (slice(text, 1, 4), slice(text, 0, 3), slice("abc", 1, 2)),
            ("ü😀".into(), "aü?".into(), "b".into())
        );
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(|index| byte_at(text, index)), [0, 1, 3, 7, 7, 8, 8]);
        assert_eq!([0, 1, 3, 7, 8].map(|at| index_at(text, at)), [0, 1, 2, 4, 5]);
    }
}
