//! What a handler is told of who calls it.

use serde_json::{Value, json};
use types::headers::Headers;
use types::message::InvocationType;

use crate::Try;

const NODE: &str = "
export const handler = async (event, { clientContext }) => [clientContext?.custom ?? null, clientContext?.client?.app_title ?? null]
";
const PYTHON: &str = "
def handler(event, context):
    said = context.client_context
    return [said.custom if said else None, said.client.app_title if said and said.client else None]
";

async fn told(one: &Try, client_context: Option<&str>, kind: InvocationType) -> (u16, Value) {
    let headers: Headers = client_context.map(|text| ("X-Amz-Client-Context", text.to_owned())).into_iter().collect();
    let invoked = one.raw_with(json!({}), kind, &headers).await;
    (invoked.status, serde_json::from_slice(&invoked.payload).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_is_told_of_its_client() {
    // {"custom":{"a":"grüße 𝄞\n"},"client":{"app_title":"chat"}}
    let said = "eyJjdXN0b20iOnsiYSI6ImdyXHUwMGZjw59lIPCdhJ5cbiJ9LCJjbGllbnQiOnsiYXBwX3RpdGxlIjoiY2hhdCJ9fQ==";
    for (file, text) in [("app.mjs", NODE), ("app.py", PYTHON)] {
        let one = Try::new(file, text, |_| {});
        let heard = told(&one, Some(said), InvocationType::RequestResponse).await;
        assert_eq!(heard, (200, json!([{ "a": "grüße 𝄞\n" }, "chat"])), "{file}");
        // {"custom":{}}
        let heard = told(&one, Some("eyJjdXN0b20iOnt9fQ=="), InvocationType::RequestResponse).await;
        assert_eq!(heard, (200, json!([{}, null])), "{file}");
        assert_eq!(told(&one, None, InvocationType::RequestResponse).await, (200, json!([null, null])), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_cannot_be_read_is_refused() {
    let one = Try::new("app.mjs", NODE, |_| {});
    // No base64, no JSON, no object.
    for said in ["{}", "c3RyaW5n", "WzFd"] {
        let (status, body) = told(&one, Some(said), InvocationType::RequestResponse).await;
        assert_eq!(status, 400, "{said}");
        assert_eq!(body["message"], "Client context must be a valid Base64-encoded JSON object.");
    }
    assert_eq!(one.heard.count("REPORT"), 0);
}
