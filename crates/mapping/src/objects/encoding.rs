//! URL and base64 encodings as Java's classes do them.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Java reads base64 without padding or with all of it, and does not mind left-over bits.
const BASE64: GeneralPurpose = engine(DecodePaddingMode::RequireCanonical);
const WITHOUT_PADDING: GeneralPurpose = engine(DecodePaddingMode::RequireNone);

const fn engine(padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding).with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config)
}

pub(super) fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                out.push('%');
                out.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
                out.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
            }
        }
    }
    out
}

pub(super) fn url_decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
                    _ => return Err("$util.urlDecode(): `%` without two hexadecimal digits".to_owned()),
                }
            }
            byte => out.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

pub(super) fn base64_encode(text: &str) -> String {
    BASE64.encode(text)
}

pub(super) fn base64_decode(text: &str) -> Result<String, String> {
    let engine = if text.ends_with('=') { BASE64 } else { WITHOUT_PADDING };
    let bytes = engine.decode(text).map_err(|error| format!("$util.base64Decode(): {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
