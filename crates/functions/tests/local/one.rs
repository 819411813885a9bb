//! One function in a folder of its own, and what is heard of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use functions::{Directory, Placement, Settings, Start, Voice};
use integration::{Functions, Invocation, Invoked};
use serde_json::Value;
use types::arn::{Function, Home};
use types::headers::Headers;
use types::message::InvocationType;

/// For what takes a moment; nobody waits so long where all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<(Option<String>, String)>>);

impl Voice for Heard {
    fn printed(&self, _: &str, request_id: Option<&str>, line: &str) {
        self.0.lock().unwrap().push((request_id.map(str::to_owned), line.to_owned()));
    }

    fn told(&self, _: &str, request_id: Option<&str>, text: &str) {
        self.0.lock().unwrap().push((request_id.map(str::to_owned), text.to_owned()));
    }
}

impl Heard {
    pub(crate) fn count(&self, part: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, text)| text.contains(part)).count()
    }
}

struct Folder {
    folder: PathBuf,
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One function of some files, in a folder of its own.
pub(crate) struct Try {
    place: Folder,
    pub(crate) local: Directory,
    pub(crate) heard: Arc<Heard>,
}

impl Try {
    pub(crate) fn new(file: &str, text: &str, change: impl FnOnce(&mut Settings)) -> Try {
        let folder = std::env::temp_dir().join(format!("gatewright-functions-{:016x}", rand_number()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
        let stem = file.split('.').next().unwrap();
        let mut settings = Settings {
            name: "f".to_owned(),
            start: Start::Handler { handler: format!("{stem}.handler"), runtime: None },
            code: folder.clone(),
            environment: Vec::new(),
            timeout: Duration::from_secs(20),
            concurrency: 4,
            memory: 128,
            home: Home { region: "us-east-1".to_owned(), account_id: "000000000000".to_owned() },
        };
        change(&mut settings);
        let heard = Arc::new(Heard::default());
        let voice: Arc<dyn Voice> = heard.clone();
        let local = Directory::new([("f".to_owned(), Placement::Here(settings))], &voice).unwrap();
        Try { place: Folder { folder }, local, heard }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.place.folder
    }

    pub(crate) async fn raw(&self, payload: Value, kind: InvocationType) -> Invoked {
        self.raw_with(payload, kind, &Headers::new()).await
    }

    pub(crate) async fn raw_with(&self, payload: Value, kind: InvocationType, headers: &Headers) -> Invoked {
        let function = Function {
            partition: "aws".to_owned(),
            region: "us-east-1".to_owned(),
            account_id: String::new(),
            name: "f".to_owned(),
            qualifier: None,
        };
        let payload = Bytes::from(payload.to_string());
        let deadline = Instant::now() + PATIENCE;
        let invocation =
            Invocation { function: &function, kind, headers, payload: &payload, may_repeat: false, deadline };
        tokio::time::timeout(PATIENCE, self.local.invoke(&invocation)).await.unwrap().unwrap()
    }

    pub(crate) async fn call(&self, payload: Value) -> Result<Value, Value> {
        let invoked = self.raw(payload, InvocationType::RequestResponse).await;
        assert_eq!(invoked.status, 200);
        assert_eq!(invoked.headers.get("X-Amz-Function-Error"), invoked.failed.then_some("Unhandled"));
        let value = serde_json::from_slice(&invoked.payload).unwrap();
        if invoked.failed { Err(value) } else { Ok(value) }
    }
}

fn rand_number() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn is_alive(pid: u64) -> bool {
    // A zombie has ended.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
