//! Who a node is to NATS, and whom it trusts.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cluster::{Cluster, Error, Login, Settings, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::nats::Servers;

/// A pair of NATS's documentation.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

async fn connects(settings: &Settings) -> Result<Cluster, Error> {
    let begun = Instant::now();
    loop {
        match cluster::connect(settings.clone()).await {
            // The server may not listen yet, or not lead its streams.
            Err(Error::Unreachable { detail, .. })
                if detail.contains("refused") && begun.elapsed() < Duration::from_secs(10) => {}
            Err(Error::NoJetStream { .. } | Error::Failed { .. }) if begun.elapsed() < Duration::from_secs(10) => {}
            connected => return connected,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_let_in_by_its_token_or_nkey_and_by_no_other() {
    let nkey = format!("authorization {{ users: [ {{ nkey: {PUBLIC} }} ] }}");
    for (extra, right, wrong) in [
        (
            "authorization { token: secret }".to_owned(),
            Login::Token("secret".to_owned()),
            Login::Token("no".to_owned()),
        ),
        (nkey, Login::Nkey(format!("{SEED}\n")), Login::Nobody),
    ] {
        let servers = Servers::with(1, &extra).await;
        let settings = Settings { login: right, ..servers.settings(0) };
        connects(&settings).await.map(drop).unwrap_or_else(|error| panic!("{extra}: {error}"));
        let refused = connects(&Settings { login: wrong, ..settings }).await.err().expect("refused").to_string();
        assert!(refused.contains("authorization violation"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nkey_that_is_none_is_named_and_not_shown() {
    let servers = Servers::with(1, &format!("authorization {{ users: [ {{ nkey: {PUBLIC} }} ] }}")).await;
    let settings = Settings { login: Login::Nkey("SUNOKEY".to_owned()), ..servers.settings(0) };
    let refused = connects(&settings).await.err().expect("refused").to_string();
    assert!(!refused.contains("SUNOKEY"), "{refused}");
}

struct Files {
    folder: PathBuf,
}

impl Files {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(files: &Files, name: &str, issuer: &CertifiedIssuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    files.write(&format!("{name}.pem"), &certificate.pem());
    files.write(&format!("{name}.key"), &key.serialize_pem());
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_is_trusted_by_its_authority_and_trusts_the_nodes_certificate() {
    let folder = std::env::temp_dir().join(format!("gatewright-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let files = Files { folder };
    let (ours, theirs) = (issuer("ours"), issuer("theirs"));
    let authority = files.write("ca.pem", &ours.pem());
    let strange = files.write("strange.pem", &theirs.pem());
    certificate(&files, "server", &ours);
    certificate(&files, "node", &ours);
    let extra = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
        shown(&files.path("server.pem")),
        shown(&files.path("server.key")),
        shown(&authority)
    );
    let servers = Servers::with(1, &extra).await;
    let own = Some((files.path("node.pem"), files.path("node.key")));
    let tls = Tls { required: true, authorities: Some(authority), certificate: own };
    let settings = Settings { tls: tls.clone(), ..servers.settings(0) };
    connects(&settings).await.map(drop).unwrap_or_else(|error| panic!("{error}"));
    let with = |tls: Tls| Settings { tls, ..settings.clone() };
    let told = async |tls: Tls| connects(&with(tls)).await.err().expect("refused").to_string();
    let text = told(Tls { authorities: Some(strange), ..tls.clone() }).await;
    assert!(text.contains("certificate"), "{text}");
    let text = told(Tls { certificate: None, ..tls.clone() }).await;
    assert!(text.starts_with("no NATS server answers at"), "{text}");
    let missing = files.path("missing.pem");
    let text = told(Tls { authorities: Some(missing.clone()), ..tls }).await;
    assert_eq!(text, format!("{}: no such file", shown(&missing)));
}
