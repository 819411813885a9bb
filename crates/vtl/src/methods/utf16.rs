//! Strings counted in UTF-16 units, as Java counts them. Texts of ASCII, which are most, need no counting.

/// The length in units.
pub(super) fn len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The units from `from` to `to`, both within the length; half a pair is `?`.
pub(super) fn slice(text: &str, from: usize, to: usize) -> String {
    if text.is_ascii() {
        return text.get(from..to).unwrap_or_default().to_owned();
    }
    let units = text.encode_utf16().skip(from).take(to - from);
    char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect()
}

/// The byte at which the unit `index` begins; of the second half of a pair, where the next character begins.
pub(super) fn byte_at(text: &str, index: usize) -> usize {
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

/// How many units stand before the byte `at`.
pub(super) fn index_at(text: &str, at: usize) -> usize {
    len(&text[..at])
}
