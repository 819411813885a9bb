//! A function made with AWS's own crate for Rust (`examples/custom_runtime.rs`), unchanged, as a command.

use std::path::PathBuf;
use std::time::Duration;

use functions::{Settings, Start};
use serde_json::json;

use crate::one::{Try, is_alive, until};

// Cargo builds examples into a folder beside that of the tests.
fn program() -> String {
    let tests = std::env::current_exe().unwrap();
    let built: PathBuf = tests.ancestors().nth(2).unwrap().join("examples/custom_runtime");
    assert!(built.is_file(), "{} is not built: `cargo test -p functions` builds it", built.display());
    built.to_str().unwrap().to_owned()
}

fn function(change: impl FnOnce(&mut Settings)) -> Try {
    Try::new("README", "nothing here is run", |settings| {
        settings.start = Start::Command(vec![program()]);
        settings.environment = vec![("TABLE".to_owned(), "connections".to_owned())];
        change(settings);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_again_and_again_in_one_process() {
    let one = function(|_| {});
    let first = one.call(json!({ "n": 1 })).await.unwrap();
    assert_eq!((&first["n"], &first["name"]), (&json!(1), &json!("f")));
    assert_eq!(first["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!(first["deadline"].as_u64().is_some_and(|deadline| deadline > now), "{first}");
    let second = one.call(json!({ "n": 2 })).await.unwrap();
    assert_eq!(first["pid"], second["pid"]);
    assert_ne!(first["id"], second["id"]);
    until("what it printed bears its id", || {
        let heard = one.heard.0.lock().unwrap();
        heard.iter().any(|(id, text)| text == "ran 2" && id.as_deref() == second["id"].as_str())
    })
    .await;
    assert_eq!(one.heard.count("loaded"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_in_its_own_words_and_it_runs_on() {
    let one = function(|_| {});
    let pid = one.call(json!({ "n": 1 })).await.unwrap()["pid"].clone();
    let said = one.call(json!({ "fail": "the room is full" })).await.unwrap_err();
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&json!("NoRoom"), &json!("the room is full")));
    let said = one.call(json!({ "panic": "that cannot be" })).await.unwrap_err();
    assert!(said["errorMessage"].as_str().unwrap().contains("that cannot be"), "{said}");
    assert_eq!(one.call(json!({ "n": 2 })).await.unwrap()["pid"], pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_begin_is_told_at_each_call() {
    let one = function(|settings| settings.environment.clear());
    for _ in 0..2 {
        let said = one.call(json!({})).await.unwrap_err();
        assert_eq!(said["errorType"], "Runtime.ExitError");
        assert!(said["errorMessage"].as_str().unwrap().ends_with("exit status 1"), "{said}");
    }
    until("its words are heard", || one.heard.count("there is no TABLE") == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_too_long_or_ends_is_followed_by_a_new_one() {
    let one = function(|settings| settings.timeout = Duration::from_secs(2));
    let first = one.call(json!({ "n": 1 })).await.unwrap()["pid"].as_u64().unwrap();
    let said = one.call(json!({ "wait": 600_000 })).await.unwrap_err();
    assert_eq!(said["errorType"], "Sandbox.Timedout");
    until("its process has ended", || !is_alive(first)).await;
    let second = one.call(json!({ "n": 2 })).await.unwrap()["pid"].as_u64().unwrap();
    assert_ne!(first, second);
    let said = one.call(json!({ "exit": 7 })).await.unwrap_err();
    assert!(said["errorMessage"].as_str().unwrap().ends_with("exit status 7"), "{said}");
    let third = one.call(json!({ "n": 3 })).await.unwrap()["pid"].as_u64().unwrap();
    one.local.stop();
    until("it ends with the rest", || !is_alive(third)).await;
}
