//! `credential_process`: a program that prints credentials.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::aws::Key;
use crate::aws::chain::key;
use crate::aws::served::seconds;

/// How long it may take.
const TIME_MAX: Duration = Duration::from_secs(20);
/// How much it may print, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Has a command's output read.
///
/// # Errors
/// What follows the command's name in a sentence, without anything that it printed, since that may be a secret.
pub(super) async fn run(command: &str) -> Result<Key, String> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("has no output".to_owned()) };
    let mut printed = Vec::new();
    let whole = async {
        let read = stdout.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut printed).await;
        if read.is_ok_and(|bytes| bytes as u64 > OUTPUT_BYTES_MAX) {
            return Err(format!("prints more than {OUTPUT_BYTES_MAX} bytes"));
        }
        child.wait().await.map_err(|error| format!("cannot be waited for: {error}"))
    };
    let status = tokio::time::timeout(TIME_MAX, whole).await;
    let status = status.map_err(|_| format!("takes longer than {} s", TIME_MAX.as_secs()))??;
    if !status.success() {
        return Err(format!("fails ({status}); run by hand it says why"));
    }
    // A parser's error could repeat what was read.
    let wrong = |_| "prints no JSON with Version, AccessKeyId and SecretAccessKey".to_owned();
    let Printed { version, access_key_id, secret_access_key, session_token, expiration } =
        serde_json::from_slice(&printed).map_err(wrong)?;
    if version != 1 {
        return Err(format!("prints Version {version}; 1 is known"));
    }
    let expires = expiration.as_deref().map(seconds).transpose().map_err(|error| format!("prints an {error}"))?;
    Ok(key(access_key_id, secret_access_key, session_token, expires))
}
