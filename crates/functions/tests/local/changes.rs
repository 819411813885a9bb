//! Code that changes while it is used, in the ways in which editors, compilers and people change it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{PATIENCE, Try};

fn answers(text: &str) -> String {
    format!("export const handler = async () => '{text}'")
}

// Calls until the code that runs is this; each call gets some answer.
async fn until_it_answers(one: &Try, what: &str) {
    let end = Instant::now() + PATIENCE;
    let mut answer = one.call(json!({})).await;
    while answer != Ok(json!(what)) {
        assert!(Instant::now() < end, "{what}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = one.call(json!({})).await;
    }
}

fn put(folder: &Path, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("app.mjs"), answers(text)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_come_later_are_code_too() {
    let text = "
let part = 'none'
try { part = (await import('./lib/deep/part.mjs')).part } catch {}
export const handler = async () => part
";
    let one = Try::new("app.mjs", text, |_| {});
    assert_eq!(one.call(json!({})).await, Ok(json!("none")));
    let deep = one.folder().join("lib/deep");
    fs::create_dir_all(&deep).unwrap();
    for part in ["one", "two"] {
        fs::write(deep.join("part.mjs"), format!("export const part = '{part}'")).unwrap();
        until_it_answers(&one, part).await;
    }
    fs::rename(one.folder().join("lib"), one.folder().join("moved")).unwrap();
    until_it_answers(&one, "none").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_be_replaced_in_any_way() {
    type Replace = fn(&Path);
    let ways: [(&str, Replace); 5] = [
        ("renamed away, a new one in its place", |all| {
            put(&all.join("made/dist"), "new");
            fs::rename(all.join("built/dist"), all.join("old")).unwrap();
            fs::rename(all.join("made/dist"), all.join("built/dist")).unwrap();
        }),
        ("removed and made", |all| {
            fs::remove_dir_all(all.join("built/dist")).unwrap();
            put(&all.join("built/dist"), "new");
        }),
        ("emptied and filled", |all| {
            fs::remove_file(all.join("built/dist/app.mjs")).unwrap();
            put(&all.join("built/dist"), "new");
        }),
        ("the one above replaced", |all| {
            put(&all.join("made/dist"), "new");
            fs::rename(all.join("built"), all.join("old")).unwrap();
            fs::rename(all.join("made"), all.join("built")).unwrap();
        }),
        ("a link to another", |all| {
            put(&all.join("made"), "new");
            fs::rename(all.join("built/dist"), all.join("old")).unwrap();
            std::os::unix::fs::symlink(all.join("made"), all.join("built/dist")).unwrap();
        }),
    ];
    for (way, replace) in ways {
        let one = Try::new("unused", "", |settings| {
            let dist = settings.code.join("built/dist");
            put(&dist, "old");
            settings.start = crate::Start::Handler { handler: "app.handler".to_owned(), runtime: None };
            settings.code = dist;
        });
        assert_eq!(one.call(json!({})).await, Ok(json!("old")), "{way}");
        replace(one.folder());
        until_it_answers(&one, "new").await;
        // The new one is watched as the old one was.
        put(&one.folder().join("built/dist"), "newer");
        until_it_answers(&one, "newer").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_there_is_no_folder_processes_run_on_and_none_begins() {
    let one = Try::new("app.mjs", &answers("old"), |settings| settings.concurrency = 1);
    assert_eq!(one.call(json!({})).await, Ok(json!("old")));
    fs::remove_dir_all(one.folder()).unwrap();
    // Longer than a change takes to be heard.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(one.call(json!({})).await, Ok(json!("old")));
    put(one.folder(), "new");
    until_it_answers(&one, "new").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_is_deleted_and_made_again_is_new() {
    let one = Try::new("app.mjs", &answers("old"), |_| {});
    fs::write(one.folder().join("other.mjs"), "").unwrap();
    assert_eq!(one.call(json!({})).await, Ok(json!("old")));
    fs::remove_file(one.folder().join("app.mjs")).unwrap();
    let end = Instant::now() + PATIENCE;
    let said = loop {
        assert!(Instant::now() < end, "it is missed");
        match one.call(json!({})).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(said) => break said,
        }
    };
    assert_eq!(said["errorType"], "Runtime.ImportModuleError");
    put(one.folder(), "new");
    until_it_answers(&one, "new").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_gone_is_named() {
    let one = Try::new("app.mjs", &answers("old"), |_| {});
    fs::remove_dir_all(one.folder()).unwrap();
    let said = one.call(json!({})).await.unwrap_err();
    let text = format!("code: the folder {} is not there", one.folder().display());
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&json!("Runtime.InvalidEntrypoint"), &Value::from(text)));
}
