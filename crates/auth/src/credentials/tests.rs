use super::{Credentials, Outside};

struct Nowhere;

impl Outside for Nowhere {
    fn variable(&self, name: &str) -> Result<String, String> {
        if name == "SET" { Ok("sesame".to_owned()) } else { Err("is not set".to_owned()) }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        match path {
            "secret.txt" => Ok("sesame\n".to_owned()),
            "post.json" => Ok(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#.to_owned()),
            "bad.json" => Ok("{\"Statement\": []".to_owned()),
            _ => Err("there is no such file".to_owned()),
        }
    }
}

#[test]
fn keys_are_read_with_their_secrets_and_policies() {
    let text = r#"
        [[access_key]]
        id = "AKID1"
        secret = "sesame"
        user = "ann"
        policies = ["post.json", '{"Statement": []}', { Statement = [{ Effect = "Deny", Action = "*", Resource = ["*"] }] }]

        [[access_key]]
        id = "AKID2"
        secret_env = "SET"
        user = "ann"
        session_token = "token=="
        expires = 2026-01-15T12:00:00Z

        [[access_key]]
        id = "AKID3"
        secret_file = "secret.txt"
        user = "bob@example.com"
    "#;
    let credentials = Credentials::parse(text, &Nowhere).unwrap();
    assert_eq!(credentials.count(), 3);
    for id in ["AKID1", "AKID2", "AKID3"] {
        assert!(credentials.get(id).unwrap().secret.is("sesame"), "{id}");
    }
    let names: Vec<_> =
        credentials.get("AKID1").unwrap().policies.iter().map(|policy| policy.name().to_owned()).collect();
    assert_eq!(names, ["post.json", "the policy in line 6", "the policy in line 6"]);
    assert_eq!(credentials.of_user("ann").len(), 2);
    let second = credentials.get("AKID2").unwrap();
    assert!(second.session_token.as_ref().unwrap().is("token=="));
    assert_eq!(second.expires, Some(1_768_478_400));
    let shown = format!("{credentials:?}");
    assert!(shown.contains("AKID2") && !shown.contains("sesame") && !shown.contains("token"), "{shown}");
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_never_with_the_secret() {
    let key = |more: &str| format!("[[access_key]]\nid = \"AKID\"\nuser = \"ann\"\n{more}\n");
    for (text, expected) in [
        (key("secret = \"wJalrXUtnFEMI"), "line 4: it is no TOML: "),
        (key("secret = wJalrXUtnFEMI"), "line 4: it is no TOML: "),
        (key("secret = \"a\\wJalrXUtnFEMI\""), "line 4: it is no TOML: "),
        (key("secret = 1\nsecret = \"wJalrXUtnFEMI\""), "line 5: it is no TOML: duplicate key"),
        (key("secret = [\"wJalrXUtnFEMI\"]"), "line 4: secret: it is no text in quotes"),
        (key("secret = \"\""), "line 4: secret: it is empty"),
        (key(""), "line 1: access_key: it has no secret, secret_env or secret_file"),
        (
            key("secret = \"wJalrXUtnFEMI\"\nsecret_env = \"SET\""),
            "line 5: secret_env: of secret, secret_env and secret_file",
        ),
        (key("secret_env = \"UNSET\""), "line 4: secret_env: UNSET is not set"),
        (key("secret_file = \"no.txt\""), "line 4: secret_file: no.txt there is no such file"),
        (key("secret = \"wJalrXUtnFEMI\"\nsecrte = \"wJalrXUtnFEMI\""), "line 5: secrte: no access key has this"),
        (key("secret = \"wJalrXUtnFEMI\"\npolicies = \"post.json\""), "line 5: policies: it is no list"),
        (
            key("secret = \"wJalrXUtnFEMI\"\npolicies = [\"no.json\"]"),
            "line 5: policies: no.json: there is no such file",
        ),
        (key("secret = \"wJalrXUtnFEMI\"\npolicies = [\"bad.json\"]"), "line 5: policies: bad.json: EOF while parsing"),
        (key("secret = \"wJalrXUtnFEMI\"\nexpires = \"soon\""), "line 5: expires: it is no time"),
        ("[[access_key]]\nid = \"a b\"\n".to_owned(), "line 2: id: it is not up to 128"),
        ("[[access_key]]\nid = \"A\"\nsecret = \"s\"\nuser = \"a/b\"\n".to_owned(), "line 4: user: it is not up to 64"),
        ("[access_key]\nid = \"A\"\n".to_owned(), "line 1: access_key: only [[access_key]] stands here"),
        ("[[access_keys]]\n".to_owned(), "line 1: access_keys: only [[access_key]] stands here"),
        (key("secret = \"s\"").repeat(2), "access key AKID: it stands there twice"),
    ] {
        let error = Credentials::parse(&text, &Nowhere).unwrap_err();
        assert!(error.starts_with(expected), "{error}\n{text}");
        assert!(!error.contains("wJal") && !error.contains("sesame"), "{error}");
    }
}
