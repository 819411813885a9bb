//! Every HTTP request that is no upgrade: which part of the house answers it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use control::{Caller, Control};
use functions::Directory;
use gateway::{Address, Arrival, Below, ConnectionsAnswer, Gateway, Secrets, upgrade_required};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::Incoming;
use integration::Functions as _;
use serde_json::json;
use traces::series::Series;
use types::limits::Limits;

use crate::answers::{
    Response, error, feed_response, from_connections, from_gateway, full, json_response, moved, see_other,
    text_response, typed_error,
};
use crate::bodies::{Bodies, Unread};
use crate::choices::LogLevel;
use crate::cloudwatch;
use crate::config::Config;
use crate::console;
use crate::cross_origin::{self, AllowedOrigins};
use crate::door::Door;
use crate::elsewhere;
use crate::feed;
use crate::guard::{self, Guard, Signed};
use crate::lambda_api;
use crate::logs::Log;
use crate::metrics;
use crate::neighbour;
use crate::nodes::Node;
use crate::own_tls::OwnTls;
use crate::stacks::{self, Stacks};
use crate::strangers::{self, AllowedHosts, Stranger};
use crate::views::{self, Views};

/// Calls of the control plane that may be under way at once; each may wait for the disk on a thread of its own. There are
/// no more such threads: each keeps a megabyte, and tokio starts more than are needed where calls come thick.
pub(crate) const CONTROL_CALLS_MAX: usize = 64;

/// Of which so many may be about stacks: these take turns, and a turn may have to wait for a function to be built.
const STACK_CALLS_MAX: usize = 4;

/// Sockets of addresses that have too many, and are told so: each stays open for a moment, until its client has read it.
const REFUSALS_MAX: usize = 64;

const BROKEN: &str = "the body did not arrive whole, or not in time";
const ELSEWHERE: &str = "with --credentials, console, feed and metrics are shown on the machine itself only, since nobody signs for them; \
                         --insecure shows them to other machines too";
const BUSY: &str = "too many bodies are being read; try again";

/// Where the health of the program is told, on every address and under every name.
const HEALTH: &str = "/_health";

/// What is served beside the data plane, the control plane and the console's files; all of it but the health where the
/// control plane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Health,
    Log,
    Metrics,
    About,
    Stages,
    Moved,
}

const PAGES: &[(&str, Page)] = &[
    (HEALTH, Page::Health),
    ("/_gatewright/v1/log", Page::Log),
    ("/_metrics", Page::Metrics),
    ("/", Page::About),
    ("/_gatewright/v1/stages", Page::Stages),
    ("/_console", Page::Moved),
    ("/_gatewright/demo", Page::Moved),
    ("/_gatewright/demo/", Page::Moved),
];

/// What one listening address serves.
pub(crate) struct Service {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) control: Arc<Control>,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
    /// Whether clients and backends may come here.
    pub(crate) serves_clients: bool,
    /// Whether control plane, feed and pages are here.
    pub(crate) serves_admin: bool,
    /// What the console is told.
    pub(crate) console: console::Facts,
    /// Under which names what is not the data plane is served.
    pub(crate) allowed_hosts: AllowedHosts,
    /// Of which origins pages may use it.
    pub(crate) allowed_origins: AllowedOrigins,
    /// Who may say for whom a socket is.
    pub(crate) door: Door,
    /// Sockets at once that are told why they are closed unread.
    pub(crate) refusals: tokio::sync::Semaphore,
    /// Under which names pages may push, besides custom domain names: these, and the public one, where the control plane
    /// need not be served.
    pub(crate) push_hosts: AllowedHosts,
    /// How many sockets of clients may be open; the rest is for backends, files and the program itself.
    pub(crate) client_files_max: usize,
    /// For the control plane and for pushes apart: anybody who reaches a stage's address can push, and slowly.
    pub(crate) control_bodies: Bodies,
    pub(crate) pushed_bodies: Bodies,
    pub(crate) control_calls: tokio::sync::Semaphore,
    pub(crate) stack_calls: tokio::sync::Semaphore,
    pub(crate) watchers: Arc<AtomicUsize>,
    /// What console and terminal ask.
    pub(crate) views: Arc<Views>,
    /// What CloudWatch's answers are made from.
    pub(crate) cloudwatch: Arc<cloudwatch::Around>,
    /// TLS beside clear text, for functions of this machine.
    pub(crate) own_tls: Option<Arc<OwnTls>>,
    /// Functions that can be called here as in Lambda.
    pub(crate) functions: Option<Arc<Directory>>,
    /// What templates made.
    pub(crate) stacks: Option<Arc<Stacks>>,
    /// Who it is among many.
    pub(crate) node: Option<Arc<Node>>,
    /// Who may call; none where nobody looks.
    pub(crate) guard: Option<Arc<Guard>>,
}

impl Service {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        control: Arc<Control>,
        log: Log,
        series: Arc<Series>,
        node: Option<Arc<Node>>,
        config: &Config,
    ) -> Service {
        let control_calls = tokio::sync::Semaphore::new(CONTROL_CALLS_MAX);
        let watchers = Arc::new(AtomicUsize::new(0));
        let views = Views {
            gateway: gateway.clone(),
            control: control.clone(),
            log: log.clone(),
            limits: config.limits.clone(),
            dialect: config.dialect(),
            secrets: if config.settings.show_secrets { Secrets::Shown } else { Secrets::Masked },
            busy: tokio::sync::Semaphore::new(views::BUSY_MAX),
            series,
            watchers: watchers.clone(),
            node: node.clone(),
        };
        let cloudwatch = cloudwatch::Around {
            gateway: gateway.clone(),
            control: control.clone(),
            log: log.clone(),
            series: views.series.clone(),
            home: config.home(),
        };
        Service {
            cloudwatch: Arc::new(cloudwatch),
            views: Arc::new(views),
            gateway,
            control,
            log,
            limits: config.limits.clone(),
            allowed_hosts: config.settings.allowed_hosts.clone(),
            allowed_origins: config.settings.allowed_origins.clone(),
            door: Door { proxies: config.settings.trusted_proxies.clone(), proxy_protocol: false },
            refusals: tokio::sync::Semaphore::new(REFUSALS_MAX),
            push_hosts: config.settings.allowed_hosts.and_of(config.settings.public_url.as_deref()),
            serves_clients: true,
            serves_admin: true,
            console: console::Facts::default(),
            client_files_max: usize::MAX,
            control_bodies: Bodies::default(),
            pushed_bodies: Bodies::default(),
            node,
            control_calls,
            stack_calls: tokio::sync::Semaphore::new(STACK_CALLS_MAX),
            watchers,
            own_tls: None,
            functions: None,
            stacks: None,
            guard: None,
        }
    }

    /// Answers a request that came from an address. Cannot fail: what is wrong with it is the answer.
    pub(crate) async fn answer(&self, request: http::Request<Incoming>, peer: Arrival) -> Response {
        let Some(origin) = self.allowed_origins.of(&request) else {
            return self.answer_one(request, peer, false).await;
        };
        let mut response = self.answer_one(request, peer, true).await;
        cross_origin::share(response.headers_mut(), origin);
        response
    }

    async fn answer_one(&self, request: http::Request<Incoming>, peer: Arrival, is_allowed_origin: bool) -> Response {
        if let Err(stranger) = strangers::check(&request, is_allowed_origin) {
            return refused(&stranger);
        }
        let host = host(&request).to_owned();
        let path = request.uri().path().to_owned();
        let pushes = |address: &Address| matches!(address.below, Below::Connection(_) | Below::Connections);
        if let Some(address) = self.gateway.address(&host, &path)
            // Backends push where the control plane is, too: with --admin they may see no other address.
            && (self.serves_clients || pushes(&address))
        {
            // A custom domain name is the owner's own.
            if pushes(&address)
                && !address.by_custom_domain
                && let Err(stranger) = strangers::check_page_host(&request, &self.push_hosts)
            {
                return refused(&stranger);
            }
            if is_allowed_origin
                && pushes(&address)
                && let Some(response) = cross_origin::preflight(&request)
            {
                return response;
            }
            let mut response = self.data_plane(&address, request, peer).await;
            // Every answer can be told from the others in a report; a text of 16 safe characters is a header's value.
            if let Ok(id) = HeaderValue::try_from(self.gateway.new_request_id()) {
                response.headers_mut().entry("x-amzn-RequestId").or_insert(id);
            }
            return response;
        }
        // Whoever balances load asks under any name; it learns nothing by it.
        if path != HEALTH
            && let Err(stranger) = strangers::check_host(&request, &self.allowed_hosts)
        {
            return refused(&stranger);
        }
        if is_allowed_origin
            && self.serves_admin
            && let Some(response) = cross_origin::preflight(&request)
        {
            return response;
        }
        let page = PAGES.iter().find(|(of, _)| *of == path).map(|(_, page)| *page);
        let query = request.uri().query().unwrap_or_default();
        let functions = self.functions.clone().filter(|functions| self.serves_admin && !functions.is_empty());
        let operation = functions.as_ref().and_then(|_| lambda_api::Operation::of(request.method(), &path, query));
        // Control plane and Lambda API look at signatures themselves.
        let stacks = self.stacks.clone().filter(|_| self.serves_admin);
        let of_stacks = stacks.as_ref().and_then(|_| stacks::call::Operation::of(request.method(), &path));
        let may_be_of_deployer = stacks.as_ref().filter(|_| of_stacks.is_none());
        let of_deployer = may_be_of_deployer.and_then(|_| stacks::neighbours::Service::of(&request));
        let of_cloudwatch = cloudwatch::Service::of(&request).filter(|_| self.serves_admin);
        let is_open = of_stacks.is_some()
            || of_cloudwatch.is_some()
            || of_deployer.is_some()
            || page == Some(Page::Health)
            || Control::owns(&path)
            || operation.is_some()
            || !self.serves_admin;
        if !is_open
            && let Some(guard) = &self.guard
            && !guard.shows_pages_to(peer.ip)
        {
            return typed_error(StatusCode::FORBIDDEN, "AccessDeniedException", ELSEWHERE);
        }
        if let Some(service) = of_cloudwatch {
            return self.cloudwatch(service, request, peer).await;
        }
        // Whom a signature names comes first: keys of objects may look like any path.
        if let (Some(stacks), Some(service)) = (stacks.clone(), of_deployer) {
            return self.deploying(stacks, service, request, peer).await;
        }
        if let (Some(functions), Some(operation)) = (functions, operation) {
            return self.lambda(functions, operation, request, peer).await;
        }
        if let (Some(stacks), Some(operation)) = (stacks, of_stacks) {
            return self.stacks(stacks, operation, request, peer).await;
        }
        if let Some(response) = elsewhere::answer(&request) {
            return response;
        }
        match page {
            Some(Page::Health) if self.gateway.is_draining() => {
                return error(StatusCode::SERVICE_UNAVAILABLE, "stopping");
            }
            Some(Page::Health) if !self.gateway.lets_in() => {
                let mut health = self.health();
                health["status"] = "the node has no number, and lets no client in".into();
                return json_response(StatusCode::SERVICE_UNAVAILABLE, &health);
            }
            Some(Page::Health) => return json_response(StatusCode::OK, &self.health()),
            // Where the demo's page was.
            Some(Page::Moved) if self.serves_admin => return moved(console::PATH),
            Some(page) if self.serves_admin && request.method() == Method::GET => {
                return self.page(page, &request).await;
            }
            Some(_) | None => {}
        }
        if self.serves_admin
            && let Some(call) = views::Call::of(&path)
        {
            return self.view(call, request).await;
        }
        if self.serves_admin
            && let Some((content_type, text)) = path.strip_prefix(console::PATH).and_then(console::file)
        {
            return console::response(content_type, text);
        }
        if self.serves_admin && Control::owns(&path) {
            return self.control_plane(request, peer).await;
        }
        if path.contains("/@connections") || path.contains("/%40connections") {
            return error(StatusCode::NOT_FOUND, &no_api_in(&host));
        }
        error(StatusCode::NOT_FOUND, &format!("nothing is served at {path} on {host}"))
    }

    async fn page(&self, page: Page, request: &http::Request<Incoming>) -> Response {
        match page {
            Page::Log => match feed::start(&self.log, &self.watchers, request.uri().query(), request.headers()) {
                Some(body) => feed_response(body),
                None => error(StatusCode::SERVICE_UNAVAILABLE, "too many readers of the log feed"),
            },
            Page::Metrics => self.metrics().await,
            Page::Stages => self.stages().await,
            Page::About if console::wants_page(request.headers()) => see_other(console::PATH),
            Page::About => json_response(StatusCode::OK, &self.about()),
            Page::Health => json_response(StatusCode::OK, &self.health()),
            Page::Moved => moved(console::PATH),
        }
    }

    // Many stages make a long text, which no thread of the data plane should be busy with.
    async fn metrics(&self) -> Response {
        let _permit = self.control_calls.acquire().await;
        let (gateway, log) = (self.gateway.clone(), self.log.clone());
        match tokio::task::spawn_blocking(move || metrics::text(&gateway, &log)).await {
            Ok(text) => text_response(metrics::CONTENT_TYPE, text),
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written"),
        }
    }

    async fn stages(&self) -> Response {
        let _permit = self.control_calls.acquire().await;
        let (facts, control, gateway) = (self.console.clone(), self.control.clone(), self.gateway.clone());
        match tokio::task::spawn_blocking(move || facts.to_json(&control, &gateway)).await {
            Ok(stages) => json_response(StatusCode::OK, &stages),
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the stages could not be listed"),
        }
    }

    fn health(&self) -> serde_json::Value {
        let mut health = json!({ "status": "ok", "connections": self.gateway.open_connections() });
        if let Some(node) = &self.node {
            health["cluster"] = node.health();
        }
        health
    }

    fn about(&self) -> serde_json::Value {
        json!({ "program": "gatewright", "console": console::PATH, "controlPlane": "/v2/apis", "health": "/_health", "metrics": "/_metrics", "log": "/_gatewright/v1/log" })
    }

    async fn data_plane(&self, address: &Address, request: http::Request<Incoming>, peer: Arrival) -> Response {
        match &address.below {
            Below::Nothing if self.gateway.has_stage(address) => from_gateway(upgrade_required()),
            Below::Path(_) if self.gateway.opens_below(address) => from_gateway(upgrade_required()),
            Below::Nothing | Below::Path(_) => {
                let method = request.method().as_str();
                from_connections(self.gateway.connections(method, address, "", Bytes::new()).await)
            }
            Below::Connection(_) | Below::Connections => {
                let (parts, body) = request.into_parts();
                let (method, query) = (&parts.method, parts.uri.query().unwrap_or_default());
                // Whether there is such a stage comes first (inferred); then nobody unknown is told more. Asked once: a
                // stage that is deployed meanwhile is not for a call that nobody looked at.
                let signed = match &self.guard {
                    Some(guard) if self.gateway.has_stage(address) => match guard.begin(&parts, "execute-api", peer) {
                        Ok(signed) => Some(signed),
                        Err(refusal) => return from_guard(&refusal),
                    },
                    Some(_) => {
                        let key = guard::claimed_key(&parts);
                        return from_connections(self.gateway.push_to_nowhere(
                            method.as_str(),
                            address,
                            key.as_deref(),
                        ));
                    }
                    None => None,
                };
                let admits =
                    |body: &[u8]| signed.as_ref().map_or(Ok(()), |signed| admits(signed, &parts, body, address));
                // What will be refused whatever its body says is refused before that is read.
                let Some(bytes_max) = self.gateway.body_bytes_max(method.as_str(), address) else {
                    if let Err(refusal) = admits(&[]) {
                        return from_guard(&refusal);
                    }
                    let answer = self.gateway.connections(method.as_str(), address, query, Bytes::new()).await;
                    return from_connections(answer);
                };
                let waits = waits_to_send(&parts.headers);
                let answer = match self.pushed_bodies.collect(body, bytes_max, waits).await {
                    Ok(body) => match admits(&body) {
                        Ok(()) => self.gateway.connections(method.as_str(), address, query, body).await,
                        Err(refusal) => return from_guard(&refusal),
                    },
                    Err(Unread::TooLarge) => ConnectionsAnswer::too_large(bytes_max),
                    Err(Unread::Broken) => return error(StatusCode::BAD_REQUEST, BROKEN),
                    Err(Unread::Busy) => return error(StatusCode::SERVICE_UNAVAILABLE, BUSY),
                };
                from_connections(answer)
            }
        }
    }

    fn refused_by_guard(&self, refusal: &auth::Refusal) -> Response {
        let mut response = from_guard(refusal);
        if let Ok(id) = HeaderValue::try_from(self.gateway.new_request_id()) {
            response.headers_mut().insert("x-amzn-RequestId", id);
        }
        response
    }

    async fn lambda(
        &self,
        functions: Arc<Directory>,
        operation: lambda_api::Operation,
        request: http::Request<Incoming>,
        peer: Arrival,
    ) -> Response {
        let (parts, body) = request.into_parts();
        let signed = match self.guard.as_ref().map(|guard| guard.begin(&parts, "lambda", peer)).transpose() {
            Ok(signed) => signed,
            Err(refusal) => return self.refused_by_guard(&refusal),
        };
        if self.gateway.is_draining() {
            return stopping();
        }
        let bytes_max = lambda_api::PAYLOAD_BYTES_MAX;
        let body = match self.control_bodies.collect(body, bytes_max, waits_to_send(&parts.headers)).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                let text = format!("Request must be smaller than {bytes_max} bytes for the InvokeFunction operation");
                return typed_error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", &text);
            }
            Err(Unread::Broken) => {
                return typed_error(StatusCode::BAD_REQUEST, "InvalidRequestContentException", BROKEN);
            }
            Err(Unread::Busy) => {
                return typed_error(StatusCode::SERVICE_UNAVAILABLE, "ServiceException", BUSY);
            }
        };
        if let Some(signed) = &signed {
            let resource = operation.resource(signed.region(), signed.account_id());
            let may = |()| signed.may(&parts, operation.action(), &resource);
            if let Err(refusal) = signed.finish(&parts, &body).and_then(may) {
                return self.refused_by_guard(&refusal);
            }
        }
        lambda_api::answer(&functions, &operation, &parts, body).await
    }

    async fn control_plane(&self, request: http::Request<Incoming>, peer: Arrival) -> Response {
        let mut caller = Caller::of(&request, Some(peer.ip));
        let (parts, body) = request.into_parts();
        let signed = match self.guard.as_ref().map(|guard| guard.begin(&parts, "apigateway", peer)).transpose() {
            Ok(signed) => signed,
            Err(refusal) => return self.refused_by_guard(&refusal),
        };
        let bytes_max = self.limits.control_body_bytes;
        let comes_too_late = || self.gateway.is_draining() && parts.method != Method::GET;
        if comes_too_late() {
            return stopping();
        }
        let body = match self.control_bodies.collect(body, bytes_max, waits_to_send(&parts.headers)).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                let text = format!("the body is larger than {bytes_max} bytes (limit control-body-bytes)");
                return typed_error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", &text);
            }
            Err(Unread::Broken) => {
                return typed_error(StatusCode::BAD_REQUEST, "BadRequestException", BROKEN);
            }
            Err(Unread::Busy) => {
                return typed_error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", BUSY);
            }
        };
        if let Some(signed) = &signed {
            let action = format!("apigateway:{}", parts.method);
            let resource = auth::control_resource(signed.region(), parts.uri.path());
            match signed.finish(&parts, &body).and_then(|()| signed.may(&parts, &action, &resource)) {
                Ok(()) => caller = caller.known_as(signed.user()),
                Err(refusal) => return self.refused_by_guard(&refusal),
            }
        }
        let _permit = self.control_calls.acquire().await;
        // The stop may have begun while the body came, or while others had all the permits.
        if comes_too_late() {
            return stopping();
        }
        let control = self.control.clone();
        let call = format!("{} {}", parts.method, parts.uri.path());
        // A write waits for the disk; the threads of the data plane do not.
        let answer =
            tokio::task::spawn_blocking(move || control.handle(&caller, http::Request::from_parts(parts, body))).await;
        match answer {
            Ok(answer) => {
                // A full disk is the business of who runs the program, not only of the tool that happens to meet it.
                if answer.status() == StatusCode::INTERNAL_SERVER_ERROR {
                    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                    let why = body["message"].as_str().unwrap_or("no reason is known");
                    self.log.say(LogLevel::Error, format!("{call} failed: {why}"));
                }
                answer.map(full)
            }
            Err(_) => {
                typed_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException", "Internal failure")
            }
        }
    }
}

// A call of `@connections`: the signature, then what it is for.
fn admits(signed: &Signed, parts: &Parts, body: &[u8], address: &Address) -> Result<(), auth::Refusal> {
    const ACTION: &str = "execute-api:ManageConnections";
    signed.finish(parts, body)?;
    let key = (address.key.api_id.as_str(), address.key.stage.as_str());
    let may = |id: &str| {
        let resource = auth::push_resource(signed.region(), signed.account_id(), key, parts.method.as_str(), id);
        signed.may(parts, ACTION, &resource)
    };
    match &address.below {
        Below::Connection(id) => may(id),
        // A text for many: for each of them, as if it were sent alone; where none is named, for any.
        _ => match gateway::Many::read(body) {
            Ok(many) if !many.connection_ids.is_empty() => many.connection_ids.iter().try_for_each(|id| may(id)),
            _ => may("*"),
        },
    }
}

// Whoever makes functions on AWS may have code run here.
fn may_run_code(signed: Option<&Signed>, parts: &Parts, peer: &Arrival) -> Result<(), String> {
    const ACTION: &str = "lambda:CreateFunction";
    let Some(signed) = signed else { return neighbour::may_run_code(peer) };
    let resource = format!("arn:aws:lambda:{}:{}:function:*", signed.region(), signed.account_id());
    let may = signed.may(parts, ACTION, &resource);
    may.map_err(|_| format!("its functions do not run: {} may not {ACTION} on {resource}", signed.user()))
}

fn from_guard(refusal: &auth::Refusal) -> Response {
    let mut response = http::Response::new(full(refusal.body().into()));
    *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-ErrorType", HeaderValue::from_static(refusal.error_type()));
    response
}

fn host(request: &http::Request<Incoming>) -> &str {
    let header = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    request.uri().authority().map(|authority| authority.as_str()).or_else(header).unwrap_or_default()
}

// What a backend asks for that has the gateway's address and not a stage's.
fn no_api_in(host: &str) -> String {
    format!(
        "this address names no API: a client is pushed to at http://{host}/_aws/execute-api/API/STAGE/@connections/ID, and the AWS \
         CLI and SDKs take http://{host}/_aws/execute-api/API/STAGE as endpoint URL (AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI)"
    )
}

fn refused(stranger: &Stranger) -> Response {
    let name = match stranger.status {
        StatusCode::FORBIDDEN => "AccessDeniedException",
        _ => "BadRequestException",
    };
    typed_error(stranger.status, name, &stranger.text)
}

fn stopping() -> Response {
    let text = "the gateway is stopping and takes no more changes";
    typed_error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", text)
}

// Such a client sends its body only when asked to, so there is nothing to drop when it is not.
fn waits_to_send(headers: &http::HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

mod deploying;
mod viewing;
#[cfg(test)]
mod walk;
