//! What the console asks first: where clients connect, and which stages there are.

use control::Control;
use gateway::Gateway;
use serde_json::{Value, json};
use types::snapshot::StageKey;

use crate::banner::Addresses;
use crate::demo;

/// Stages that are listed; whoever has more looks for one by its address. At 150 bytes each, a list of 75 KB.
const STAGES_MAX: usize = 500;

/// APIs without a stage that are listed: the page names one, to say what comes next.
const BARE_MAX: usize = 10;

/// What stays true for as long as the program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Where clients connect when that is not where the page comes from.
    clients: Value,
    /// How clients come from elsewhere, where that was said.
    public_url: Option<String>,
    region: String,
    is_demo: bool,
}

impl Facts {
    pub(crate) fn new(addresses: &Addresses, region: &str, is_demo: bool) -> Facts {
        Facts { clients: clients(addresses), public_url: addresses.public_ws_url(), region: region.to_owned(), is_demo }
    }

    /// The answer, as JSON. Reads every stage, so it is not for a thread of the data plane.
    pub(crate) fn to_json(&self, control: &Control, gateway: &Gateway) -> Value {
        let names = control.api_names();
        let all = control.stages();
        let more = all.len().saturating_sub(STAGES_MAX);
        let mut bare: Vec<_> = names.iter().filter(|(id, _)| !all.iter().any(|(key, _)| key.api_id == **id)).collect();
        bare.sort_unstable();
        let bare = bare.into_iter().take(BARE_MAX).map(|(id, name)| json!({ "apiId": id, "apiName": name }));
        let watched = gateway.watched();
        let stages = all.iter().take(STAGES_MAX).map(|(key, deployed)| {
            let StageKey { api_id, stage } = key;
            let logging = gateway.logging_of(key).unwrap_or_default();
            json!({
                "apiId": api_id, "apiName": names.get(api_id), "stage": stage, "deployed": deployed,
                "watched": watched.contains(key), "loggingLevel": logging.level, "dataTrace": logging.data_trace,
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"), "region": self.region, "clients": self.clients,
            "publicUrl": self.public_url,
            "demo": self.is_demo.then(|| json!({ "apiId": demo::API_ID, "stage": demo::STAGE })),
            "stages": stages.collect::<Vec<_>>(), "more": more, "withoutStage": bare.collect::<Vec<_>>(),
        })
    }
}

// Where control plane and clients share an address, the page knows it better: it may have come through a tunnel.
fn clients(addresses: &Addresses) -> Value {
    if addresses.admin.is_none() {
        return Value::Null;
    }
    let listen = addresses.listen;
    let host = (!listen.ip().is_unspecified()).then(|| match listen.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    });
    json!({ "scheme": if addresses.tls { "wss" } else { "ws" }, "host": host, "port": listen.port() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(listen: &str, admin: Option<&str>, tls: bool) -> Addresses {
        let parse = |address: &str| address.parse().unwrap();
        Addresses { listen: parse(listen), admin: admin.map(parse), tls, public_url: None }
    }

    #[test]
    fn a_page_on_the_admin_address_is_told_where_clients_connect() {
        for (listen, admin, tls, expected) in [
            ("127.0.0.1:4510", None, false, Value::Null),
            ("127.0.0.1:4510", Some("127.0.0.1:1"), false, json!({"scheme": "ws", "host": "127.0.0.1", "port": 4510})),
            ("0.0.0.0:443", Some("127.0.0.1:1"), true, json!({"scheme": "wss", "host": null, "port": 443})),
            ("[::1]:4510", Some("127.0.0.1:1"), false, json!({"scheme": "ws", "host": "[::1]", "port": 4510})),
        ] {
            assert_eq!(clients(&addresses(listen, admin, tls)), expected, "{listen}");
        }
    }
}
