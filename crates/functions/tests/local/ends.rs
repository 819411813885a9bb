//! Processes that end otherwise than by the book.

use std::time::Duration;

use serde_json::json;

use crate::{Start, Try, is_alive, until};

/// What speaks the Runtime API by itself.
fn command(file: &str, text: &str, change: impl FnOnce(&mut functions::Settings)) -> Try {
    Try::new(file, text, |settings| {
        settings.start = Start::Command(["python3".to_owned(), file.to_owned()].into());
        change(settings);
    })
}

const HANGS: &str = "
import http.client, json, os, time
connection = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    connection.request('GET', '/2018-06-01/runtime/invocation/next')
    response = connection.getresponse()
    event, id = json.loads(response.read()), response.headers['Lambda-Runtime-Aws-Request-Id']
    connection.request('POST', f'/2018-06-01/runtime/invocation/{id}/response', str(os.getpid()))
    connection.getresponse().read()
    time.sleep(event['after'])
";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_after_its_answer_keeps_nobody_waiting() {
    // Ten minutes, that is: longer than a call of these tests may take.
    for concurrency in [1, 2] {
        let one = command("loop.py", HANGS, |settings| {
            settings.timeout = Duration::from_secs(600);
            settings.concurrency = concurrency;
        });
        let first = one.call(json!({ "after": 3000 })).await.unwrap().as_u64().unwrap();
        let second = one.call(json!({ "after": 0 })).await.unwrap();
        assert_ne!(second, json!(first));
        match concurrency {
            1 => until("the place is needed", || !is_alive(first)).await,
            // There is room for it, and its time is not over.
            _ => assert!(is_alive(first)),
        }
        // Whoever asks is preferred.
        assert_eq!(one.call(json!({ "after": 0 })).await, Ok(second));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_after_its_answer_ends_when_its_time_is_over() {
    let one = command("loop.py", HANGS, |settings| settings.timeout = Duration::from_secs(3));
    let first = one.call(json!({ "after": 3000 })).await.unwrap().as_u64().unwrap();
    assert!(one.call(json!({ "after": 0 })).await.is_ok());
    until("its time is over", || !is_alive(first)).await;
    assert_eq!(one.heard.count("asks for nothing more; it is ended, its time is over"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_takes_its_time_is_used_again() {
    let one = command("loop.py", HANGS, |settings| settings.timeout = Duration::from_secs(60));
    let slow = one.call(json!({ "after": 4 })).await.unwrap();
    let other = one.call(json!({ "after": 600 })).await.unwrap();
    assert_ne!(slow, other);
    // The second one hangs meanwhile.
    let mut third = one.call(json!({ "after": 0 })).await.unwrap();
    for _ in 0..100 {
        if third == slow {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Two at once: the one that came back is among those who answer.
        let (a, b) = tokio::join!(one.call(json!({ "after": 0.2 })), one.call(json!({ "after": 0.2 })));
        third = if a.as_ref() == Ok(&slow) { a.unwrap() } else { b.unwrap() };
    }
    panic!("it never came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_a_process_that_ends_with_it_is_heard() {
    let text = "
import http.client, os, socket
address = os.environ['AWS_LAMBDA_RUNTIME_API']
connection = http.client.HTTPConnection(address)
connection.request('GET', '/2018-06-01/runtime/invocation/next')
response = connection.getresponse()
body, id = response.read(), response.headers['Lambda-Runtime-Aws-Request-Id']
host, port = address.split(':')
out = socket.create_connection((host, int(port)))
head = f'POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\\r\\nHost: {address}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n'
out.sendall(head.encode() + body)
os._exit(0)
";
    let one = command("once.py", text, |_| {});
    for n in 0..20 {
        assert_eq!(one.call(json!({ "n": n })).await, Ok(json!({ "n": n })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_group_of_a_process_ends_with_it() {
    let text = "
import subprocess, sys, time
def handler(event, context):
    # In a session of its own, as a daemon is, and by way of one that ends.
    began = 'import subprocess, sys; print(subprocess.Popen([sys.executable, \"-c\", \"import time; time.sleep(600)\"], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)'
    pid = int(subprocess.run([sys.executable, '-c', began], capture_output=True, start_new_session=True).stdout)
    print('child', pid)
    time.sleep(event['wait'])
    return pid
";
    let one = Try::new("app.py", text, |settings| settings.timeout = Duration::from_secs(6));
    let kept = one.call(json!({ "wait": 0 })).await.unwrap().as_u64().unwrap();
    assert!(is_alive(kept), "as long as its process is there");
    one.local.stop();
    until("it has ended", || !is_alive(kept)).await;
    let said = one.call(json!({ "wait": 600 })).await.unwrap_err();
    assert_eq!(said["errorType"], "Sandbox.Timedout");
    let children: Vec<u64> = {
        let heard = one.heard.0.lock().unwrap();
        heard.iter().filter_map(|(_, text)| text.strip_prefix("child ")?.parse().ok()).collect()
    };
    assert_eq!(children.len(), 2);
    until("it has ended", || !is_alive(children[1])).await;
}
