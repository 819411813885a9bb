//! Handlers as people write them, run by what is installed here.

mod changes;
mod context;
mod custom_runtime;
mod ends;
mod one;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use functions::{Directory, Placement, Start, Voice};
use integration::{Functions, Invocation, Invoked};
use serde_json::{Value, json};
use types::arn::Function;
use types::headers::Headers;
use types::message::InvocationType;

use crate::one::{Heard, PATIENCE, Try, is_alive, until};

const NODE: &str = r#"
console.log('loaded')
export const handler = async (event, context) => {
  if (event.fail) throw new TypeError(event.fail)
  if (event.plain) return undefined
  if (event.exit !== undefined) process.exit(event.exit)
  if (event.kill) process.kill(process.pid, 'SIGKILL')
  if (event.long) return 'x'.repeat(event.long)
  if (event.print) for (let i = 0; i < event.print; i++) console.log('y'.repeat(1000))
  if (event.late) Promise.reject(new Error('nobody looks'))
  if (event.wait) await new Promise((go) => setTimeout(go, event.wait))
  console.log('ran ' + event.n)
  return { n: event.n, pid: process.pid, id: context.awsRequestId, arn: context.invokedFunctionArn, name: process.env.AWS_LAMBDA_FUNCTION_NAME, left: context.getRemainingTimeInMillis() }
}
"#;

const PYTHON: &str = r#"
import os, sys, time
print("loaded")
def handler(event, context):
    if "fail" in event:
        raise KeyError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])
    if "wait" in event:
        time.sleep(event["wait"] / 1000)
    print("ran", event.get("n"))
    return {"n": event.get("n"), "pid": os.getpid(), "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name, "left": context.get_remaining_time_in_millis()}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_answers_again_and_again_in_one_process() {
    for (file, text) in [("app.mjs", NODE), ("app.py", PYTHON)] {
        let one = Try::new(file, text, |_| {});
        let first = one.call(json!({ "n": 1 })).await.unwrap();
        assert_eq!((&first["n"], &first["name"]), (&json!(1), &json!("f")), "{file}");
        assert_eq!(first["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
        assert!(first["left"].as_u64().is_some_and(|left| left > 0 && left <= 20_000), "{first}");
        let second = one.call(json!({ "n": 2 })).await.unwrap();
        assert_eq!(first["pid"], second["pid"]);
        assert_ne!(first["id"], second["id"]);
        until("what it printed bears its id", || {
            one.heard
                .0
                .lock()
                .unwrap()
                .iter()
                .any(|(id, text)| text == "ran 2" && id.as_deref() == second["id"].as_str())
        })
        .await;
        assert_eq!((one.heard.count("loaded"), one.heard.count("Init Duration: ")), (1, 1));
        assert_eq!(one.heard.count("REPORT RequestId: "), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_fails_says_how_and_runs_on() {
    let node = Try::new("app.mjs", NODE, |_| {});
    let said = node.call(json!({ "fail": "no such" })).await.unwrap_err();
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&json!("TypeError"), &json!("no such")));
    assert!(said["trace"][1].as_str().unwrap().contains("app.mjs"));
    let python = Try::new("app.py", PYTHON, |_| {});
    let said = python.call(json!({ "fail": "no such" })).await.unwrap_err();
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&json!("KeyError"), &json!("'no such'")));
    assert!(said["stackTrace"][0].as_str().unwrap().contains("app.py"));
    for one in [node, python] {
        assert!(one.call(json!({ "n": 1 })).await.is_ok());
        assert_eq!(one.heard.count("loaded"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kinds_of_handlers_there_are_in_node() {
    for (file, text) in [
        ("index.js", "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event), 1) }"),
        ("index.cjs", "module.exports = { handler: async (event) => event }"),
        ("index.mjs", "export default { handler: async (event) => event }"),
        ("index.mjs", "export const handler = (event, context) => { context.succeed(event) }"),
        ("index.mjs", "export function handler(event) { return event }"),
    ] {
        assert_eq!(Try::new(file, text, |_| {}).call(json!({ "n": 1 })).await, Ok(json!({ "n": 1 })), "{text}");
    }
    let refuses = "exports.handler = (event, context, callback) => callback('Unauthorized')";
    let said = Try::new("index.js", refuses, |_| {}).call(json!({})).await.unwrap_err();
    assert_eq!(said["errorMessage"], "Unauthorized");
    assert_eq!(Try::new("app.mjs", NODE, |_| {}).call(json!({ "plain": true })).await, Ok(Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_is_named_each_time() {
    for (file, text, error_type, part) in [
        ("app.mjs", "export const other = 1", "Runtime.HandlerNotFound", "app.handler is undefined or not exported"),
        ("app.mjs", "throw new Error('no table')", "Error", "no table"),
        ("app.py", "other = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("app.py", "import no_such_module", "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("app.py", "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
    ] {
        let one = Try::new(file, text, |_| {});
        for _ in 0..2 {
            let said = one.call(json!({})).await.unwrap_err();
            assert_eq!(said["errorType"], error_type, "{text}");
            assert!(said["errorMessage"].as_str().unwrap().contains(part), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_is_followed_by_a_new_one() {
    let one = Try::new("app.mjs", NODE, |_| {});
    for (event, part) in [
        (json!({ "exit": 3 }), "Runtime exited with error: exit status 3"),
        (json!({ "exit": 0 }), "Runtime exited without providing a reason"),
        (json!({ "kill": true }), "Runtime exited with error: signal 9"),
    ] {
        let said = one.call(event.clone()).await.unwrap_err();
        assert_eq!(said["errorType"], "Runtime.ExitError");
        assert!(said["errorMessage"].as_str().unwrap().ends_with(part), "{event}: {said}");
        assert!(one.call(json!({ "n": 1 })).await.is_ok());
    }
    let said = one.call(json!({ "late": true, "wait": 2000 })).await.unwrap_err();
    assert_eq!(said["errorType"], "Runtime.UnhandledPromiseRejection");
    assert!(one.call(json!({ "n": 1 })).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_ends_with_its_process_and_what_that_began() {
    let text = "
import subprocess, signal, time, sys
def handler(event, context):
    if event.get('quick'):
        return 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    print('child', child.pid)
    time.sleep(600)
";
    let one = Try::new("app.py", text, |settings| settings.timeout = Duration::from_secs(2));
    let said = one.call(json!({})).await.unwrap_err();
    assert_eq!(said["errorType"], "Sandbox.Timedout");
    assert!(said["errorMessage"].as_str().unwrap().ends_with(" Error: Task timed out after 2.00 seconds"), "{said}");
    let child = one.heard.0.lock().unwrap().iter().find_map(|(_, text)| text.strip_prefix("child ")?.parse().ok());
    let child: u64 = child.expect("it said whom it began");
    until("the child has ended", || !is_alive(child)).await;
    assert_eq!(one.call(json!({ "quick": true })).await, Ok(json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_none() {
    let one = Try::new("app.mjs", NODE, |_| {});
    let most = 6 * 1024 * 1024 - 2;
    assert!(one.call(json!({ "long": most })).await.is_ok());
    let said = one.call(json!({ "long": most + 1 })).await.unwrap_err();
    assert_eq!(said["errorType"], "Function.ResponseSizeTooLarge");
    assert!(
        said["errorMessage"].as_str().unwrap().starts_with("Response payload size (6291457 bytes) exceeded"),
        "{said}"
    );
    assert!(one.call(json!({ "n": 1 })).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_have_processes_up_to_a_bound() {
    let one = Try::new("app.py", PYTHON, |settings| settings.concurrency = 3);
    let calls = (0..60).map(|n| one.call(json!({ "n": n, "wait": 5 })));
    let answers = futures_util::future::join_all(calls).await;
    let pids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.as_ref().unwrap()["pid"].as_u64()).collect();
    assert_eq!(answers.len(), 60);
    assert!((1..=3).contains(&pids.len()), "{pids:?}");
    one.local.stop();
    for pid in pids.into_iter().flatten() {
        until("it has ended", || !is_alive(pid)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_comes_whole_or_in_pieces() {
    let one = Try::new("app.mjs", NODE, |_| {});
    assert!(one.call(json!({ "n": 1, "print": 10_000 })).await.is_ok());
    until("ten megabytes are heard", || one.heard.count("yyyy") >= 10_000).await;
    assert!(one.heard.0.lock().unwrap().iter().all(|(_, text)| text.len() <= 16 * 1024));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_changed_runs_from_the_next_call_on() {
    let one = Try::new("app.mjs", "export const handler = async () => 'old'", |_| {});
    assert_eq!(one.call(json!({})).await, Ok(json!("old")));
    std::fs::write(one.folder().join("app.mjs"), "export const handler = async () => 'new'").unwrap();
    until("the change is noticed", || one.heard.count("its code has changed") > 0).await;
    assert_eq!(one.call(json!({})).await, Ok(json!("new")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_which_nobody_waits_is_run() {
    let one = Try::new("app.py", PYTHON, |_| {});
    let invoked = one.raw(json!({ "n": 7 }), InvocationType::Event).await;
    assert_eq!((invoked.status, invoked.payload.len()), (202, 0));
    until("it ran", || one.heard.count("ran 7") == 1).await;
    assert_eq!(one.raw(json!({ "n": 8 }), InvocationType::DryRun).await.status, 204);
    assert_eq!(one.heard.count("ran 8"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_speak_the_runtime_api_itself() {
    let text = "
import http.client, os
connection = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    connection.request('GET', '/2018-06-01/runtime/invocation/next')
    response = connection.getresponse()
    body, id = response.read(), response.headers['Lambda-Runtime-Aws-Request-Id']
    connection.request('POST', f'/2018-06-01/runtime/invocation/{id}/response', iter([b'{\"got\":', body, b'}']))
    connection.getresponse().read()
";
    let one = Try::new("loop.py", text, |settings| {
        settings.start = Start::Command(["python3", "loop.py"].map(str::to_owned).into());
    });
    for n in 0..3 {
        assert_eq!(one.call(json!({ "n": n })).await, Ok(json!({ "got": { "n": n } })));
    }
}

struct Elsewhere(&'static str);

impl Functions for Elsewhere {
    fn has(&self, _: &Function) -> bool {
        true
    }

    fn invoke<'a>(&'a self, _: &'a Invocation<'a>) -> integration::Invoking<'a> {
        let payload = Bytes::from(self.0);
        Box::pin(std::future::ready(Ok(Invoked { status: 200, headers: Headers::new(), payload, failed: false })))
    }
}

#[tokio::test]
async fn what_names_a_function_most_closely_says_where_it_runs() {
    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:a:live";
    let voice: Arc<dyn Voice> = Arc::new(Heard::default());
    let directory = |keys: &[&'static str]| {
        let placed = keys.iter().map(|&key| (key.to_owned(), Placement::There(Box::new(Elsewhere(key)))));
        Directory::new(placed, &voice).unwrap()
    };
    let function = Function {
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        account_id: "123456789012".to_owned(),
        name: "a".to_owned(),
        qualifier: Some("live".to_owned()),
    };
    for (keys, found) in [
        (&[ARN, "a:live", "a", "*"][..], Some(ARN)),
        (&["a:live", "a", "*"], Some("a:live")),
        (&["a", "a:other", "*"], Some("a")),
        (&["b", "*"], Some("*")),
        (&["b"], None),
    ] {
        let directory = directory(keys);
        assert_eq!(directory.has(&function), found.is_some());
        let (headers, payload) = (Headers::new(), Bytes::new());
        let deadline = Instant::now() + PATIENCE;
        let kind = InvocationType::RequestResponse;
        let invocation =
            Invocation { function: &function, kind, headers: &headers, payload: &payload, may_repeat: false, deadline };
        let invoked = directory.invoke(&invocation).await.unwrap();
        match found {
            Some(found) => assert_eq!(invoked.payload, found),
            None => assert_eq!(
                (invoked.status, invoked.headers.get("x-amzn-ErrorType")),
                (404, Some("ResourceNotFoundException"))
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_reads_and_logs_does_not_renew_it() {
    let text = "
import { appendFileSync, readFileSync } from 'node:fs'
export const handler = async () => { readFileSync('app.mjs'); appendFileSync('calls.log', 'x'); return process.pid }
";
    let one = Try::new("app.mjs", text, |_| {});
    let first = one.call(json!({})).await;
    // Longer than a change takes to be heard; were it heard, the next call would have another process.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(one.call(json!({})).await, first);
}
