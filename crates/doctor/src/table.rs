//! Every code there is: how much it bites, and what comes of it. docs/doctor.md is made from it.

use crate::findings::Severity::{self, Error, Hint, Warning};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its name.
    pub name: &'static str,
    /// How much it bites.
    pub severity: Severity,
    /// What it is about, for the page.
    pub about: &'static str,
    /// What comes of it, in a sentence that follows what is wrong.
    pub why: &'static str,
}

const fn code(name: &'static str, severity: Severity, about: &'static str, why: &'static str) -> Code {
    Code { name, severity, about, why }
}

/// All of them, in the order of the page.
pub const CODES: &[Code] = &[
    code(
        "api-key-without-plan",
        Error,
        "`$connect` asks for an API key, and no usage plan opens the stage",
        "No client gets in: each is answered 403.",
    ),
    code("authorizer-unused", Hint, "no route asks an authorizer", "Clients are let in without it."),
    code(
        "backend-unreachable",
        Error,
        "nobody takes connections where an integration leads",
        "Clients are told `Internal server error`.",
    ),
    code(
        "body-lost",
        Error,
        "templates or mappings make a body, and the method is GET, HEAD or OPTIONS",
        "The log shows a body, and the backend gets none.",
    ),
    code(
        "body-not-json",
        Warning,
        "a template makes, of a plain message, a body that is no JSON although its Content-Type says so",
        "Most servers answer 400, or show the application nothing.",
    ),
    code(
        "connection-id-not-told",
        Hint,
        "an HTTP backend is not told the connection's id",
        "The backend cannot answer later, nor tell its clients apart.",
    ),
    code(
        "definition-broken",
        Error,
        "something in the definition cannot work: a template that does not parse, a mapping, a URI",
        "Events that meet it fail.",
    ),
    code(
        "disconnect-missing",
        Hint,
        "there is `$connect`, and no `$disconnect`",
        "The backend never learns that a client is gone, and what it remembers of clients grows.",
    ),
    code(
        "domain-leads-nowhere",
        Error,
        "a custom domain name's mapping names a stage that serves nothing",
        "Clients that come by that name are answered 403.",
    ),
    code(
        "function-nowhere",
        Error,
        "a route calls a function, and nothing says where it runs",
        "Clients are told `Internal server error`.",
    ),
    code("header-never-sent", Hint, "a header is mapped that API Gateway never sends", "The backend does not get it."),
    code(
        "identity-never-there",
        Error,
        "an authorizer's identity source is a variable that there is not",
        "No client gets in: each is answered 401.",
    ),
    code("integration-unused", Hint, "no route leads to an integration", "It is never called."),
    code(
        "link-without-address",
        Warning,
        "a VPC link is used of which no address is known here",
        "It connects to the host of the integration's URI.",
    ),
    code(
        "link-unknown",
        Error,
        "an integration names a VPC link that is not there",
        "It connects to the host of the integration's URI, and on AWS it fails.",
    ),
    code(
        "log-variable-unknown",
        Warning,
        "an access log's format names what WebSocket APIs do not have",
        "It prints `-`.",
    ),
    code(
        "message-unread",
        Warning,
        "a request template uses nothing of the message",
        "Every message comes to the same call.",
    ),
    code(
        "model-missing",
        Error,
        "a route asks for a model that is not there",
        "Messages are refused, or not looked at.",
    ),
    code(
        "model-not-asked",
        Warning,
        "a route names models, and no expression that chooses one",
        "Messages are not looked at.",
    ),
    code(
        "name-unknown",
        Warning,
        "a template names what there is not",
        "What it stands for is missing in what the template makes.",
    ),
    code("no-default", Hint, "there is no `$default` route", "Messages that fit no route are answered `Forbidden`."),
    code(
        "no-integration-responses",
        Error,
        "a non-proxy integration has no integration response",
        "Every answer of its backend is a configuration error.",
    ),
    code(
        "no-routes",
        Error,
        "there is no route",
        "Nothing can be deployed, and every message is answered `Forbidden`.",
    ),
    code("no-stage", Warning, "there is no stage", "No client can connect."),
    code("not-deployed", Warning, "edits are not deployed to a stage", "Clients do not see them."),
    code("only-at-connect", Warning, "a message's route uses what only a handshake has", "Each message meets it."),
    code(
        "parameter-unused",
        Hint,
        "a request parameter is declared, and nothing maps it",
        "The backend does not get it.",
    ),
    code(
        "parameters-ignored",
        Hint,
        "request parameters are mapped for a function that is given an event",
        "They change nothing.",
    ),
    code(
        "passes-nothing",
        Error,
        "the passthrough behaviour lets nothing pass, and no template is there",
        "Every message is answered `Unsupported Media Type`.",
    ),
    code(
        "path-unfilled",
        Error,
        "a URI has a `{parameter}` that nothing fills",
        "The backend is called at a path with braces in it.",
    ),
    code(
        "proxy-sees-upgrade",
        Hint,
        "`$connect` goes to a backend by HTTP_PROXY, which forwards `Sec-WebSocket-*` headers",
        "Servers that speak WebSocket themselves answer 400.",
    ),
    code(
        "response-key-fits-nothing",
        Warning,
        "a response key is no regular expression between slashes",
        "It fits no answer.",
    ),
    code("route-does-nothing", Warning, "a route has no integration", "Its events reach nobody."),
    code(
        "route-never-chosen",
        Warning,
        "the route selection expression can never give a route's key",
        "No message takes it.",
    ),
    code(
        "selection-gives-nothing",
        Warning,
        "the route selection expression names what messages do not have",
        "Every message takes `$default`.",
    ),
    code(
        "service-nowhere",
        Error,
        "a route calls a service of AWS, and nothing says where services are",
        "Clients are told `Internal server error`.",
    ),
    code(
        "slow-pattern",
        Hint,
        "a regular expression looks around or back",
        "Its time grows with the square of the text.",
    ),
    code(
        "source-gives-nothing",
        Warning,
        "a parameter mapping's source is nothing that an event has",
        "It is not sent.",
    ),
    code("stage-not-deployed", Error, "a stage has no deployment", "Clients are answered 403."),
    code(
        "substitution-left",
        Error,
        "`${…}` of a template of CloudFormation is left in a URI or mapping template",
        "It is sent as it is written, or prints nothing.",
    ),
    code("template-fails", Error, "a template fails on a plain message", "Clients are told `Internal server error`."),
    code("templates-ignored", Warning, "a proxy integration has request templates", "Messages go on as they are."),
    code(
        "template-unescaped",
        Warning,
        "a template makes a body that is no JSON as soon as a message has a quotation mark in it",
        "Some messages fail, and most do not.",
    ),
    code("throttled-to-nothing", Error, "a stage's throttling limits are 0", "Everybody is answered 429."),
    code("two-way-half", Warning, "a route has one of the two things that make it two-way", "AWS asks for both."),
    code("variable-unset", Error, "a URI names a stage variable that a stage has not", "Events of that stage fail."),
];

/// The page of all codes, in Markdown.
pub fn page() -> String {
    let mut page = String::from("| code | how much | what | what comes of it |\n| --- | --- | --- | --- |\n");
    for row in CODES {
        page += &format!("| `{}` | {} | {} | {} |\n", row.name, row.severity.name(), row.about, row.why);
    }
    page
}
