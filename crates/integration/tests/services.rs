//! Calls of AWS's services: what a signer is given, and that what it gives goes out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration::{Endpoint, ErrorKind, Integrations, ServicePlace, ServiceRequest, Services, Signer, Signing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::message::{HttpTarget, IntegrationRequest, ServiceTarget, Target};

/// Signs with everything that it was given, so that the server shows it.
struct Shows;

impl Signer for Shows {
    fn sign<'a>(&'a self, request: &'a ServiceRequest) -> Signing<'a> {
        Box::pin(async move {
            let ServiceRequest { method, host, path, query, headers, body, region, service, role, .. } = request;
            let role = role.as_deref().ok_or("there is no role")?;
            let all =
                format!("{method} {host} {path} {query} {} {} {region} {service} {role}", headers.len(), body.len());
            Ok([("Authorization", all)].into_iter().collect())
        })
    }
}

fn at(endpoint: Endpoint, signer: Option<Arc<dyn Signer>>) -> Services {
    Services { others: Some(ServicePlace::At(endpoint)), signer, ..Services::default() }
}

fn request(role: Option<&str>) -> IntegrationRequest {
    let at = HttpTarget::parse("https://sqs.eu-west-1.amazonaws.com/1/q?Version=2").unwrap();
    let role = role.map(str::to_owned);
    let target = ServiceTarget { service: "sqs".into(), region: "eu-west-1".into(), at, role };
    IntegrationRequest {
        target: Target::Service(Box::new(target)),
        method: "POST".into(),
        headers: [("Content-Type", "text/plain"), ("Host", "sqs.eu-west-1.amazonaws.com")].into_iter().collect(),
        body: Bytes::from_static(b"hello"),
        carries_body: true,
        may_repeat: false,
        timeout: Duration::from_secs(20),
    }
}

async fn call(services: Services, role: Option<&str>) -> Result<Bytes, integration::Error> {
    let integrations = Integrations::new(10_000, Vec::new()).with_services(services);
    let request = request(role);
    integrations.send(&request, integrations.find(&request.target)).await.map(|answer| answer.body)
}

// Answers with the head that came.
async fn shows_heads() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}/aws/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut came = Vec::new();
            while !came.ends_with(b"hello") && socket.read_buf(&mut came).await.unwrap() > 0 {}
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", came.len());
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.write_all(&came).await.unwrap();
        }
    });
    endpoint
}

#[tokio::test]
async fn calls_go_to_the_endpoint_signed_for_aws_s_own_host() {
    let services = at(shows_heads().await, Some(Arc::new(Shows)));
    let came = call(services, Some("arn:aws:iam::1:role/r")).await.unwrap();
    let expected = "POST /aws/1/q?Version=2 HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\
         Host: sqs.eu-west-1.amazonaws.com\r\n\
         Authorization: POST sqs.eu-west-1.amazonaws.com /1/q Version=2 2 5 eu-west-1 sqs arn:aws:iam::1:role/r\r\n\r\nhello";
    assert_eq!(String::from_utf8_lossy(&came), expected);
    let unsigned = at(shows_heads().await, None);
    let came = call(unsigned, None).await.unwrap();
    assert!(!String::from_utf8_lossy(&came).contains("Authorization"));
}

#[tokio::test]
async fn a_call_that_nobody_can_sign_or_place_is_not_made() {
    let services = at(shows_heads().await, Some(Arc::new(Shows)));
    let error = call(services, None).await.unwrap_err();
    assert_eq!(
        (error.kind, error.to_string().as_str()),
        (ErrorKind::Unready, "cannot call the service sqs: there is no role")
    );
    let error = call(Services::default(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unready);
    assert!(error.to_string().contains("setting aws-endpoint"), "{error}");
    // Nothing goes to AWS unsigned.
    let aws = Services { others: Some(ServicePlace::Aws), ..Services::default() };
    let error = call(aws, None).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot call the service sqs: nobody signs its calls");
}

#[tokio::test]
async fn a_service_may_be_elsewhere_than_the_others() {
    let mut services = at(Endpoint::parse("http://127.0.0.1:1").unwrap(), None);
    services.places.insert("sqs".to_owned(), ServicePlace::At(shows_heads().await));
    assert!(call(services, None).await.is_ok());
    let mut services = Services::default();
    services.places.insert("sns".to_owned(), ServicePlace::At(shows_heads().await));
    let integrations = Integrations::new(10_000, Vec::new()).with_services(services);
    assert!(integrations.has_service("sns") && !integrations.has_service("sqs"));
}
