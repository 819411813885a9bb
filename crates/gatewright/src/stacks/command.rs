//! `gatewright apply`, `delete-stack` and `validate`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use control::store::MemoryStore;
use control::{Caller, Control, Settings};
use functions::Directory;
use integration::{Endpoint, Fetch, Integrations};
use serde_json::{Map, Value, json};
use stacks::Applied;
use types::arn::Home;
use types::headers::Headers;

use super::source::Given;
use super::{Asked, Done, Stacks, Told, call, faults, source};
use crate::aws;
use crate::banner::Addresses;
use crate::exit::Failure;

/// Where a gateway is unless something else is said.
const ENDPOINT: &str = "http://127.0.0.1:4510";

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a gateway may take: esbuild may have to build functions.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// What names a template.
#[derive(Args, Clone, Debug)]
pub(crate) struct TemplateOptions {
    /// A template (CloudFormation or SAM, YAML or JSON), cdk.out, .serverless, or serverless.yml
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// A parameter of the template; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,

    /// A file of parameters, JSON or YAML
    #[arg(long, value_name = "FILE")]
    parameters_file: Option<PathBuf>,

    /// The stack's name; the file's unless it is given
    #[arg(long, value_name = "NAME")]
    stack_name: Option<String>,

    /// Leave an unchanged deployment as it is, as AWS does, although its API changed
    #[arg(long)]
    strict: bool,
}

impl TemplateOptions {
    fn given(&self) -> Result<Given, Failure> {
        Ok(Given {
            file: self.file.clone(),
            parameters: self
                .parameters
                .iter()
                .map(|text| parameter(text))
                .collect::<Result<_, _>>()
                .map_err(Failure::config)?,
            parameters_file: self.parameters_file.clone(),
            name: self.stack_name.clone(),
            is_strict: self.strict,
        })
    }

    fn read(&self, home: &Home) -> Result<Vec<Asked>, Failure> {
        let source = self.given()?.read(home);
        source.map(|source| source.asked).map_err(|unread| Failure::data(unread.text))
    }
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// A sentence.
pub(crate) fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("parameter: `{text}` is not NAME=VALUE")),
    }
}

/// Has a running gateway apply a template.
pub(crate) fn apply(
    options: &TemplateOptions,
    endpoint: Option<&str>,
    is_plan: bool,
    home: &Home,
) -> Result<(), Failure> {
    let asked = options.read(home)?;
    if is_plan {
        // Together: one may import what another exports.
        let body = Bytes::from(call::plan_body(&asked).to_string());
        return say(&ask(endpoint, "POST", call::PATH, body)?);
    }
    for asked in asked {
        let path = format!("{}/{}", call::PATH, asked.name);
        say(&ask(endpoint, "POST", &path, Bytes::from(call::body(&asked).to_string()))?)?;
    }
    Ok(())
}

/// Has a running gateway remove a stack.
pub(crate) fn delete(name: &str, endpoint: Option<&str>) -> Result<(), Failure> {
    source::check_name(name).map_err(Failure::config)?;
    say(&ask(endpoint, "DELETE", &format!("{}/{name}", call::PATH), Bytes::new())?)
}

/// Applies a template to a gateway that is nowhere but in memory: everything that would be refused is said.
pub(crate) fn validate(options: &TemplateOptions, home: Home, as_json: bool) -> Result<(), Failure> {
    let addresses = Addresses { listen: ([127, 0, 0, 1], 4510).into(), admin: None, tls: false, public_url: None };
    let settings = Settings::new(home.clone(), addresses.authority());
    let control = Control::open(settings, Arc::new(MemoryStore::default()), Box::new(|_, _| {}));
    let control = Arc::new(control.map_err(|error| Failure::data(error.to_string()))?);
    let stacks = Stacks::alone(control, Arc::new(Directory::silent()), home.clone(), addresses);
    for asked in options.read(&home)? {
        // Applied, and not only planned: stacks that come later may import what this one exports.
        match stacks.apply(&Caller::program(), &asked) {
            Ok(done) if as_json => say(&format!("{}\n", done.applied.record.masked(&told_as_json(&done).to_string())))?,
            Ok(done) => say(&stacks.told(&asked, &done, Told::Valid))?,
            Err(wrong) => {
                return Err(Failure::data(format!(
                    "{} is not valid\n{}",
                    asked.file.display(),
                    faults(&asked, &wrong)
                )));
            }
        }
    }
    Ok(())
}

/// What a stack would be, for programs: its parameters, resources as they would be sent, outputs and remarks.
fn told_as_json(done: &Done) -> Value {
    let Applied { record, remarks, ignored, .. } = &done.applied;
    let parameters = record.parameters.iter().filter(|(_, kept)| !kept.is_secret);
    let resources = record.resources.iter().map(|(logical, resource)| {
        let body = if resource.body.is_null() { None } else { Some(&resource.body) };
        (logical.clone(), json!({"type": resource.kind, "physicalId": resource.physical, "body": body}))
    });
    let outputs = record.outputs.iter().map(|output| (output.key.clone(), json!(output.value)));
    json!({
        "stackName": record.name,
        "parameters": parameters.map(|(name, kept)| (name.clone(), json!(kept.value))).collect::<Map<_, _>>(),
        "resources": resources.collect::<Map<_, _>>(),
        "outputs": outputs.collect::<Map<_, _>>(),
        "leftOut": ignored.iter().map(|(kind, logical)| json!([kind, logical])).collect::<Vec<_>>(),
        "remarks": remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Asks a gateway, and gives the text of its answer.
fn ask(endpoint: Option<&str>, method: &'static str, path: &str, body: Bytes) -> Result<String, Failure> {
    let (endpoint, from) = match endpoint {
        Some(endpoint) => (endpoint.to_owned(), "--endpoint"),
        None => match std::env::var("AWS_ENDPOINT_URL_CLOUDFORMATION").or_else(|_| std::env::var("AWS_ENDPOINT_URL")) {
            Ok(endpoint) => (endpoint, "the environment"),
            Err(_) => (ENDPOINT.to_owned(), "unless --endpoint says another"),
        },
    };
    let place = Endpoint::parse(&endpoint).map_err(|error| Failure::config(format!("endpoint: {error}")))?;
    let target = place.below(path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::config(format!("start a thread: {error}")))?;
    let answered = runtime.block_on(async {
        let integrations = Integrations::new(ANSWER_BYTES_MAX, Vec::new());
        let http = integrations.http();
        let mut headers: Headers = [("Content-Type", "application/json".to_owned())].into_iter().collect();
        let signed = aws::signed_as_cloudformation(&http, method, &target, &headers, &body).await?;
        for (name, value) in signed.iter() {
            headers.append(name.to_owned(), value.to_owned());
        }
        let fetch = Fetch {
            method,
            headers: &headers,
            body: &body,
            answer_bytes_max: ANSWER_BYTES_MAX,
            timeout: ANSWER_TIME_MAX,
        };
        http.fetch(&target, &fetch).await.map_err(|error| {
            format!("no gateway answers at {endpoint} ({from}): {error}; `gatewright serve` starts one")
        })
    });
    let (status, answer) = answered.map_err(Failure::config)?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let text = |member: &str| answer.get(member).and_then(Value::as_str);
    match (status, text("text"), text("message").or_else(|| text("Message"))) {
        (200, Some(text), _) => Ok(text.to_owned()),
        (400, _, Some(message)) => Err(Failure::data(message)),
        (_, _, Some(message)) => Err(Failure::config(format!("the gateway answers {status}: {message}"))),
        _ => Err(Failure::config(format!("{endpoint} answers {status}: it is no gateway of this version"))),
    }
}

fn say(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::disk(format!("write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
