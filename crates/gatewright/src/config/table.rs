//! Every setting there is: the one table that the command line, the environment, the settings file, `gatewright config` and
//! the reference page (docs/settings.md) come from. Adding a setting is a row here; limits have a table of their own, in
//! `types`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use integration::ServicePlace;
use serde::Deserialize;

use crate::access_logs::Rotation;
use crate::aws;
use crate::certificates::PemFiles;
use crate::choices::{Binary, ClientCertificates, Compat, JournalMode, LogFormat, LogLevel, TlsMin};
use crate::config::given::Given;
use crate::config::values::{
    ACCESS_LOG_KEEP_MAX, METRICS_SERIES_MAX, account_id, address, admin, backend, choice, count, duration, flag,
    folder, function, hosts, maybe_choice, maybe_text, name_servers, origins, parameters, path, proxies, public_url,
    region, rotation, servers, service_place, stack_name, text,
};
use crate::cross_origin::AllowedOrigins;
use crate::placements::{self, OneFile};
use crate::proxies::TrustedProxies;
use crate::strangers::AllowedHosts;
use crate::{jwt, stage_settings, vpc_links};

/// How a setting is written, and where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    /// Text everywhere.
    Text,
    /// Text that names a file or folder, so that an option cannot have none.
    Path,
    /// An option without a value; true or false elsewhere.
    Flag,
    /// A whole number; without quotes in the file.
    Count,
    /// An option that may be repeated; commas in the variable; a list in the file.
    List,
    /// The settings file itself: no line of that file.
    File,
    /// Limits: `NAME=VALUE`, a variable each, the table `[limits]` of the file.
    Limit,
    /// Tables that only the file holds.
    Tables,
}

/// How each kind stands in the settings file.
mod filed {
    pub(super) type Text = String;
    pub(super) type Path = String;
    pub(super) type Flag = bool;
    pub(super) type Count = u32;
    pub(super) type List = Vec<String>;
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// `listen`: the option is `--listen`, the line of the file `listen = …`, the variable `GATEWRIGHT_LISTEN`.
    pub(crate) name: &'static str,
    pub(crate) kind: SettingKind,
    /// The form or unit of its value, as the help shows it.
    pub(crate) form: &'static str,
    /// Its default; where there are two, the second is that of `compat = "extended"`.
    pub(crate) defaults: &'static [&'static str],
    /// Whether a running gateway takes a new value.
    pub(crate) live: bool,
    /// What it is for.
    pub(crate) doc: &'static str,
}

impl Setting {
    /// The name of its option, and of its variable in another spelling; none where only the file holds it.
    pub(crate) fn option(&self) -> Option<&'static str> {
        (self.kind != SettingKind::Tables).then_some(self.name)
    }

    /// Its default, for people: `refuse; extended: accept`.
    pub(crate) fn default(&self) -> String {
        self.defaults.join("; extended: ")
    }
}

macro_rules! settings {
    ($($name:literal $kind:ident $form:literal = $defaults:expr, live: $live:literal
        $(=> $field:ident: $type:ty, $read:expr)?, $doc:literal;)*) => {
        /// Every setting, in the order in which people read them.
        pub(crate) const TABLE: &[Setting] = &[$(Setting {
            name: $name,
            kind: SettingKind::$kind,
            form: $form,
            defaults: &$defaults,
            live: $live,
            doc: $doc,
        },)*];

        /// The settings' values, each read and checked for itself.
        #[derive(Debug)]
        pub(crate) struct Settings {
            $($(#[doc = $doc] pub(crate) $field: $type,)?)*
        }

        /// The settings file. Unknown names are refused, so that a typing mistake is not silent.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct File {
            $($(#[serde(rename = $name)] $field: Option<filed::$kind>,)?)*
            #[serde(default)]
            pub(super) limits: BTreeMap<String, toml::Value>,
            #[serde(default)]
            pub(super) certificates: BTreeMap<String, PemFiles>,
            #[serde(default)]
            pub(super) stages: BTreeMap<String, stage_settings::Filed>,
            #[serde(default, rename = "vpc-links")]
            pub(super) vpc_links: BTreeMap<String, vpc_links::Filed>,
            #[serde(default)]
            pub(super) functions: BTreeMap<String, placements::Filed>,
            #[serde(default)]
            pub(super) services: BTreeMap<String, aws::Filed>,
            #[serde(default)]
            pub(super) jwt: BTreeMap<String, jwt::Filed>,
        }

        impl Settings {
            /// Reads each from where it was given first.
            ///
            /// # Errors
            /// One sentence that names the setting, its value and what would fit.
            pub(super) fn read(given: &mut Given, file: &mut File) -> Result<Settings, String> {
                $($(
                    let filed = file.$field.take().map(toml::Value::from);
                    let $field = $read(given.say($name, SettingKind::$kind, &$defaults, filed)?)?;
                )?)*
                Ok(Settings { $($($field,)?)* })
            }
        }
    };
}

settings! {
    "config" File "FILE" = [], live: false,
        "Settings file [default: gatewright.toml, if there is one]";
    "listen" Text "ADDR:PORT" = ["127.0.0.1:4510"], live: false => listen: SocketAddr, address,
        "One address for everything";
    "admin" Text "ADDR:PORT" = [], live: false => admin: Option<SocketAddr>, admin,
        "Moves control plane and console off the public address; required when --listen is not loopback";
    "allow-host" List "NAME" = [], live: false => allowed_hosts: AllowedHosts, hosts,
        "A name under which control plane, console and metrics are served, besides addresses and localhost; may be repeated";
    "allow-origin" List "ORIGIN" = [], live: false => allowed_origins: AllowedOrigins, origins,
        "An origin whose pages may use control plane, console's data, feed and metrics from a browser, such as https://admin.example.com; may be repeated";
    "trusted-proxies" List "CIDR" = [], live: false => trusted_proxies: TrustedProxies, proxies,
        "Networks of proxies that are believed when they say who the client is: X-Forwarded-For, -Proto and -Port, or the PROXY protocol; may be repeated";
    "proxy-protocol" Flag "" = ["false"], live: false => proxy_protocol: bool, flag,
        "Trusted proxies begin each socket of the public address with a head of the PROXY protocol, version 1 or 2; one that does not is closed";
    "credentials" Path "FILE" = [], live: true => credentials: Option<PathBuf>, path,
        "Access keys and what each may do, TOML; with it control plane and @connections must be signed. Read again when it changes";
    "show-secrets" Flag "" = ["false"], live: false => show_secrets: bool, flag,
        "Console and terminal show authorization, cookies, keys and tokens as they are, and not masked; logs never do";
    "data-dir" Path "DIR" = ["gatewright-data"], live: false => data_dir: Option<PathBuf>, folder,
        "Where definitions are kept";
    "ephemeral" Flag "" = ["false"], live: false => ephemeral: bool, flag,
        "Keep nothing on disk";
    "journal" Text "off|process|disk" = ["process"], live: false => journal: JournalMode, choice,
        "Write down in the data folder which connections are open, so that each gets its $disconnect after a crash (process) or the loss of power (disk)";
    "cluster" List "URL" = [], live: false => cluster: Vec<String>, servers,
        "Be one node of many: where NATS is (nats://HOST:4222 or tls://…; several, one of them is enough), 2.11 or newer with JetStream, which then keeps the definitions";
    "cluster-name" Text "NAME" = ["gatewright"], live: false => cluster_name: String, text,
        "Which cluster: letters, digits, - and _; those of other names on the same NATS know nothing of it";
    "node-address" Text "ADDRESS" = [], live: false => node_address: Option<String>, maybe_text,
        "What `gatewright nodes` shows of where this node is; without it the address of its control plane";
    "cluster-replicas" Count "COUNT" = ["1"], live: false => cluster_replicas: usize, count::<5>,
        "How many NATS servers keep each thing: 1, 3 or 5";
    "cluster-lease" Text "TIME" = ["15s"], live: false => cluster_lease: Duration, duration,
        "How long a node's number stays its own without NATS; then its clients are closed with 1012. The first node of a cluster decides";
    "cluster-user" Text "NAME" = [], live: false => cluster_user: Option<String>, maybe_text,
        "Who the node is to NATS";
    "cluster-password" Path "FILE" = [], live: false => cluster_password: Option<PathBuf>, path,
        "A file with that user's password";
    "cluster-token" Path "FILE" = [], live: false => cluster_token: Option<PathBuf>, path,
        "A file with a token for NATS";
    "cluster-nkey" Path "FILE" = [], live: false => cluster_nkey: Option<PathBuf>, path,
        "A file with an nkey's seed (SU…) for NATS";
    "cluster-credentials" Path "FILE" = [], live: false => cluster_credentials: Option<PathBuf>, path,
        "A credentials file for NATS, as nsc writes it";
    "cluster-ca" Path "FILE" = [], live: false => cluster_ca: Option<PathBuf>, path,
        "Who is trusted to be NATS, PEM; then only TLS will do";
    "cluster-cert" Path "FILE" = [], live: false => cluster_cert: Option<PathBuf>, path,
        "The certificate that the node shows to NATS, PEM";
    "cluster-key" Path "FILE" = [], live: false => cluster_key: Option<PathBuf>, path,
        "Private key of --cluster-cert, PEM";
    "backend" Text "URL" = [], live: false => backend: Option<String>, backend,
        "Have one API there already, whose every route calls this backend";
    "backend-paths" Flag "" = ["false"], live: false => backend_paths: bool, flag,
        "With --backend: send $connect, messages and $disconnect to /connect, /message and /disconnect";
    "function" Path "FILE" = [], live: false => function: Option<OneFile>, function,
        "Have one API there already, whose every route calls this file's handler, run as a process: handler.mjs, app.py, or app.py:NAME";
    "template" Path "FILE" = [], live: false => template: Option<PathBuf>, path,
        "Have what a template says there: CloudFormation or SAM (YAML or JSON), a cdk.out or .serverless folder, or serverless.yml";
    "parameter" List "NAME=VALUE" = [], live: false => parameters: Vec<(String, String)>, parameters,
        "With --template: a parameter of it; may be repeated";
    "parameters-file" Path "FILE" = [], live: false => parameters_file: Option<PathBuf>, path,
        "With --template: a file of parameters, JSON or YAML; those that are given with --parameter count before";
    "stack-name" Text "NAME" = [], live: false => stack_name: Option<String>, stack_name,
        "With --template: the stack's name; without it the file's";
    "watch" Flag "" = ["false"], live: false => watch: bool, flag,
        "With --template: apply it again whenever it, or a file that it names, has changed";
    "strict" Flag "" = ["false"], live: false => strict: bool, flag,
        "With --template: leave an unchanged deployment as it is, as AWS does, although its API changed";
    "lambda-endpoint" Text "URL|aws" = [], live: false => lambda_endpoint: Option<ServicePlace>, service_place,
        "Where Lambda functions run: the address of whoever answers Lambda's Invoke, such as moto, LocalStack or sam local start-lambda, or aws for AWS itself; without it what AWS_ENDPOINT_URL_LAMBDA or AWS_ENDPOINT_URL says";
    "aws-endpoint" Text "URL|aws" = [], live: false => aws_endpoint: Option<ServicePlace>, service_place,
        "Where calls of other AWS services go, signed where credentials are found: an address in place of AWS's own, or aws for AWS itself; without it what AWS_ENDPOINT_URL says";
    "public-url" Text "URL" = [], live: false => public_url: Option<String>, public_url,
        "How clients reach this gateway, where that is another way, such as a proxy: https://gateway.example.com";
    "region" Text "REGION" = ["us-east-1"], live: false => region: String, region,
        "The AWS region that ARNs name";
    "account-id" Text "ID" = ["000000000000"], live: false => account_id: String, account_id,
        "The AWS account that ARNs name, 12 digits";
    "limit" Limit "NAME=VALUE" = [], live: false,
        "Sets a limit; may be repeated. `gatewright config` lists them";
    "log-level" Text "error|warn|info" = ["info"], live: false => log_level: LogLevel, choice,
        "How much of its own doings the program logs";
    "log-format" Text "human|brief|aws|json" = ["human"], live: false => log_format: LogFormat, choice,
        "One line an event, lines as CloudWatch has them, or objects; human is brief at a terminal, else aws";
    "access-log" Text "-|off|PATH" = ["-"], live: false => access_log: String, text,
        "Where stages' access logs go: standard output (-), nowhere (off) or a file, whose path may hold {log-group}";
    "access-log-rotate" Text "SIZE|TIME" = ["100m"], live: false => access_log_rotate: Rotation, rotation,
        "When an access log's file starts anew: a size, a time, both as 100m,24h, or 0 for never";
    "access-log-keep" Count "COUNT" = ["10"], live: false => access_log_keep: usize, count::<ACCESS_LOG_KEEP_MAX>,
        "How many old files of an access log stay";
    "metrics-series" Count "COUNT" = ["1000"], live: false => metrics_series: usize, count::<METRICS_SERIES_MAX>,
        "How many stages, and routes with detailed metrics, have series of their own in /_metrics";
    "name-server" List "IP[:PORT]" = [], live: false => name_servers: Vec<SocketAddr>, name_servers,
        "Where names of backends are looked up instead of the system's name servers; repeat for more, tried in this order";
    "insecure" Flag "" = ["false"], live: false => insecure: bool, flag,
        "Listen beyond loopback although nothing checks who calls; with --credentials: show console, feed and metrics to other machines";
    "tls-cert" Path "FILE" = [], live: true => tls_cert: Option<PathBuf>, path,
        "Certificate chain of the public address, PEM; with it the address speaks TLS and nothing else. Read again when it changes";
    "tls-key" Path "FILE" = [], live: true => tls_key: Option<PathBuf>, path,
        "Private key of --tls-cert, PEM";
    "tls-min" Text "1.2|1.3" = ["1.2"], live: false => tls_min: TlsMin, choice,
        "The oldest version of TLS that the public address speaks";
    "tls-client-ca" Path "FILE" = [], live: true => tls_client_ca: Option<PathBuf>, path,
        "Certificates of whoever issues those of clients, PEM; with it clients of the public address must show one";
    "tls-client-cert" Text "off|optional|required" = [], live: false => tls_client_cert: Option<ClientCertificates>, maybe_choice,
        "With --tls-client-ca: whether clients must show a certificate (as where nothing is said), may, or are not asked";
    "compat" Text "aws|extended" = ["aws"], live: false => compat: Compat, choice,
        "Bytes as AWS sends them, or with the improvements that COMPATIBILITY.md lists";
    "binary" Text "refuse|accept" = ["refuse", "accept"], live: false => binary: Binary, choice,
        "Binary frames of clients: refuse closes with 1003, as AWS does";
    "certificates" Tables "TABLES" = [], live: true,
        "Certificates of custom domain names, by name or certificate ARN: `[certificates.\"ws.example.com\"]` with `cert` and `key`, PEM files";
    "functions" Tables "TABLES" = [], live: false,
        "Where Lambda functions run, by name, name:alias or ARN, `*` for the others: `[functions.chat]` with `handler = \"app.handler\"` (and `runtime`), `command = […]` or `endpoint = \"URL\"`; `code`, `environment`, `timeout`, `concurrency`, `memory`";
    "services" Tables "TABLES" = [], live: false,
        "Where single AWS services are, by their name in an integration's URI: `[services.sqs]` with `endpoint = \"URL\"`, or `\"aws\"`; without it what AWS_ENDPOINT_URL_SQS says";
    "stages" Tables "TABLES" = [], live: false,
        "Which pages may connect to a stage, by the API's id or name: `[stages.\"chat/prod\"]` with `origins = [\"https://app.example.com\", …]`; `*` is every page, as for stages that are not named. Programs, which send no Origin, always may";
    "vpc-links" Tables "TABLES" = [], live: false,
        "Where VPC links lead, by the link's id, name or target ARN: `[vpc-links.orders]` with `targets = [\"HOST:PORT\", …]`, and, if it is to be checked, `health-check = \"/PATH\"` and `interval = \"10s\"`";
    "jwt" Tables "TABLES" = [], live: false,
        "Issuers whose tokens JWT authorizers (`authorizerUri` `jwt:ISSUER`) take: `[jwt.\"https://issuer.example.com\"]` with `audiences = [\"…\"]`, and, where the defaults do not fit, `principal`, `scopes`, `token` and `jwks`; docs/jwt.md";
}
