//! Tells whoever runs the gateway of clients and pushes that came to an address where nothing is.
//!
//! They themselves get AWS's bare 403, which says neither what was wrong nor what would be right.

use types::snapshot::StageKey;

use crate::address::{Address, Below, PATH_FORM};
use crate::client::Client;
use crate::gateway::Gateway;

/// How many stages a remark names, and how much of a name that a client made up.
const STAGES_SHOWN_MAX: usize = 10;
const NAME_BYTES_SHOWN_MAX: usize = 64;

/// Who came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who<'w> {
    /// A handshake.
    Client,
    /// A call of `@connections`, and the access key that it says to be signed with.
    Push(Option<&'w str>),
}

impl Gateway {
    /// Says that nothing is at `path` on `host`, and what is there instead; a few times a second at most. `address` is
    /// what of the data plane the two name.
    pub(crate) fn tell_of_nowhere(&self, who: Who<'_>, host: &str, path: &str, address: Option<&Address>) {
        if !self.hints.allows(self.now()) {
            return;
        }
        let who = match who {
            Who::Client => "client refused".to_owned(),
            Who::Push(None) => "push refused".to_owned(),
            Who::Push(Some(key)) => format!("push refused, signed as access key {key}"),
        };
        self.sink.say(None, format!("{who}: {}", self.what_is_wrong(host, path, address)));
    }

    /// Says that a page is not among those that may connect to a stage; a few times a second at most.
    pub(crate) fn tell_of_foreign_page(&self, key: &StageKey, origin: &str) {
        if self.hints.allows(self.now()) {
            let text = format!(
                "client refused: a page of {} may not connect to this stage (origins in the settings file)",
                shown(origin)
            );
            self.sink.say(Some(key), text);
        }
    }

    /// Says that a client is not read for a while, a few times a second at most, and counts it.
    pub(crate) fn tell_of_slow(&self, client: &Client, limit: &str) {
        client.metrics.slows(limit);
        if let Some(more) = self.slowed.allows(self.now()) {
            let (id, ip) = (&client.info.id, client.info.source_ip);
            let text = format!("client {id} at {ip} sends too fast and is not read for a while (limit {limit}){more}");
            self.sink.say(Some(&client.info.stage), text);
        }
    }

    /// Says something that anybody can cause, a few times a second at most.
    pub fn say_sparingly(&self, text: impl FnOnce() -> String) {
        if self.hints.allows(self.now()) {
            self.sink.say(None, text());
        }
    }

    fn what_is_wrong(&self, host: &str, path: &str, address: Option<&Address>) -> String {
        let path = shown(path);
        let Some(address) = address else {
            return format!("{path} names no API and no stage; {}", self.where_to());
        };
        let StageKey { api_id, stage } = &address.key;
        let (api_id, stage) = (shown(api_id), shown(stage));
        if address.by_custom_domain && api_id.is_empty() {
            return format!("the domain name {} has no API mapping for {path}", shown(host));
        }
        let stages = self.stages.names(&address.key.api_id, STAGES_SHOWN_MAX);
        if stages.contains(&address.key.stage) {
            return match &address.below {
                Below::Path(below) => format!(
                    "there is nothing at {} below the stage {api_id}/{stage}; clients connect to the stage itself",
                    shown(below)
                ),
                Below::Connection(_) | Below::Connections if self.has_stage(address) => {
                    format!("{path} is for pushes, not for clients")
                }
                _ => format!("the API {api_id} has its default address switched off (disableExecuteApiEndpoint)"),
            };
        }
        match stages.as_slice() {
            [] => format!("no API `{api_id}` is deployed here; {}", self.where_to()),
            [one] => format!("API {api_id} has no stage `{stage}`; its stage is {one}: {PATH_FORM}{api_id}/{one}"),
            all => format!("API {api_id} has no stage `{stage}`; its stages are {}", all.join(", ")),
        }
    }

    // The addresses that there are, or what they look like.
    fn where_to(&self) -> String {
        let open = self.stages.open(STAGES_SHOWN_MAX);
        if open.is_empty() {
            return format!("no stage is deployed yet; addresses are {PATH_FORM}API/STAGE");
        }
        let open: Vec<_> = open.iter().map(|key| format!("{PATH_FORM}{key}")).collect();
        format!("clients connect to {}", open.join(", "))
    }
}

fn shown(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_SHOWN_MAX)]
}
