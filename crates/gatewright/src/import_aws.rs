//! `gatewright import-aws`: an API of AWS, read with the user's own credentials, made here, and what was left behind.
//!
//! `read` asks AWS, `write` makes what it said on this side, `left` tells what stays there and what to do about it.

mod left;
mod read;
mod write;

use std::sync::Arc;

use clap::Args;
use integration::{Endpoint, Http, Integrations};

use crate::args::Options;
use crate::exit::{self, Failure};
use crate::export;
use crate::import_aws::read::Source;
use crate::import_aws::write::Here;
use crate::terminal::{self, Where};

/// The largest answer of a control plane, in bytes: an API's resources are far smaller.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The options of `import-aws`.
#[derive(Debug, Args)]
#[command(
    after_help = "It calls AWS to read, and changes nothing there: apigateway:GET is all that the credentials must allow.\nExample: gatewright import-aws a1b2c3d4e5 --profile work --region eu-west-1"
)]
pub(crate) struct ImportAwsOptions {
    /// The API's id on AWS, as `aws apigatewayv2 get-apis` shows it
    #[arg(value_name = "API_ID")]
    api_id: String,

    /// The profile of ~/.aws whose credentials are used [default: as AWS's own command finds them]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// The Region that the API is in [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Another address than AWS's own to read from
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Say what would be made and what would be left, and make nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    gateway: Where,
}

/// Reads, makes, tells.
pub(crate) fn run(wanted: &ImportAwsOptions, options: Options) -> Result<(), Failure> {
    let http = Integrations::new(ANSWER_BYTES_MAX, Vec::new()).http();
    terminal::block(async {
        let source = source(wanted, &http).await?;
        let found = read::api(&source, &wanted.api_id).await?;
        let title = format!("{} ({}) of {}", found.id(), terminal::one_line(found.name()), source.named);
        let left = left::told(&found);
        if wanted.dry_run {
            return said(&format!("API {title} has {}\nNothing was made (--dry-run).\n{left}", found.counted()));
        }
        let here = match options.text("data-dir").is_some() || options.text("config").is_some() {
            true => {
                let (config, dir) = export::settings(options)?;
                Here::folder(&config, export::open("import-aws", &dir)?)?
            }
            false => Here::running(&wanted.gateway, &http).await?,
        };
        let refused =
            |text: String| Failure { code: exit::REFUSED, text: format!("import-aws: {}", terminal::lines(&text)) };
        let made = write::api(&here, &found).await.map_err(refused)?;
        said(&format!("Imported API {title}: {}\n{}{left}", found.counted(), made.told(&found)))
    })
}

async fn source(wanted: &ImportAwsOptions, http: &Arc<Http>) -> Result<Source, Failure> {
    let wrong = |text: String| Failure { code: exit::USAGE, text: format!("import-aws: {text}") };
    if wanted.api_id.is_empty() || !wanted.api_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(wrong(format!("`{}` is no API's id, such as a1b2c3d4e5", wanted.api_id)));
    }
    let (profile, region) = (wanted.profile.as_deref(), wanted.region.as_deref());
    let user = crate::aws::User::find(http, profile, region, wanted.endpoint_url.is_none()).await.map_err(wrong)?;
    let region = user.region.clone();
    let place = match (&wanted.endpoint_url, &region) {
        (Some(url), _) => url.clone(),
        (None, None) => return Err(wrong("which Region is the API in? Say --region REGION".to_owned())),
        (None, Some(region)) => {
            if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                return Err(wrong(format!("`{region}` is no Region, such as us-east-1")));
            }
            let partition = if region.starts_with("cn-") { "aws-cn" } else { "aws" };
            format!("https://apigateway.{region}.{}", types::arn::domain(partition))
        }
    };
    if let (None, Some(why)) = (&wanted.endpoint_url, &user.without) {
        return Err(wrong(why.clone()));
    }
    let named = match &wanted.endpoint_url {
        Some(url) => url.clone(),
        None => region.unwrap_or_default(),
    };
    let place = Endpoint::parse(&place).map_err(wrong)?;
    Ok(Source { http: http.clone(), user, place, named })
}

fn said(text: &str) -> Result<(), Failure> {
    // Names are others' words.
    terminal::say(&terminal::lines(text)).map(drop)
}
