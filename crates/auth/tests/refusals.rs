//! What strangers are told, to the letter, and the forms of a signature that clients have besides the usual one.

use auth::{Claim, Credentials, Expected, Outside, Refusal, Request, SigningKeys};
use ring::{digest, hmac};

struct Nowhere;

impl Outside for Nowhere {
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("is not set".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }
}

/// 2024-04-25T10:21:38Z.
const NOW: u64 = 1_714_040_498;
const KEYS: &str = r#"
    [[access_key]]
    id = "AKID"
    secret = "sesame"
    user = "ann"

    [[access_key]]
    id = "GUEST"
    secret = "sesame"
    user = "guest"
    session_token = "t/=="

    [[access_key]]
    id = "OVER"
    secret = "sesame"
    user = "guest"
    session_token = "t/=="
    expires = 2024-04-25T10:21:38Z
"#;

/// A request as text.
#[derive(Clone, Copy)]
struct Sent<'s> {
    method: &'s str,
    target: &'s str,
    headers: &'s [(&'s str, &'s str)],
    body: &'s str,
    is_handshake: bool,
}

const GET: Sent<'_> = Sent { method: "GET", target: "/prod", headers: &[], body: "", is_handshake: false };

fn verify(sent: Sent<'_>) -> Result<(), Refusal> {
    let keys = Credentials::parse(KEYS, &Nowhere).expect("the keys are right");
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let headers = sent.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = Request { method: sent.method, path, query, headers };
    let expected = Expected { service: "execute-api", is_handshake: sent.is_handshake };
    let claim = Claim::read(&request)?;
    let key = claim.check(expected, NOW, &keys)?;
    claim.verify(&request, sent.body.as_bytes(), expected, key, &SigningKeys::default())
}

/// The signature of a canonical request by the book, made here once more.
fn sign(canonical: &str, date: &str, service: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let day = &date[..8];
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{day}/us-east-1/{service}/aws4_request\n{hash}");
    let mac =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let key =
        [day, "us-east-1", service, "aws4_request"].iter().fold(b"AWS4sesame".to_vec(), |key, part| mac(&key, part));
    hex(&mac(&key, &to_sign))
}

fn authorization(id: &str, canonical: &str, date: &str) -> String {
    let signed = canonical.lines().rev().nth(1).expect("a canonical request has its headers");
    let (day, signature) = (&date[..8], sign(canonical, date, "execute-api"));
    format!(
        "AWS4-HMAC-SHA256 Credential={id}/{day}/us-east-1/execute-api/aws4_request,SignedHeaders={signed},   Signature={signature}"
    )
}

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const DATE: &str = "20240425T102138Z";

#[test]
fn refusals_say_what_aws_says() {
    let scope = "Credential=AKID/20240425/us-east-1/execute-api/aws4_request";
    let rest = "SignedHeaders=host, Signature=00";
    let whole = |credential: &str| format!("AWS4-HMAC-SHA256 {credential}, {rest}");
    let at = |date: &'static str| vec![("host", "h".to_owned()), ("x-amz-date", date.to_owned())];
    let with = |authorization: String| [at(DATE), vec![("authorization", authorization)]].concat();
    let old = [at("20240425T100521Z"), vec![("authorization", whole(scope))]].concat();
    let new = [at("20240425T103000Z"), vec![("authorization", whole(scope))]].concat();
    let bare = vec![("authorization", "AWS4-HMAC-SHA256 x=y".to_owned())];
    for (headers, error_type, message) in [
        (at(DATE), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (
            with("Bearer eyJhbGciOi".to_owned()),
            "IncompleteSignatureException",
            "'eyJhbGciOi' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer eyJhbGciOi'.",
        ),
        (
            with("token".to_owned()),
            "IncompleteSignatureException",
            "'token' not a valid key=value pair (missing equal-sign) in Authorization header: 'token'.",
        ),
        (
            bare,
            "IncompleteSignatureException",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization \
             header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
             header. Authorization=AWS4-HMAC-SHA256 x=y",
        ),
        (
            with(format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host")),
            "IncompleteSignatureException",
            &format!(
                "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"
            ),
        ),
        (
            with(whole("Credential=AKID/20240425")),
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20240425'.",
        ),
        (
            with(whole(scope).replace("SignedHeaders=host", "SignedHeaders=x-amz-date")),
            "IncompleteSignatureException",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            with(whole(scope).replace("SignedHeaders=host", "SignedHeaders=host;host")),
            "IncompleteSignatureException",
            "'SignedHeaders' must name each header once, and at most 100.",
        ),
        (
            with(whole("Credential=NOBODY/20240425/us-east-1/execute-api/aws4_request")),
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            with(whole("Credential=GUEST/20240425/us-east-1/execute-api/aws4_request")),
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            [
                with(whole("Credential=OVER/20240425/us-east-1/execute-api/aws4_request")),
                vec![("x-amz-security-token", "t/==".to_owned())],
            ]
            .concat(),
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        (
            with(whole("Credential=AKID/20240425/us-east-1/apigateway/aws4_request")),
            "InvalidSignatureException",
            "Credential should be scoped to correct service: 'execute-api'. ",
        ),
        (
            with(whole("Credential=AKID/20240424/us-east-1/execute-api/aws4_request")),
            "InvalidSignatureException",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20240424' != '20240425', from \
             '20240425T102138Z'.",
        ),
        (
            old,
            "InvalidSignatureException",
            "Signature expired: 20240425T100521Z is now earlier than 20240425T101638Z (20240425T102138Z - 5 min.)",
        ),
        (
            new,
            "InvalidSignatureException",
            "Signature not yet current: 20240425T103000Z is still later than 20240425T102638Z (20240425T102138Z + 5 min.)",
        ),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refusal = verify(Sent { headers: &headers, ..GET }).unwrap_err();
        assert_eq!((refusal.error_type(), refusal.message(), refusal.status()), (error_type, message, 403));
        assert_eq!(refusal.body(), serde_json::json!({ "message": message }).to_string());
    }
}

#[test]
fn refusals_of_queries_name_the_parameter() {
    let query = |expires: &str, date: &str| {
        format!(
            "/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20240425%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date={date}{expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        )
    };
    for (target, message) in [
        (
            query("", DATE).replace("&X-Amz-Date=20240425T102138Z", ""),
            "AWS query-string parameters must include 'X-Amz-Date'. Re-examine",
        ),
        (query("&X-Amz-Expires=0", DATE), "'X-Amz-Expires' must be a whole number of seconds from 1 to 604800."),
        (query("&X-Amz-Expires=604801", DATE), "'X-Amz-Expires' must be"),
        (query("&X-Amz-Expires=%2B5", DATE), "'X-Amz-Expires' must be"),
        (query("", "now"), "Date must be in ISO-8601 'basic format'. Got 'now'."),
        (
            query("&X-Amz-Expires=60", "20240425T102037Z"),
            "Signature expired: 20240425T102037Z is now earlier than 20240425T102038Z",
        ),
        (query("", "20240425T101637Z"), "Signature expired: 20240425T101637Z is now earlier than 20240425T101638Z"),
        // In time, and so looked at.
        (query("&X-Amz-Expires=61", "20240425T102037Z"), "The request signature we calculated"),
        (query("", "20240425T101638Z"), "The request signature we calculated"),
        (query("&X-Amz-Expires=604800", "20240425T000000Z"), "The request signature we calculated"),
        (query("", DATE).replace("HMAC", "OTHER"), "Unsupported AWS 'algorithm'"),
    ] {
        let refusal = verify(Sent { target: &target, headers: &[("host", "h")], ..GET }).unwrap_err();
        assert!(refusal.message().starts_with(message), "{target}: {}", refusal.message());
    }
}

#[test]
fn other_forms_that_clients_sign() {
    let canonical =
        |path: &str, payload: &str| format!("GET\n{path}\n\nhost:h\nx-amz-date:{DATE}\n\nhost;x-amz-date\n{payload}");
    for (target, path, payload, is_handshake, right) in [
        ("/dev/@connections/a%3D", "/dev/%40connections/a%253D", EMPTY, false, true),
        ("/dev/%40connections/a=", "/dev/%2540connections/a%3D", EMPTY, false, true),
        ("/dev/%40connections/a=", "/dev/%40connections/a%3D", EMPTY, false, false),
        ("/a/../dev//x", "/a/../dev//x", EMPTY, false, true),
        ("/a/../dev//x", "/dev/x", EMPTY, false, false),
        ("/dev", "/a/../dev", EMPTY, false, false),
        ("//dev", "/dev", EMPTY, false, false),
        ("/./dev", "/dev", EMPTY, true, false),
        ("/dev/x", "/dev//x", EMPTY, false, false),
        ("/dev", "/dev", "UNSIGNED-PAYLOAD", true, true),
        ("/dev", "/dev", "UNSIGNED-PAYLOAD", false, false),
    ] {
        let authorization = authorization("AKID", &canonical(path, payload), DATE);
        let headers = [("Host", "h"), ("X-Amz-Date", DATE), ("Authorization", &authorization)];
        let result = verify(Sent { target, headers: &headers, is_handshake, ..GET });
        assert_eq!(result.is_ok(), right, "{target} {path} {payload}: {result:?}");
    }
}

#[test]
fn a_body_may_be_unsigned_where_the_header_says_so_and_its_hash_must_be_its_own() {
    for (said, signed, body, right) in [
        ("UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", "anything", true),
        ("UNSIGNED-PAYLOAD", EMPTY, "anything", false),
        (EMPTY, EMPTY, "", true),
        (EMPTY, EMPTY, "anything", false),
    ] {
        let canonical = format!(
            "POST\n/prod\n\nhost:h\nx-amz-content-sha256:{said}\nx-amz-date:{DATE}\n\nhost;x-amz-content-sha256;x-amz-date\n{signed}"
        );
        let authorization = authorization("AKID", &canonical, DATE);
        let headers =
            [("host", "h"), ("x-amz-content-sha256", said), ("x-amz-date", DATE), ("authorization", &authorization)];
        let result = verify(Sent { method: "POST", headers: &headers, body, ..GET });
        assert_eq!(result.is_ok(), right, "{said} {signed} {body}: {result:?}");
    }
}

#[test]
fn the_header_date_and_several_headers_of_one_name_are_signed_too() {
    let canonical = format!(
        "GET\n/prod\n\ndate:Thu, 25 Apr 2024 10:21:38 GMT\nhost:h\nx-a:one two,three\n\ndate;host;x-a\n{EMPTY}"
    );
    let authorization = authorization("AKID", &canonical, DATE);
    let date = ("Date", "Thu, 25 Apr 2024 10:21:38 GMT");
    let right = [date, ("Host", "h"), ("X-A", "  one   two"), ("x-a", "three "), ("authorization", &authorization)];
    assert_eq!(verify(Sent { headers: &right, ..GET }), Ok(()));
    let turned = [date, ("Host", "h"), ("x-a", "three"), ("X-A", "one two"), ("authorization", &authorization)];
    assert!(verify(Sent { headers: &turned, ..GET }).is_err());
    let twice = [
        date,
        ("Host", "h"),
        ("X-A", "one two"),
        ("x-a", "three"),
        ("authorization", &authorization),
        ("authorization", "x"),
    ];
    assert!(verify(Sent { headers: &twice, ..GET }).is_err());
}

#[test]
fn a_session_token_is_signed_or_was_added_to_the_query_afterwards() {
    let signed = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=GUEST%2F20240425%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date={DATE}&X-Amz-SignedHeaders=host"
    );
    let token = "X-Amz-Security-Token=t%2F%3D%3D";
    let (before, after) = signed.split_once("&X-Amz-SignedHeaders").expect("it is there");
    let with_token = format!("{before}&{token}&X-Amz-SignedHeaders{after}");
    for (canonical_query, sent_token, right) in [
        (&with_token, token, true),
        (&signed, token, true),
        (&signed, "X-Amz-Security-Token=other", false),
        (&signed, "", false),
    ] {
        let signature = sign(&format!("GET\n/prod\n{canonical_query}\nhost:h\n\nhost\n{EMPTY}"), DATE, "execute-api");
        let target = format!("/prod?{signed}&X-Amz-Signature={signature}&{sent_token}");
        let result = verify(Sent { target: &target, headers: &[("host", "h")], ..GET });
        assert_eq!(result.is_ok(), right, "{target}: {result:?}");
    }
    let canonical = format!("GET\n/prod\n\nhost:h\nx-amz-date:{DATE}\n\nhost;x-amz-date\n{EMPTY}");
    let authorization = authorization("GUEST", &canonical, DATE);
    let headers = [("host", "h"), ("x-amz-date", DATE), ("authorization", &authorization)];
    assert!(verify(Sent { headers: &headers, ..GET }).is_err(), "without its token");
}

#[test]
fn junk_is_refused_and_never_a_panic() {
    // Pieces of signatures in every order: what reads them must bear it. The sequence is the same each time.
    let pieces = [
        "AWS4-HMAC-SHA256",
        " ",
        ",",
        "=",
        "Credential=",
        "AKID/20240425/us-east-1/execute-api/aws4_request",
        "SignedHeaders=",
        "host",
        ";",
        "Signature=",
        "é",
        "%",
        "%zz",
        "&",
        "X-Amz-Signature=",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Date=",
        DATE,
        "/",
        "\u{0}",
        "00",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..20_000 {
        let mut text = |most: u64| -> String {
            (0..next() % most).map(|_| pieces[(next() % pieces.len() as u64) as usize]).collect()
        };
        let (authorization, target, date) = (text(12), format!("/{}?{}", text(4), text(12)), text(2));
        let headers = [("host", "h"), ("authorization", authorization.as_str()), ("x-amz-date", date.as_str())];
        assert!(verify(Sent { target: &target, headers: &headers, ..GET }).is_err(), "{authorization} {target}");
        let headers = [("host", "h")];
        assert!(verify(Sent { target: &target, headers: &headers, ..GET }).is_err(), "{target}");
    }
}
