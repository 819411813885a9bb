//! Hosts and paths of the data plane, and the ids below `@connections`.

use types::Id;
use types::account::DomainName;
use types::resources::Map;
use types::snapshot::StageKey;

use crate::address::{Address, Below, PATH_FORM, decode};

/// A host, and behind a NUL a path: an address, or none. Written with every byte behind a percent sign, in the form that
/// needs no name, it is the same address; an id has one spelling.
pub fn addresses(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (host, path) = text.split_once('\u{0}').unwrap_or(("127.0.0.1", text));
    assert_eq!(decode(&encoded(text)), text);
    assert!(decode(text).len() <= 3 * text.len(), "{text:?}");
    let to = StageKey { api_id: "abc".to_owned(), stage: "prod".to_owned() };
    let domain =
        DomainName { mappings: [("chat".to_owned(), to.clone()), (String::new(), to)].into(), ..DomainName::default() };
    let domains: Map<DomainName> =
        [("ws.example.com".to_owned(), domain.clone()), ("*.example.com".to_owned(), domain)].into();
    let Some(address) = Address::read(host, path, &domains) else {
        assert!(!path.starts_with(PATH_FORM), "{path:?} is no address");
        return;
    };
    let StageKey { api_id, stage } = &address.key;
    assert!(!api_id.contains('/') && *api_id == api_id.to_ascii_lowercase(), "{address:?}");
    assert!(address.domain_name.starts_with(host), "{address:?}");
    let below = match &address.below {
        Below::Nothing => String::new(),
        Below::Connection(id) => {
            if let Ok(read) = id.parse::<Id>() {
                assert_eq!(read.to_string(), *id, "two spellings of an id");
            }
            format!("/@connections/{}", encoded(id))
        }
        Below::Connections => "/@connections".to_owned(),
        Below::Path(path) => format!("/{}", encoded(path.strip_prefix('/').expect("a path begins with a slash"))),
    };
    let written = format!("{PATH_FORM}{api_id}/{}{below}", encoded(stage));
    let again = Address::read("localhost", &written, &domains).expect("the form by path is an address");
    assert_eq!((&again.key, &again.below), (&address.key, &address.below), "{text:?} is written {written:?}");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::addresses;

    const SEED: u64 = 20_261_127;
    const CASES: usize = 20_000;
    const PIECES_MAX: usize = 10;

    const HOSTS: &[&str] = &[
        "127.0.0.1:4510",
        "abc.execute-api.localhost",
        "ABC.Execute-Api.x:1",
        "ws.example.com.:443",
        "a.example.com",
        "",
        "[::1]:1",
        "/abc.execute-api.localhost",
    ];
    const PIECES: &[&str] = &[
        "/",
        "/",
        "/_aws/execute-api/",
        "abc",
        "prod",
        "chat",
        "@connections",
        "%40connections",
        "/@connections/",
        "Gto47d9-DoECGqg=",
        "Gto47d9-DoECGqg%3D",
        "%2f",
        "%2F",
        "%",
        "%e",
        "%ff",
        "%zz",
        "%00",
        "..",
        "ü",
        "?",
        "#",
        ":",
        ".",
        " ",
    ];

    #[test]
    fn addresses_of_any_pieces_are_read_and_written_again() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let mut text = format!("{}\u{0}", HOSTS[random.random_range(0..HOSTS.len())]);
            text.push_str(["/_aws/execute-api/", "/", ""][random.random_range(0..3)]);
            for _ in 0..random.random_range(0..PIECES_MAX) {
                text.push_str(PIECES[random.random_range(0..PIECES.len())]);
            }
            addresses(text.as_bytes());
        }
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let length = random.random_range(0..40);
            let bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
            // As letters, too, so that more of them are text.
            addresses(&bytes);
            addresses(&bytes.iter().map(|byte| byte % 96 + 32).collect::<Vec<u8>>());
        }
    }
}
