//! `gatewright credentials`: makes access keys, and tells what they may do.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use auth::{Decision, Policy, Question};
use clap::Subcommand;
use rand::RngExt;

use crate::args::Options;
use crate::config::Config;
use crate::exit::{Failure, NO_INPUT};
use crate::guard;
use crate::small_files;

/// What `credentials` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialsCommand {
    /// Make an access key, append it to the credentials file and print what to paste
    New {
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        user: String,

        /// What the user may do: an IAM policy document, JSON
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Tell whether a user may do something, and by which statement
    Check {
        /// The user
        #[arg(long, value_name = "NAME")]
        user: String,

        /// Such as execute-api:ManageConnections
        #[arg(long)]
        action: String,

        /// An ARN
        #[arg(long, value_name = "ARN")]
        resource: String,

        /// A condition key of the call, such as aws:SourceIp=10.0.0.1; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        context: Vec<String>,
    },
}

/// The code of a check that denies.
const DENIED: u8 = 1;

/// Carries it out.
pub(crate) fn run(command: CredentialsCommand, options: Options) -> Result<(), Failure> {
    let config = Config::new(options).map_err(Failure::config)?;
    let Some(path) = &config.settings.credentials else {
        return Err(Failure::config("credentials: which file? Say --credentials FILE"));
    };
    match command {
        CredentialsCommand::New { user, policy } => new(&config, path, &user, policy.as_deref()),
        CredentialsCommand::Check { user, action, resource, context } => {
            check(&config, path, &user, (&action, &resource), &context)
        }
    }
}

/// An id begins with these letters: no id of AWS does.
const ID_PREFIX: &str = "GWAK";
const ID_CHARS: usize = 16;
const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// 40 of these are 238 bits; there is nothing among them that a shell or TOML would mind.
const SECRET_CHARS: usize = 40;
const SECRET_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn random(chars: usize, alphabet: &[u8]) -> String {
    let mut random = rand::rng();
    (0..chars).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}

fn new(config: &Config, path: &Path, user: &str, policy: Option<&Path>) -> Result<(), Failure> {
    let before = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        _ => read(path)?,
    };
    if !before.is_empty() {
        guard::read(path).map_err(Failure::config)?;
    }
    let mut policies = Vec::new();
    if let Some(policy) = policy {
        let text = read(policy)?;
        let shown = policy.display().to_string();
        Policy::parse(&shown, &text).map_err(|error| Failure::data(format!("{shown}: {error}")))?;
        // Names in the file are of files beside it, and the file may be elsewhere.
        let whole = fs::canonicalize(policy).map_err(|error| Failure::no_input(policy, &error))?;
        policies.push(toml::Value::from(whole.display().to_string()));
    }
    let (id, secret) = (ID_PREFIX.to_owned() + &random(ID_CHARS, ID_ALPHABET), random(SECRET_CHARS, SECRET_ALPHABET));
    let mut key = toml::Table::new();
    key.insert("id".to_owned(), id.clone().into());
    key.insert("secret".to_owned(), secret.clone().into());
    key.insert("user".to_owned(), user.into());
    key.insert("policies".to_owned(), policies.into());
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{gap}\n[[access_key]]\n{key}");
    append(path, &text).map_err(|error| Failure::disk(format!("{}: {error}", path.display())))?;
    // A name that no user may have is found here, and the file is left as it was.
    if let Err(error) = guard::read(path) {
        let back = if before.is_empty() { fs::remove_file(path) } else { fs::write(path, before) };
        back.map_err(|error| Failure::disk(format!("{}: {error}", path.display())))?;
        return Err(Failure::config(error));
    }
    print!("{}", told(config, path, user, (&id, &secret), policy.is_some()));
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::metadata(path).map_err(|error| Failure::no_input(path, &error))?;
    let text = small_files::read_text(path, guard::FILE_BYTES_MAX);
    text.map_err(|why| Failure { code: NO_INPUT, text: format!("{}: {why}", path.display()) })
}

// Appended, so that the comments of whoever wrote the file stay; the file is its owner's alone from then on.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn told(config: &Config, path: &Path, user: &str, (id, secret): (&str, &str), has_policy: bool) -> String {
    let settings = &config.settings;
    let url = format!("http://{}", settings.admin.unwrap_or(settings.listen));
    let mut text = format!("access key {id} of {user} is in {}\n", path.display());
    if !has_policy {
        text += "it may do nothing until its `policies` name an IAM policy document\n";
    }
    text + &format!(
        "\nfor the AWS CLI and every SDK:\n\
         \x20 export AWS_ACCESS_KEY_ID={id}\n\
         \x20 export AWS_SECRET_ACCESS_KEY={secret}\n\
         \x20 export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n\
         \x20 export AWS_ENDPOINT_URL_APIGATEWAYV2={url} AWS_ENDPOINT_URL_API_GATEWAY={url}\n\
         \nin Python:\n\
         \x20 boto3.client(\"apigatewayv2\", endpoint_url=\"{url}\", region_name=\"{region}\",\n\
         \x20              aws_access_key_id=\"{id}\", aws_secret_access_key=\"{secret}\")\n",
        region = settings.region,
    )
}

fn check(
    config: &Config,
    path: &Path,
    user: &str,
    (action, resource): (&str, &str),
    context: &[String],
) -> Result<(), Failure> {
    let credentials = guard::read(path).map_err(Failure::config)?;
    let keys = credentials.of_user(user);
    if keys.is_empty() {
        return Err(Failure::data(format!("{}: no access key is of user {user}", path.display())));
    }
    let mut known = guard::caller_keys(&config.home(), user);
    for pair in context {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Failure::data(format!("context: `{pair}` is not KEY=VALUE")))?;
        known = known.with(name, value);
    }
    let mut allowed = false;
    for key in keys {
        let verdict = auth::evaluate(&key.policies, &Question { action, resource, keys: &known });
        let word = match verdict.decision {
            Decision::Allowed => "allowed",
            Decision::ImplicitDeny => "denied",
            Decision::ExplicitDeny => "denied by a statement",
        };
        allowed |= verdict.decision == Decision::Allowed;
        println!("{} with access key {}: {}", word, key.id, verdict.why);
    }
    match allowed {
        true => Ok(()),
        false => Err(Failure { code: DENIED, text: format!("{user} may not {action} on {resource}") }),
    }
}
