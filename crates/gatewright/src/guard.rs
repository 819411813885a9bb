//! Who may call, where there are credentials: the file in force, and what each request is asked.

mod told;

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use auth::{AccessKey, Claim, Credentials, Decision, Expected, Keys, Outside, Question, Refusal, Request, SigningKeys};
use gateway::{Arrival, Authorizer, AuthorizerLog, Authorizing, Denied, Known};
use http::request::Parts;
use mapping::{Check, Checks};
use tokio::signal::unix::Signal;
use types::arn::Home;
use types::event::EventKind;
use types::identity::{Identity, Signer};
use types::time::Timestamp;

use crate::choices::LogLevel;
use crate::logs::Log;
use crate::seen::{Seen, now};
use crate::small_files::{self, Stamp, stamp};
use told::Told;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest credentials file, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The longest file that a credentials file may name, in bytes.
const NAMED_BYTES_MAX: u64 = 1024 * 1024;

/// Checks who calls.
pub(crate) struct Guard {
    path: PathBuf,
    place: Home,
    insecure: bool,
    log: Log,
    in_force: ArcSwap<InForce>,
    told: Told,
}

/// One reading of the file, and the signing keys of its secrets.
pub(crate) struct InForce {
    credentials: Credentials,
    signing_keys: SigningKeys,
    seen: Vec<(PathBuf, Stamp)>,
}

/// What a credentials file names: files beside it, and the environment.
struct Beside<'b> {
    folder: &'b Path,
    seen: RefCell<Vec<(PathBuf, Stamp)>>,
}

impl Outside for Beside<'_> {
    fn variable(&self, name: &str) -> Result<String, String> {
        std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => "is not set".to_owned(),
            std::env::VarError::NotUnicode(_) => "is no UTF-8 text".to_owned(),
        })
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let path = self.folder.join(path);
        self.seen.borrow_mut().push((path.clone(), stamp(&path)));
        small_files::read_text(&path, NAMED_BYTES_MAX)
    }
}

/// Reads a credentials file and what it names.
///
/// # Errors
/// A sentence that names file and line.
pub(crate) fn read(path: &Path) -> Result<Credentials, String> {
    InForce::read(path).map(|in_force| in_force.credentials)
}

impl InForce {
    fn read(path: &Path) -> Result<InForce, String> {
        let wrong = |what: String| format!("credentials file {}: {what}", path.display());
        let first = (path.to_owned(), stamp(path));
        let text = small_files::read_text(path, FILE_BYTES_MAX).map_err(wrong)?;
        // Names are of files beside it.
        let beside = Beside { folder: path.parent().unwrap_or(Path::new("")), seen: RefCell::new(vec![first]) };
        let credentials = Credentials::parse(&text, &beside).map_err(wrong)?;
        Ok(InForce { credentials, signing_keys: SigningKeys::default(), seen: beside.seen.into_inner() })
    }

    fn is_current(&self) -> bool {
        self.seen.iter().all(|(path, seen)| stamp(path) == *seen)
    }
}

impl Guard {
    /// Reads the file.
    ///
    /// # Errors
    /// A sentence that names file and line.
    pub(crate) fn open(path: &Path, place: Home, insecure: bool, log: &Log) -> Result<Guard, String> {
        let in_force = InForce::read(path)?;
        let guard = Guard {
            path: path.to_owned(),
            place,
            insecure,
            log: log.clone(),
            in_force: ArcSwap::from_pointee(in_force),
            told: Told::default(),
        };
        guard.remark();
        Ok(guard)
    }

    /// Reads the file again when it, or what it names, changes, and when the program is told to. Never returns.
    pub(crate) async fn follow(self: Arc<Self>, mut hang_ups: Signal) {
        // A file that is wrong is said to be once.
        let mut refused: Option<String> = None;
        loop {
            let asked = tokio::select! {
                asked = hang_ups.recv() => asked.is_some(),
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            if let Some(text) = self.told.left_out(now().seconds()) {
                self.log.say(LogLevel::Warn, text);
            }
            // A disk, or a file system of the network, may take its time; the threads of the data plane do not wait.
            let (guard, before) = (self.clone(), refused.clone());
            if let Ok(after) = tokio::task::spawn_blocking(move || guard.look(asked, before)).await {
                refused = after;
            }
        }
    }

    // Looks at the files once. Gives what is wrong with them, which was said.
    fn look(&self, asked: bool, refused: Option<String>) -> Option<String> {
        // While it is wrong it is read each time: what mends it may be another file that it names.
        if !asked && refused.is_none() && self.in_force.load().is_current() {
            return None;
        }
        match InForce::read(&self.path) {
            Ok(read) => {
                let count = read.credentials.count();
                self.in_force.store(Arc::new(read));
                self.log.say(LogLevel::Info, format!("credentials are read again: {count} access keys"));
                self.remark();
                None
            }
            Err(error) => {
                if asked || refused.as_ref() != Some(&error) {
                    self.log.say(LogLevel::Error, format!("{error}; the credentials before stay in force"));
                }
                Some(error)
            }
        }
    }

    fn remark(&self) {
        let in_force = self.in_force.load();
        in_force
            .credentials
            .remarks()
            .iter()
            .for_each(|text| self.log.say(LogLevel::Warn, format!("credentials: {text}")));
    }

    /// Whether pages and figures, for which nobody signs, are for this address.
    pub(crate) fn shows_pages_to(&self, from: IpAddr) -> bool {
        self.insecure || from.is_loopback()
    }

    /// All that can be known of a request's signature before its body is read.
    ///
    /// # Errors
    /// What the caller is told; the log has it already.
    pub(crate) fn begin(
        self: &Arc<Self>,
        parts: &Parts,
        service: &'static str,
        peer: Arrival,
    ) -> Result<Signed, Refusal> {
        let in_force = self.in_force.load_full();
        let now = now();
        let claim = Claim::read(&request(parts)).and_then(|claim| {
            claim.check(expected(service), now.seconds(), &in_force.credentials).map(|_| ())?;
            Ok(claim)
        });
        match claim {
            Ok(claim) => Ok(Signed { guard: self.clone(), in_force, claim, service, peer, now }),
            Err(refusal) => Err(self.told(parts, peer, refusal)),
        }
    }

    // Says it in the log, a few times a second.
    fn told(&self, parts: &Parts, peer: Arrival, refusal: Refusal) -> Refusal {
        let (is_told, left_out) = self.told.count(refusal.kind(), now().seconds());
        left_out.into_iter().for_each(|text| self.log.say(LogLevel::Warn, text));
        if is_told {
            let (method, path) = (&parts.method, parts.uri.path());
            let path: String = path.chars().take(PATH_SHOWN_MAX).collect();
            self.log.say(LogLevel::Warn, format!("{method} {path} from {} is refused: {refusal}", peer.ip));
        }
        refusal
    }
}

/// The access key that a request says to be signed with, for the log; nobody has looked whether it is.
pub(crate) fn claimed_key(parts: &Parts) -> Option<String> {
    let claim = Claim::read(&request(parts)).ok()?;
    Some(claim.key_id().chars().filter(|c| !c.is_control()).take(KEY_ID_SHOWN_MAX).collect())
}

/// How much of an access key's id the log repeats: as much as one may have.
const KEY_ID_SHOWN_MAX: usize = 128;
/// How much of a path the log repeats.
const PATH_SHOWN_MAX: usize = 200;

/// Decides about handshakes of `$connect` routes that ask for `AWS_IAM`.
pub(crate) struct Signatures(pub(crate) Arc<Guard>);

impl Authorizer for Signatures {
    fn authorize<'a>(&'a self, question: gateway::Question<'a>, log: &'a mut AuthorizerLog) -> Authorizing<'a> {
        let known = self.0.handshake(&question, &mut log.checks);
        Box::pin(std::future::ready(known.map_err(|refusal| Denied::Forbidden(refusal.to_string()))))
    }
}

impl Guard {
    // Whose signature a handshake bears. Its stage's log tells what is wrong with it.
    fn handshake(&self, question: &gateway::Question<'_>, checks: &mut Checks) -> Result<Known, Refusal> {
        let begun = Instant::now();
        let result = self.known(question);
        let (latency, error) = (begun.elapsed(), result.as_ref().err().map(ToString::to_string));
        let denied = result.as_ref().is_err_and(|refusal| refusal.kind() == auth::RefusalKind::Denied);
        let checked =
            |error: Option<String>| Some(Check { status: if error.is_some() { 403 } else { 200 }, latency, error });
        // Who has no signature that is right is not asked what it may.
        checks.authenticate = checked(error.clone().filter(|_| !denied));
        checks.authorize = checked(error).filter(|_| denied || result.is_ok());
        result
    }

    fn known(&self, question: &gateway::Question<'_>) -> Result<Known, Refusal> {
        const ACTION: &str = "execute-api:Invoke";
        let EventKind::Connect(handshake) = &question.event.kind else { return Err(Refusal::unsigned()) };
        let headers = handshake.headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
        let (path, query) = (handshake.path.as_str(), handshake.query_string.as_str());
        let request = Request { method: "GET", path, query, headers };
        let in_force = self.in_force.load_full();
        let (now, expected) = (now(), Expected { service: "execute-api", is_handshake: true });
        let claim = Claim::read(&request)?;
        let key = claim.check(expected, now.seconds(), &in_force.credentials)?;
        claim.verify(&request, b"", expected, key, &in_force.signing_keys)?;
        let (Home { region, account_id }, stage) = (&self.place, &question.plan.key);
        let resource = auth::connect_resource(region, account_id, (&stage.api_id, &stage.stage));
        self.allows(key, ACTION, &resource, &Seen::at(question.event, handshake, now))?;
        let signer = Signer {
            access_key: key.id.clone(),
            account_id: account_id.clone(),
            caller: key.user.clone(),
            user: key.user.clone(),
            user_arn: auth::user_arn(account_id, &key.user),
        };
        let identity = Identity { signer: Some(signer), ..Identity::default() };
        Ok(Known { identity, usage_identifier_key: None })
    }

    // Whether a caller may; the refusal holds the statement that decided, or the nearest miss.
    fn allows(&self, key: &AccessKey, action: &str, resource: &str, seen: &Seen<'_>) -> Result<(), Refusal> {
        let keys = if key.asks_for_keys() { seen.keys(caller_keys(&self.place, &key.user)) } else { Keys::default() };
        let verdict = auth::evaluate(&key.policies, &Question { action, resource, keys: &keys });
        if verdict.decision == Decision::Allowed {
            return Ok(());
        }
        let arn = auth::user_arn(&self.place.account_id, &key.user);
        Err(Refusal::denied(&arn, action, resource, verdict.decision == Decision::ExplicitDeny, &verdict.why))
    }
}

fn expected(service: &'static str) -> Expected<'static> {
    Expected { service, is_handshake: false }
}

// As it arrived: paths and headers are signed so.
fn request(parts: &Parts) -> Request<'_> {
    Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
    }
}

/// A request whose key is known and whose signature is still to be compared.
pub(crate) struct Signed {
    guard: Arc<Guard>,
    in_force: Arc<InForce>,
    claim: Claim,
    service: &'static str,
    peer: Arrival,
    now: Timestamp,
}

impl Signed {
    /// Whether the signature is right, now that the body is there.
    ///
    /// # Errors
    /// What the caller is told; the log has it already.
    pub(crate) fn finish(&self, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
        let expected = expected(self.service);
        let result = self
            .key()
            .and_then(|key| self.claim.verify(&request(parts), body, expected, key, &self.in_force.signing_keys));
        result.map_err(|refusal| self.guard.told(parts, self.peer, refusal))
    }

    /// Whether the caller may do something.
    ///
    /// # Errors
    /// What the caller is told; the log has it already, with the statement that decided or the nearest miss.
    pub(crate) fn may(&self, parts: &Parts, action: &str, resource: &str) -> Result<(), Refusal> {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let Arrival { ip, tls, .. } = self.peer;
        let seen = Seen { ip, tls, now: self.now, user_agent: header("user-agent"), referer: header("referer") };
        let result = self.key().and_then(|key| self.guard.allows(key, action, resource, &seen));
        result.map_err(|refusal| self.guard.told(parts, self.peer, refusal))
    }

    /// The user that signed.
    pub(crate) fn user(&self) -> &str {
        self.in_force.credentials.get(self.claim.key_id()).map_or("", |key| &key.user)
    }

    /// The Region and account that resources name.
    pub(crate) fn region(&self) -> &str {
        &self.guard.place.region
    }

    pub(crate) fn account_id(&self) -> &str {
        &self.guard.place.account_id
    }

    // At the time that `begin` saw, and in the same reading of the file: the answer is the same.
    fn key(&self) -> Result<&AccessKey, Refusal> {
        self.claim.check(expected(self.service), self.now.seconds(), &self.in_force.credentials)
    }
}

/// The condition keys that say who calls.
pub(crate) fn caller_keys(place: &Home, user: &str) -> Keys {
    Keys::default()
        .with("aws:username", user)
        .with("aws:userid", user)
        .with("aws:PrincipalArn", auth::user_arn(&place.account_id, user))
        .with("aws:PrincipalAccount", place.account_id.as_str())
        .with("aws:PrincipalType", "User")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::LogFormat;

    #[test]
    fn pages_are_for_the_machine_itself_unless_the_network_is_ones_own() {
        let log = Log::start(LogLevel::Error, LogFormat::Json, None, &types::limits::Limits::default());
        let in_force =
            || InForce { credentials: Credentials::default(), signing_keys: SigningKeys::default(), seen: Vec::new() };
        for (insecure, from, shown) in
            [(false, "127.0.0.1", true), (false, "::1", true), (false, "10.0.0.1", false), (true, "10.0.0.1", true)]
        {
            let guard = Guard {
                path: PathBuf::new(),
                place: Home { region: "us-east-1".to_owned(), account_id: "000000000000".to_owned() },
                insecure,
                log: log.clone(),
                in_force: ArcSwap::from_pointee(in_force()),
                told: Told::default(),
            };
            assert_eq!(guard.shows_pages_to(from.parse().unwrap()), shown, "{insecure} {from}");
        }
    }
}
