//! An issuer's keys: fetched, kept, and asked for anew within bounds, whatever clients send.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::jwt::{Claims, KEYS_BYTES_MAX, Keys, Refusal, RefusalKind, Token};
use bytes::Bytes;
use gateway::Denied;
use integration::{Fetch, Http};
use tokio::sync::{Notify, watch};
use types::message::HttpTarget;

use super::settings::{KeysAt, Settings, protected};
use crate::choices::LogLevel;
use crate::logs::Log;

/// How long keys are used without asking the issuer whether it still has them. AWS documents that it may keep them for two hours.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// How long they are used while the issuer cannot be asked. Longer than tokens live.
const IN_FORCE_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How often an issuer is asked at most, whatever clients send.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// How long all of one fetch may take: configuration and keys.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// The longest configuration of an issuer, in bytes; large ones have some 10 KB.
const CONFIGURATION_BYTES_MAX: usize = 64 * 1024;

/// An issuer, and its keys as they were fetched last.
pub(crate) struct Issuer {
    settings: Settings,
    http: Arc<Http>,
    log: Log,
    state: watch::Sender<State>,
    /// Somebody wants the issuer to be asked.
    wanted: Notify,
}

/// What is known of an issuer's keys.
#[derive(Clone, Default)]
struct State {
    /// How often it was asked.
    tries: u64,
    /// When the last answer, or none, came.
    tried: Option<Instant>,
    held: Option<Held>,
    /// Why the last try gave no keys.
    failure: Option<String>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<Keys>,
    since: Instant,
}

/// What is to be done about keys before, or beside, using them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing.
    Nothing,
    /// The issuer is to be asked, and those that are there are used meanwhile.
    Ask,
    /// The issuer is to be asked first.
    AskFirst,
}

impl State {
    /// The keys that may be used.
    fn keys(&self, now: Instant) -> Option<Arc<Keys>> {
        let held = self.held.as_ref().filter(|held| now.saturating_duration_since(held.since) < IN_FORCE_FOR)?;
        Some(held.keys.clone())
    }

    /// `fits`: whether the keys have one for the token at hand.
    fn need(&self, fits: bool, now: Instant) -> Need {
        if !self.may_ask(now) {
            return Need::Nothing;
        }
        match (&self.held, &self.failure) {
            _ if !fits => Need::AskFirst,
            (Some(held), _) if now.saturating_duration_since(held.since) < FRESH_FOR => Need::Nothing,
            // Clients do not wait for an issuer that does not answer.
            (Some(_), Some(_)) => Need::Ask,
            _ => Need::AskFirst,
        }
    }

    fn may_ask(&self, now: Instant) -> bool {
        self.tried.is_none_or(|tried| now.saturating_duration_since(tried) >= ASKED_EVERY)
    }
}

impl Issuer {
    pub(super) fn new(settings: Settings, http: Arc<Http>, log: Log) -> Issuer {
        let (state, _) = watch::channel(State::default());
        Issuer { settings, http, log, state, wanted: Notify::new() }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What a token claims, if the issuer signed it. Its keys are asked for anew where none of them made the signature; that is
    /// waited for, and for no longer than `patience`.
    pub(super) async fn claims(
        &self,
        token: &str,
        patience: Duration,
        refused: impl Fn(Refusal) -> Denied,
    ) -> Result<Claims, Denied> {
        let token = Token::read(token).map_err(&refused)?;
        let mut states = self.state.subscribe();
        let mut asked = false;
        loop {
            let (state, now) = (states.borrow_and_update().clone(), Instant::now());
            let verified = state.keys(now).map(|keys| token.verify(&keys));
            let fits = verified.as_ref().is_some_and(|verified| match verified {
                Ok(_) => true,
                // A key may have changed under its name, too.
                Err(refusal) => !matches!(refusal.kind, RefusalKind::UnknownKey | RefusalKind::Signature),
            });
            let need = if asked { Need::Nothing } else { state.need(fits, now) };
            if need != Need::Nothing {
                self.wanted.notify_one();
            }
            if need == Need::AskFirst {
                // One fetch serves all who wait.
                let newer = states.wait_for(|newer| newer.tries > state.tries);
                // Without an answer it goes on with what there is.
                let _ = tokio::time::timeout(patience, newer).await;
                asked = true;
                continue;
            }
            return match verified {
                Some(verified) => verified.map_err(refused),
                None => Err(Denied::Failed(self.no_keys(&state))),
            };
        }
    }

    fn no_keys(&self, state: &State) -> String {
        let why = state.failure.as_deref().unwrap_or("no answer yet");
        format!("the keys of {} cannot be had: {why}", self.settings.expected.issuer)
    }

    /// Fetches the keys, and again when somebody wants them, one fetch at a time. Never returns.
    pub(crate) async fn follow(&self) {
        loop {
            let fetched = tokio::time::timeout(FETCH_TIME, self.fetch()).await;
            let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", FETCH_TIME.as_secs())));
            self.keep(fetched);
            loop {
                self.wanted.notified().await;
                // Those who were told meanwhile want nothing any more.
                if self.state.borrow().may_ask(Instant::now()) {
                    break;
                }
            }
        }
    }

    fn keep(&self, fetched: Result<Keys, String>) {
        let issuer = &self.settings.expected.issuer;
        let before = self.state.borrow().clone();
        let (tries, tried) = (before.tries + 1, Some(Instant::now()));
        let state = match fetched {
            Ok(keys) => {
                let same = before.held.as_ref().is_some_and(|held| *held.keys == keys);
                if !same || before.failure.is_some() {
                    self.log.say(LogLevel::Info, format!("{issuer} has {} keys for tokens", keys.count()));
                    for why in keys.left_out() {
                        self.log.say(LogLevel::Info, format!("{issuer}: left out: {why}"));
                    }
                }
                let held = Some(Held { keys: Arc::new(keys), since: Instant::now() });
                State { tries, tried, held, failure: None }
            }
            Err(why) => {
                // The same is said once.
                if before.failure.as_ref() != Some(&why) {
                    let kept = match &before.held {
                        Some(_) => "; those before stay in force",
                        None => "; nobody gets in with its tokens",
                    };
                    self.log.say(LogLevel::Warn, format!("the keys of {issuer} cannot be had: {why}{kept}"));
                }
                State { tries, tried, held: before.held, failure: Some(why) }
            }
        };
        self.state.send_replace(state);
    }

    async fn fetch(&self) -> Result<Keys, String> {
        match &self.settings.keys {
            KeysAt::File(path) => read_file(path),
            KeysAt::Url(url) => self.keys_at(url).await,
            KeysAt::Discovered { configuration, fallback } => match self.discover(configuration).await? {
                Discovered::At(url) => self.keys_at(&url).await,
                Discovered::Nothing(status) => {
                    let keys = self.keys_at(fallback).await;
                    keys.map_err(|error| format!("{error}; {} answered {status}", configuration.url()))
                }
            },
        }
    }

    async fn get(&self, at: &HttpTarget, bytes_max: usize) -> Result<(u16, Bytes), String> {
        let headers = [("Accept", "application/json"), ("User-Agent", "gatewright")].into_iter().collect();
        let body = Bytes::new();
        let fetch =
            Fetch { method: "GET", headers: &headers, body: &body, answer_bytes_max: bytes_max, timeout: FETCH_TIME };
        self.http.fetch(at, &fetch).await.map_err(|error| error.to_string())
    }

    async fn keys_at(&self, url: &HttpTarget) -> Result<Keys, String> {
        match self.get(url, KEYS_BYTES_MAX).await? {
            (200, body) => Keys::parse(&body).map_err(|error| format!("{}: {error}", url.url())),
            (status, _) => Err(format!("{} answered {status}", url.url())),
        }
    }

    // Source: OpenID Connect Discovery 1.0, 4.
    async fn discover(&self, configuration: &HttpTarget) -> Result<Discovered, String> {
        let body = match self.get(configuration, CONFIGURATION_BYTES_MAX).await? {
            (200, body) => body,
            (status, _) => return Ok(Discovered::Nothing(status)),
        };
        let wrong = |what: String| format!("{}: {what}", configuration.url());
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&body).map_err(|_| wrong("it is no JSON object".to_owned()))?;
        let text = |name: &str| members.get(name).and_then(serde_json::Value::as_str);
        let issuer = &self.settings.expected.issuer;
        // 4.3: they must be the same, or it is the configuration of another.
        match text("issuer") {
            Some(named) if named == issuer => {}
            Some(named) => return Err(wrong(format!("it is of the issuer `{}`, and not of `{issuer}`", cut(named)))),
            None => return Err(wrong("it names no `issuer`".to_owned())),
        }
        let url = text("jwks_uri").ok_or_else(|| wrong("it has no `jwks_uri`".to_owned()))?;
        HttpTarget::parse(url)
            .and_then(protected)
            .map(Discovered::At)
            .map_err(|error| wrong(format!("jwks_uri: {error}")))
    }
}

/// Where an issuer says that its keys are.
enum Discovered {
    At(HttpTarget),
    /// It has no configuration: the status of the answer.
    Nothing(u16),
}

fn read_file(path: &Path) -> Result<Keys, String> {
    let wrong = |what: String| format!("{}: {what}", path.display());
    let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > KEYS_BYTES_MAX as u64 {
        return Err(wrong(format!("{length} bytes are more than {KEYS_BYTES_MAX}")));
    }
    let document = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    Keys::parse(&document).map_err(wrong)
}

// What another wrote, short and on one line.
fn cut(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 100;
    text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_when_it_must_be_and_no_more_often_than_it_may() {
        let start = Instant::now();
        let keys = Arc::new(Keys::parse(br#"{"keys":[]}"#).unwrap());
        let (hour, day) = (FRESH_FOR.as_secs(), IN_FORCE_FOR.as_secs());
        // Seconds since keys came, since the last try, whether that failed, whether a key fits; what is needed, whether
        // there are keys.
        for (about, held, tried, failed, fits, need, has_keys) in [
            ("at the start", None, None, false, false, Need::AskFirst, false),
            ("a fetch failed just now", None, Some(1), true, false, Need::Nothing, false),
            ("it failed a while ago", None, Some(10), true, false, Need::AskFirst, false),
            ("a key that is there", Some(1), Some(1), false, true, Need::Nothing, true),
            ("a key that is not there", Some(30), Some(30), false, false, Need::AskFirst, true),
            ("such keys in thousands", Some(9), Some(9), false, false, Need::Nothing, true),
            ("such a key, and the issuer is down", Some(500), Some(3), true, false, Need::Nothing, true),
            ("just before the hour", Some(hour - 1), Some(hour - 1), false, true, Need::Nothing, true),
            ("after the hour", Some(hour), Some(hour), false, true, Need::AskFirst, true),
            ("after the hour, and the issuer is down", Some(hour), Some(10), true, true, Need::Ask, true),
            ("the same, just asked", Some(hour), Some(9), true, true, Need::Nothing, true),
            ("a day later", Some(day - 1), Some(60), true, true, Need::Ask, true),
            ("after the day", Some(day), Some(60), true, false, Need::AskFirst, false),
        ] {
            let now = start + Duration::from_secs(2 * day);
            let ago = |seconds: u64| now - Duration::from_secs(seconds);
            let state = State {
                tries: 1,
                tried: tried.map(ago),
                held: held.map(|seconds| Held { keys: keys.clone(), since: ago(seconds) }),
                failure: failed.then(|| "down".to_owned()),
            };
            assert_eq!(state.need(fits, now), need, "{about}");
            assert_eq!(state.keys(now).is_some(), has_keys, "{about}");
        }
    }
}
