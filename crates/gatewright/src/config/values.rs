//! Reads the value of one setting: each function says what fits and, where nothing does, a sentence.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use integration::ServicePlace;

use crate::access_logs::Rotation;
use crate::aws;
use crate::config::given::Said;
use crate::cross_origin::AllowedOrigins;
use crate::placements::OneFile;
use crate::proxies::{NETWORKS_MAX, Network, TrustedProxies};
use crate::strangers::AllowedHosts;

/// Name servers that are asked one after the other; each that does not answer costs seconds.
const NAME_SERVERS_MAX: usize = 8;

/// Old files are renamed one by one each time one is added.
pub(super) const ACCESS_LOG_KEEP_MAX: usize = 1000;

/// A series costs some kilobytes, and each is in every answer.
pub(super) const METRICS_SERIES_MAX: usize = 1_000_000;

pub(super) fn text(said: &Said) -> Result<String, String> {
    Ok(said.text.clone())
}

pub(super) fn path(said: &Said) -> Result<Option<PathBuf>, String> {
    Ok((!said.text.is_empty()).then(|| PathBuf::from(&said.text)))
}

pub(super) fn maybe_text(said: &Said) -> Result<Option<String>, String> {
    Ok((!said.text.is_empty()).then(|| said.text.clone()))
}

pub(super) fn duration(said: &Said) -> Result<Duration, String> {
    types::limits::duration(&said.text).ok_or_else(|| said.wrong("is no time, such as 15s"))
}

pub(super) fn servers(said: &Said) -> Result<Vec<String>, String> {
    let server = |text: &str| {
        let one = Said { text: text.to_owned(), ..said.clone() };
        let has_scheme = ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme));
        match text.split_once("://") {
            Some(_) if has_scheme => Ok(text.to_owned()),
            None => Ok(format!("nats://{text}")),
            Some(_) => Err(one.wrong("is no address of NATS, such as nats://127.0.0.1:4222")),
        }
    };
    parts(said).map(server).collect()
}

pub(super) fn folder(said: &Said) -> Result<Option<PathBuf>, String> {
    Ok(Some(PathBuf::from(&said.text)))
}

pub(super) fn flag(said: &Said) -> Result<bool, String> {
    match said.text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(said.wrong("is neither true nor false")),
    }
}

pub(super) fn count<const MOST: usize>(said: &Said) -> Result<usize, String> {
    let count = said.text.parse::<usize>().ok().filter(|count| *count <= MOST);
    count.ok_or_else(|| said.wrong(&format!("is no whole number up to {MOST}")))
}

pub(super) fn choice<T: ValueEnum>(said: &Said) -> Result<T, String> {
    T::from_str(&said.text, false).map_err(|_| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<_> = known.map(|value| value.get_name().to_owned()).collect();
        format!("{}: `{}` is none of {}", said.name, said.text, known.join(", "))
    })
}

pub(super) fn maybe_choice<T: ValueEnum>(said: &Said) -> Result<Option<T>, String> {
    if said.text.is_empty() { Ok(None) } else { choice(said).map(Some) }
}

pub(super) fn address(said: &Said) -> Result<SocketAddr, String> {
    let form = || said.wrong("is no address and port, such as 127.0.0.1:4510");
    // A port alone is one of loopback.
    let text = match said.text.strip_prefix(':').unwrap_or(&said.text).parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => said.text.clone(),
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(form());
    }
    let resolved = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| format!("{} ({}): `{host}` is the name of no address", said.name, said.origin))
}

pub(super) fn admin(said: &Said) -> Result<Option<SocketAddr>, String> {
    if said.text.is_empty() { Ok(None) } else { address(said).map(Some) }
}

pub(super) fn hosts(said: &Said) -> Result<AllowedHosts, String> {
    Ok(AllowedHosts::new(said.text.split(',').map(|name| name.trim().to_owned())))
}

pub(super) fn origins(said: &Said) -> Result<AllowedOrigins, String> {
    let origin = |text: &str| {
        let one = Said { text: text.to_owned(), ..said.clone() };
        // `null` is the origin of everybody's sandboxed pages.
        let plain = gateway::plain_origin(text).filter(|plain| plain != "null");
        plain.ok_or_else(|| one.wrong("is no origin, such as https://admin.example.com or http://localhost:3000"))
    };
    parts(said).map(origin).collect::<Result<_, _>>().map(AllowedOrigins::new)
}

/// A part without `=` goes on with the value before it, which may be a list. Options are read one by one (`config.rs`).
pub(super) fn parameters(said: &Said) -> Result<Vec<(String, String)>, String> {
    let mut all: Vec<String> = Vec::new();
    for part in parts(said) {
        match all.last_mut().filter(|_| !part.contains('=')) {
            Some(last) => *last += &format!(",{part}"),
            None => all.push(part.to_owned()),
        }
    }
    all.iter().map(|text| crate::stacks::command::parameter(text)).collect()
}

pub(super) fn stack_name(said: &Said) -> Result<Option<String>, String> {
    match said.text.as_str() {
        "" => Ok(None),
        name => crate::stacks::source::check_name(name).map(|()| Some(name.to_owned())),
    }
}

pub(super) fn proxies(said: &Said) -> Result<TrustedProxies, String> {
    let network = |text: &str| {
        let one = Said { text: text.to_owned(), ..said.clone() };
        Network::parse(text).ok_or_else(|| one.wrong("is no network, such as 10.0.0.0/8, fd00::/8 or 127.0.0.1"))
    };
    let networks: Vec<_> = parts(said).map(network).collect::<Result<_, _>>()?;
    if networks.len() > NETWORKS_MAX {
        return Err(format!("{} ({}): {} are more than {NETWORKS_MAX}", said.name, said.origin, networks.len()));
    }
    Ok(TrustedProxies::new(networks))
}

fn parts(said: &Said) -> impl Iterator<Item = &str> {
    said.text.split(',').map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn name_servers(said: &Said) -> Result<Vec<SocketAddr>, String> {
    let server = |text: &str| {
        let ip = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
        let server = text.parse().or(ip).ok().filter(|server| server.port() != 0);
        let one = Said { text: text.to_owned(), ..said.clone() };
        server.ok_or_else(|| one.wrong("is no IP address, such as 10.0.0.2 or 127.0.0.1:5353"))
    };
    let servers = said.text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(server);
    let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
    if servers.len() > NAME_SERVERS_MAX {
        return Err(format!("name-server ({}): {} are more than {NAME_SERVERS_MAX}", said.origin, servers.len()));
    }
    Ok(servers)
}

pub(super) fn backend(said: &Said) -> Result<Option<String>, String> {
    // `localhost:3000` is what people type.
    let url = if said.text.contains("://") { said.text.clone() } else { format!("http://{}", said.text) };
    if said.text.is_empty() { Ok(None) } else { check_url("backend", url).map(Some) }
}

pub(super) fn function(said: &Said) -> Result<Option<OneFile>, String> {
    if said.text.is_empty() {
        return Ok(None);
    }
    OneFile::read(&said.text).map(Some).map_err(|error| format!("{} ({}): {error}", said.name, said.origin))
}

pub(super) fn service_place(said: &Said) -> Result<Option<ServicePlace>, String> {
    if said.text.is_empty() {
        return Ok(None);
    }
    aws::place(&said.text).map(Some).map_err(|error| format!("{} ({}): {error}", said.name, said.origin))
}

pub(super) fn public_url(said: &Said) -> Result<Option<String>, String> {
    let url = if said.text.is_empty() { None } else { Some(check_url("public-url", said.text.clone())?) };
    Ok(url.map(|url| url.trim_end_matches('/').to_owned()))
}

fn check_url(name: &str, url: String) -> Result<String, String> {
    let parsed = url.parse::<http::Uri>().ok();
    let fits = parsed.as_ref().and_then(http::Uri::authority).is_some_and(|authority| {
        // The parser lets a port pass that is too large for one, and then has none.
        let names_port = authority.as_str().trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(':');
        !authority.host().is_empty() && names_port == authority.port_u16().is_some()
    });
    if fits && matches!(parsed.as_ref().and_then(http::Uri::scheme_str), Some("http" | "https")) {
        return Ok(url);
    }
    Err(format!("{name}: `{url}` is no http:// or https:// URL, such as http://127.0.0.1:3000"))
}

pub(super) fn region(said: &Said) -> Result<String, String> {
    let fits = !said.text.is_empty() && said.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let wrong = || format!("region: `{}` is no region name: letters, digits and hyphens, such as us-east-1", said.text);
    fits.then(|| said.text.clone()).ok_or_else(wrong)
}

pub(super) fn account_id(said: &Said) -> Result<String, String> {
    let fits = said.text.len() == 12 && said.text.chars().all(|c| c.is_ascii_digit());
    fits.then(|| said.text.clone()).ok_or_else(|| format!("account-id: `{}` is no account id: 12 digits", said.text))
}

pub(super) fn rotation(said: &Said) -> Result<Rotation, String> {
    Rotation::parse(&said.text).map_err(|error| format!("access-log-rotate: {error}"))
}
