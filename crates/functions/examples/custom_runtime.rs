//! A function as people write them in Rust, with AWS's crate `lambda_runtime`: begun as a command (`command = ["…"]`) it
//! needs nothing but the Runtime API. `tests/local/custom_runtime.rs` runs it.

use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let LambdaEvent { payload, context } = event;
    let word = |name: &str| payload[name].as_str();
    if let Some(what) = word("fail") {
        return Err(Diagnostic { error_type: "NoRoom".to_owned(), error_message: what.to_owned() });
    }
    if let Some(what) = word("panic") {
        panic!("{what}");
    }
    if let Some(code) = payload["exit"].as_i64() {
        std::process::exit(code as i32);
    }
    if let Some(milliseconds) = payload["wait"].as_u64() {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    println!("ran {}", payload["n"]);
    Ok(json!({
        "n": payload["n"],
        "pid": std::process::id(),
        "id": context.request_id,
        "arn": context.invoked_function_arn,
        "name": context.env_config.function_name,
        "deadline": context.deadline,
    }))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    println!("loaded");
    if std::env::var_os("TABLE").is_none() {
        return Err("there is no TABLE".into());
    }
    lambda_runtime::run(service_fn(answer)).await
}
