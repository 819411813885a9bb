//! Random ids in AWS's forms.

use rand::RngExt;

const LOWER: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// How long the random part of a regional endpoint's host is. Source: documented.
pub(crate) const DOMAIN: usize = 10;
/// How long an API's id is. Source: observed.
pub(crate) const API: usize = 10;
/// How long the ids of routes and integrations are. Source: documented and observed.
pub(crate) const SEVEN: usize = 7;
/// How long the ids of deployments, responses, models and authorizers are. Source: documented and observed for
/// some, inferred for the others.
pub(crate) const SIX: usize = 6;

/// How long an API key's id is. Source: inferred.
pub(crate) const API_KEY: usize = 10;
/// How long the value of an API key is that we make. Source: inferred.
pub(crate) const API_KEY_VALUE: usize = 40;

/// Letters, both small and capital, and digits, for what must not be guessed.
pub(crate) fn letters(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

/// Small letters and digits.
pub(crate) fn lower(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(LOWER[random.random_range(0..LOWER.len())])).collect()
}

/// A random UUID (version 4), as `x-amzn-RequestId` carries it.
pub(crate) fn uuid() -> String {
    let bits: u128 = rand::random();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = uuid();
        let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4", "{uuid}");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    }

    #[test]
    fn ids_have_their_length_and_alphabet() {
        let id = lower(API);
        assert_eq!(id.len(), API);
        assert!(id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{id}");
    }
}
