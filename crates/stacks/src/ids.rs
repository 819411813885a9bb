//! Ids that follow from names, so that an API's URL is the same after a restart without a store.

use sha1_smol::Sha1;

/// How long an API's id is. Source: as AWS's.
const API_CHARS: usize = 10;

/// The ARN of a stack. AWS ends it in a random UUID; this one follows from the name.
pub(crate) fn stack(region: &str, account: &str, name: &str) -> String {
    let bytes = digest(&["stack", name]);
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid}")
}

/// The id of a stack's API.
pub(crate) fn api(stack: &str, logical: &str) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    digest(&["api", stack, logical]).iter().take(API_CHARS).map(letter).collect()
}

fn digest(parts: &[&str]) -> [u8; 20] {
    let mut sha = Sha1::new();
    for part in parts {
        sha.update(part.as_bytes());
        sha.update(&[0]);
    }
    sha.digest().bytes()
}
