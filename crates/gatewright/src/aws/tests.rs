//! The chain, source by source, against servers on loopback; and what is kept of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use integration::{Http, Integrations, ServicePlace, ServiceRequest, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::cache::Slot;
use super::chain::{Chain, key};
use super::places::place;
use super::{AwsSigner, Environment, Key, Places, Trouble};
use crate::choices::{LogFormat, LogLevel};
use crate::logs::Log;

fn http() -> Arc<Http> {
    Integrations::new(1_000_000, Vec::new()).http()
}

fn chain(environment: Environment, sts: Option<ServicePlace>) -> Chain {
    Chain { environment, http: http(), sts, region: "eu-west-1".to_owned(), may_ask_metadata: false }
}

fn id(key: &Key) -> &str {
    &key.credentials.key_id
}

async fn found(environment: Environment) -> Key {
    chain(environment, None).find().await.unwrap_or_else(|trouble| panic!("{trouble:?}"))
}

/// The sentence, and whether something was there.
async fn not_found(environment: Environment) -> (String, bool) {
    let trouble = chain(environment, None).find().await.expect_err("there is nothing to be found");
    let is_broken = matches!(trouble, Trouble::Broken(_));
    (trouble.text(), is_broken)
}

/// A folder with what files hold; it goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("gatewright-aws-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join(".aws")).unwrap();
        for (path, text) in files {
            std::fs::write(folder.join(path), text).unwrap();
        }
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}

/// Answers each request in order, and keeps what came.
async fn serve(answers: Vec<(u16, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let came = Arc::new(Mutex::new(Vec::new()));
    let kept = came.clone();
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                socket.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break;
                }
            }
            kept.lock().unwrap().push(String::from_utf8(request).unwrap());
            let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            socket.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    (url, came)
}

const DOCUMENT: &str = r#"{"Code":"Success","AccessKeyId":"SERVED","SecretAccessKey":"hush","Token":"t","Expiration":"2100-01-01T00:00:00Z"}"#;

fn assumed(id: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
         <SessionToken>a&amp;b</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

#[tokio::test]
async fn variables_come_first() {
    let key = found(Environment::of([
        ("AWS_ACCESS_KEY_ID", "ENV"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "t"),
        ("AWS_PROFILE", "nobody"),
    ]));
    let key = key.await;
    assert_eq!((id(&key), key.expires, key.credentials.token.is_some()), ("ENV", None, true));
    assert!(!format!("{key:?}").contains("hush"));
    let (text, is_broken) = not_found(Environment::of([("AWS_ACCESS_KEY_ID", "ENV")])).await;
    assert!(is_broken && text.contains("AWS_SECRET_ACCESS_KEY is not"), "{text}");
}

#[tokio::test]
async fn what_was_looked_for_is_named() {
    let folder = Folder::with("nothing", &[]);
    let (text, is_broken) = not_found(Environment::of([("HOME", &folder.path(""))])).await;
    assert!(!is_broken);
    for part in [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "there is no profile `default` in ",
        "credentials (is not there)",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "instance metadata is not asked",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // A profile that is asked for has to be there.
    let variables = [("HOME", folder.path("")), ("AWS_PROFILE", "work".to_owned())];
    let [home, profile] = &variables;
    let (text, is_broken) = not_found(Environment::of([(home.0, &home.1), (profile.0, &profile.1)])).await;
    assert!(is_broken && text.contains("AWS_PROFILE: there is no profile `work`"), "{text}");
}

const CREDENTIALS: &str = "
# mine
[default]
aws_access_key_id = FILE ; a comment
aws_secret_access_key=hush
[half]
aws_access_key_id = HALF
";
const CONFIG: &str = "
[default]
aws_access_key_id = OLD
region = eu-central-1
[profile printed]
credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"PRINTED\",\"SecretAccessKey\":\"hush\",\"Expiration\":\"2100-01-01T00:00:00+00:00\"}'
[profile fails]
credential_process = echo hush; echo hush >&2; exit 3
[profile garbled]
credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"hush\"}'
[profile floods]
credential_process = yes hush
[profile login]
sso_session = mine
[profile a]
role_arn = arn:aws:iam::1:role/a
source_profile = b
[profile b]
role_arn = arn:aws:iam::1:role/b
source_profile = a
[profile mfa]
role_arn = arn:aws:iam::1:role/a
mfa_serial = arn:aws:iam::1:mfa/me
[profile role]
role_arn = arn:aws:iam::1:role/far
source_profile = default
external_id = x y
role_session_name = me
[services x]
sqs =
  endpoint_url = http://nowhere
";

fn shared(name: &str) -> Folder {
    Folder::with(name, &[(".aws/credentials", CREDENTIALS), (".aws/config", CONFIG)])
}

#[tokio::test]
async fn profiles_are_read_from_both_files() {
    let folder = shared("profiles");
    let home = folder.path("");
    let profile = |name: &str| Environment::of([("HOME", &home), ("AWS_PROFILE", name)]);
    assert_eq!(id(&found(Environment::of([("HOME", &home)])).await), "FILE");
    let printed = found(profile("printed")).await;
    assert_eq!((id(&printed), printed.expires), ("PRINTED", Some(4_102_444_800)));
    for (name, part) in [
        ("half", "has an aws_access_key_id and no aws_secret_access_key"),
        ("fails", "credential_process of the profile `fails` fails (exit status: 3)"),
        ("garbled", "prints no JSON"),
        ("floods", "prints more than 65536 bytes"),
        ("login", "aws configure export-credentials --profile login"),
        ("a", "stands behind itself"),
        ("mfa", "mfa_serial"),
        ("role", "nothing says where STS is"),
        ("x", "there is no profile `x`"),
    ] {
        let (text, is_broken) = not_found(profile(name)).await;
        assert!(is_broken && text.contains(part), "{name}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
    let files =
        [("AWS_SHARED_CREDENTIALS_FILE", folder.path(".aws/config")), ("AWS_CONFIG_FILE", folder.path(".aws/none"))];
    let [credentials, config] = &files;
    let elsewhere = Environment::of([(credentials.0, &credentials.1), (config.0, &config.1)]);
    let (text, _) = not_found(elsewhere).await;
    assert!(text.contains("an aws_access_key_id and no"), "{text}");
}

#[tokio::test]
async fn a_profile_takes_a_role_with_another_s_key() {
    let folder = shared("roles");
    let home = folder.path("");
    let (sts, came) = serve(vec![
        (200, assumed("ROLE")),
        (403, "<Error><Code>AccessDenied</Code><Message>no &lt;x&gt;</Message></Error>".to_owned()),
    ])
    .await;
    let environment = || Environment::of([("HOME", &home), ("AWS_PROFILE", "role")]);
    let key = chain(environment(), Some(place(&sts).unwrap())).find().await.unwrap();
    assert_eq!((id(&key), key.expires), ("ROLE", Some(4_102_444_800)));
    let text = chain(environment(), Some(place(&sts).unwrap())).find().await.err().unwrap().text();
    let host = sts.trim_start_matches("http://");
    assert_eq!(
        text,
        format!("cannot assume the role arn:aws:iam::1:role/far: {host} answers 403 AccessDenied: no <x>")
    );
    let came = came.lock().unwrap();
    let expected = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Ffar&RoleSessionName=me&ExternalId=x%20y";
    assert!(came[0].ends_with(expected), "{}", came[0]);
    assert!(came[0].contains("Credential=FILE/") && came[0].contains("/eu-west-1/sts/aws4_request"), "{}", came[0]);
}

#[tokio::test]
async fn a_web_identity_takes_a_role_unsigned() {
    let folder = Folder::with("web", &[("token", "a.b.c\n")]);
    let (sts, came) = serve(vec![(200, assumed("WEB"))]).await;
    let file = folder.path("token");
    let environment = |file: &str| {
        Environment::of([
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web"),
            ("AWS_REGION", "us-west-2"),
        ])
    };
    let key = chain(environment(&file), Some(place(&sts).unwrap())).find().await.unwrap();
    assert_eq!(id(&key), "WEB");
    let came = came.lock().unwrap()[0].clone();
    assert!(
        came.ends_with("&RoleSessionName=gatewright&WebIdentityToken=a.b.c") && !came.contains("Authorization"),
        "{came}"
    );
    let (text, is_broken) = not_found(environment("/nowhere")).await;
    assert!(is_broken && text.contains("/nowhere, is not there"), "{text}");
}

#[tokio::test]
async fn a_container_is_asked_with_its_token() {
    let (url, came) = serve(vec![
        (200, DOCUMENT.to_owned()),
        (404, "hush".to_owned()),
        (200, "{\"AccessKeyId\":\"hush\"}".to_owned()),
    ])
    .await;
    let url = format!("{url}/creds?x=1");
    let environment = || {
        Environment::of([
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer 1"),
        ])
    };
    let key = found(environment()).await;
    assert_eq!((id(&key), key.expires), ("SERVED", Some(4_102_444_800)));
    let request = came.lock().unwrap()[0].clone();
    assert!(
        request.starts_with("GET /creds?x=1 HTTP/1.1\r\n") && request.contains("Authorization: Bearer 1\r\n"),
        "{request}"
    );
    for part in ["answers GET /creds with status 404", "is no JSON with AccessKeyId"] {
        let (text, is_broken) = not_found(environment()).await;
        assert!(is_broken && text.contains(part) && !text.contains("hush"), "{text}");
    }
    for url in ["http://10.0.0.1/creds", "http://evil.example.com/"] {
        let (text, _) = not_found(Environment::of([("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)])).await;
        assert!(text.contains("is not on this machine"), "{text}");
    }
    let broken = Environment::of([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb: c"),
    ]);
    assert!(not_found(broken).await.0.contains("cannot stand in a header"));
}

#[tokio::test]
async fn an_instance_is_asked_with_a_token() {
    let (url, came) = serve(vec![
        (200, "TOKEN".to_owned()),
        (200, "web-role\n".to_owned()),
        (200, DOCUMENT.to_owned()),
        (403, String::new()),
    ])
    .await;
    let environment = || Environment::of([("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    assert_eq!(id(&found(environment()).await), "SERVED");
    let came_so_far = came.lock().unwrap().clone();
    let firsts: Vec<_> = came_so_far.iter().map(|request| request.lines().next().unwrap()).collect();
    assert_eq!(
        firsts,
        [
            "PUT /latest/api/token HTTP/1.1",
            "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1",
            "GET /latest/meta-data/iam/security-credentials/web-role HTTP/1.1"
        ]
    );
    assert!(came_so_far[2].contains("X-aws-ec2-metadata-token: TOKEN\r\n"), "{}", came_so_far[2]);
    let (text, is_broken) = not_found(environment()).await;
    assert!(is_broken && text.contains("PUT /latest/api/token with status 403"), "{text}");
    let off = Environment::of([("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url), ("AWS_EC2_METADATA_DISABLED", "true")]);
    assert!(not_found(off).await.0.contains("switched off"));
}

/// A slot, a clock in the test's hand, and what is fetched: `None` fails.
#[derive(Clone, Default)]
struct Keys {
    slot: Arc<Slot>,
    now: Arc<AtomicU64>,
    fetches: Arc<AtomicU64>,
}

impl Keys {
    fn at(&self, now: u64) -> &Keys {
        self.now.store(now, Ordering::SeqCst);
        self
    }

    fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::SeqCst)
    }

    /// The name of the key, or the trouble. A fetch gives a key with this end, or fails.
    async fn get(&self, expires: Option<Option<u64>>) -> String {
        let (now, fetches) = (self.now.clone(), self.fetches.clone());
        let clock = move || now.load(Ordering::SeqCst);
        let fetch = move || async move {
            let count = fetches.fetch_add(1, Ordering::SeqCst) + 1;
            let expires = expires.ok_or_else(|| Trouble::Broken("it fails".to_owned()))?;
            Ok(key(format!("K{count}"), String::new(), None, expires))
        };
        match self.slot.get(clock, fetch).await {
            Ok(key) => id(&key).to_owned(),
            Err(trouble) => trouble.text(),
        }
    }

    /// What was begun beside the calls is over.
    async fn settle(&self, fetches: u64) {
        while self.fetches() < fetches {
            tokio::task::yield_now().await;
        }
        // Its outcome is kept in the same step.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_key_is_kept_until_it_expires_and_fetched_anew_before_that_beside_the_calls() {
    let keys = Keys::default();
    assert_eq!(keys.at(1000).get(Some(Some(4600))).await, "K1");
    assert_eq!(keys.at(4299).get(None).await, "K1");
    assert_eq!(keys.fetches(), 1);
    // Five minutes ahead it is fetched anew; where that fails, the old one is used on, and for a while nobody asks.
    assert_eq!(keys.at(4300).get(None).await, "K1");
    keys.settle(2).await;
    assert_eq!(keys.at(4329).get(Some(None)).await, "K1");
    assert_eq!(keys.fetches(), 2);
    // The first call does not wait for it, the next has the new one.
    assert_eq!(keys.at(4330).get(Some(Some(5000))).await, "K1");
    keys.settle(3).await;
    assert_eq!(keys.get(None).await, "K3");
    // Where none holds any more, calls wait.
    assert_eq!(keys.at(5000).get(Some(None)).await, "K4");
    assert_eq!(keys.fetches(), 4);
}

#[tokio::test]
async fn a_key_without_an_end_is_looked_for_again_and_a_failure_is_kept_for_a_moment() {
    let keys = Keys::default();
    assert_eq!(keys.at(1000).get(Some(None)).await, "K1");
    assert_eq!(keys.at(1059).get(None).await, "K1");
    // Another minute it is used meanwhile, and no longer: its file may have changed long ago.
    assert_eq!(keys.at(1060).get(Some(None)).await, "K1");
    keys.settle(2).await;
    assert_eq!(keys.get(None).await, "K2");
    assert_eq!(keys.at(1180).get(None).await, "it fails");
    assert_eq!(keys.at(1184).get(Some(None)).await, "it fails");
    assert_eq!(keys.fetches(), 3);
    assert_eq!(keys.at(1185).get(Some(None)).await, "K4");
    // One whose file is gone is not used on.
    assert_eq!(keys.at(1250).get(None).await, "K4");
    keys.settle(5).await;
    assert_eq!(keys.get(Some(None)).await, "it fails");
    assert!(keys.at(1255).get(Some(Some(1255))).await.contains("have expired"));
}

#[tokio::test]
async fn one_fetches_and_the_others_wait() {
    let keys = Keys::default();
    let one = || keys.get(Some(None));
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert_eq!([a, b, c], ["K1", "K1", "K1"]);
    assert_eq!(keys.fetches(), 1);
}

fn signer(environment: Environment, sts: Option<&str>) -> AwsSigner {
    let services = sts.map(|url| ("sts".to_owned(), place(url).unwrap())).into_iter().collect();
    let others = Some(place("http://127.0.0.1:9").unwrap());
    let places = Places { services, others, ..Places::default() };
    let log = Log::start(LogLevel::Error, LogFormat::Json, None, &types::limits::Limits::default());
    AwsSigner::new(environment, http(), &places, "eu-west-1", log)
}

fn call(role: Option<&str>, to_aws: bool) -> ServiceRequest {
    ServiceRequest {
        method: "POST".to_owned(),
        host: "email.us-east-1.amazonaws.com".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: [("Host", "email.us-east-1.amazonaws.com")].into_iter().collect(),
        body: bytes::Bytes::new(),
        region: "us-east-1".to_owned(),
        service: "email".to_owned(),
        role: role.map(str::to_owned),
        to_aws,
    }
}

#[tokio::test]
async fn a_call_is_signed_with_the_role_s_key_or_the_own_or_by_nobody() {
    const ROLE: &str = "arn:aws:iam::1:role/r";
    let keys = || Environment::of([("AWS_ACCESS_KEY_ID", "OWN"), ("AWS_SECRET_ACCESS_KEY", "hush")]);
    let (sts, came) = serve(vec![(200, assumed("ROLE"))]).await;
    let with_sts = signer(keys(), Some(&sts));
    let key = |headers: &types::headers::Headers| {
        let authorization = headers.get("Authorization").unwrap_or_default().to_owned();
        assert!(authorization.is_empty() || authorization.contains("/us-east-1/ses/aws4_request"), "{authorization}");
        authorization.split(['=', '/']).nth(1).unwrap_or_default().to_owned()
    };
    // STS is asked once.
    for to_aws in [true, false] {
        let signed = with_sts.sign(&call(Some(ROLE), to_aws)).await.unwrap();
        assert_eq!((key(&signed).as_str(), signed.get("X-Amz-Security-Token")), ("ROLE", Some("a&b")));
    }
    assert_eq!(key(&with_sts.sign(&call(None, true)).await.unwrap()), "OWN");
    assert_eq!(came.lock().unwrap().len(), 1);
    let without = signer(keys(), None);
    assert_eq!(key(&without.sign(&call(Some(ROLE), false)).await.unwrap()), "OWN");
    let error = without.sign(&call(Some("arn:aws:iam::*:user/*"), true)).await.unwrap_err();
    assert!(error.contains("is no role"), "{error}");
    let nobody = signer(Environment::of([]), None);
    assert!(nobody.sign(&call(None, false)).await.unwrap().is_empty());
    let error = nobody.sign(&call(None, true)).await.unwrap_err();
    assert!(error.starts_with("no credentials were found: AWS_ACCESS_KEY_ID"), "{error}");
}
