//! A text that nobody gets to see.

use std::fmt;

use ring::hmac;

/// The secret of an access key, or a session token. It prints as nothing that could be read in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// For the wire, and nothing else.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether a text is the same, in a time that does not depend on where they differ.
    pub(crate) fn is(&self, text: &str) -> bool {
        // Keys of HMAC are padded with zeros, so that two of different lengths could give the same.
        let same_length = self.0.len() == text.len();
        let tag = |key: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"token");
        let own = tag(self.bytes());
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()), b"token", own.as_ref()).is_ok() && same_length
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_compared_whole_and_prints_nothing() {
        let secret = Secret::new("wJalrXUtnFEMI".to_owned());
        for (text, same) in
            [("wJalrXUtnFEMI", true), ("wJalrXUtnFEMi", false), ("", false), ("wJalrXUtnFEMI\0", false), ("w", false)]
        {
            assert_eq!(secret.is(text), same, "{text:?}");
        }
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(…) Some(Secret(…))");
    }
}
