//! S3, as far as deployers need it: objects put, got, looked at, listed and deleted, whole or in parts.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use stacks::api::xml::Xml;
use stacks::api::{Error, Form};
use stacks::{Code, functions};
use types::time::Timestamp;

use super::super::Stacks;
use super::objects::Object;
use super::{Around, Service, buckets};
use crate::answers::{Response, full};

/// The largest body of a call, in bytes. Deployers send what is larger in parts of 5 or 8 MB.
pub(super) const BODY_BYTES_MAX: usize = 17 * 1024 * 1024;
/// How much of an object one answer holds; who wants more asks for ranges.
const GET_BYTES_MAX: u64 = 17 * 1024 * 1024;
/// How many keys an answer lists. Source: documented.
const LIST_MAX: usize = 1_000;
/// The longest name of a bucket. Source: documented.
const BUCKET_BYTES_MAX: usize = 63;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

pub(crate) struct Call {
    bucket: String,
    key: String,
    what: What,
}

enum What {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    Location,
    Encryption,
    Versioning,
    List { form: Form },
    Put { content_type: String, body: Bytes },
    Get { range: Option<String>, is_head: bool },
    Delete,
    DeleteMany { keys: Vec<String> },
    BeginUpload { content_type: String },
    PutPart { id: String, number: u32, body: Bytes },
    EndUpload { id: String },
    AbortUpload { id: String },
}

/// Text of a path, decoded. What is not UTF-8 stays recognisable and names no object.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits: Option<Vec<u8>> = (byte == b'%').then(|| rest.clone().take(2).collect());
        let hex = digits.as_deref().and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.filter(|hex| hex.len() == 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest.nth(1);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn not_done(what: &str) -> Error {
    let text = format!("{what}: this is an S3 for what deployers upload, and does not do that");
    Error::new(501, "NotImplemented", text)
}

impl Call {
    pub(super) fn read(parts: &Parts, body: Bytes) -> Result<Call, Error> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let path = parts.uri.path().trim_start_matches('/');
        // By host, as `bucket.localhost`, or by path.
        let host = text(header::HOST).split(':').next().unwrap_or_default();
        let (bucket, key) = match host.strip_suffix(".localhost") {
            Some(bucket) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let (bucket, key) = (decoded(bucket), decoded(key));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if bucket.len() > BUCKET_BYTES_MAX || !bucket.chars().all(is_name) {
            return Err(Error::new(400, "InvalidBucketName", "The specified bucket is not valid."));
        }
        let form = Form::read(parts.uri.query().unwrap_or_default().as_bytes())?;
        let what = match (bucket.is_empty(), key.is_empty()) {
            (true, _) if parts.method == Method::GET => What::ListBuckets,
            (true, _) => return Err(not_done("a call without a bucket")),
            (false, true) => What::of_bucket(&parts.method, form, &body)?,
            (false, false) => What::of_object(parts, &form, body)?,
        };
        Ok(Call { bucket, key, what })
    }

    /// Source: documented ("Required permissions for Amazon S3 API operations").
    pub(super) fn action(&self) -> &'static str {
        match &self.what {
            What::ListBuckets => "s3:ListAllMyBuckets",
            What::CreateBucket => "s3:CreateBucket",
            What::HeadBucket | What::List { .. } => "s3:ListBucket",
            What::Location => "s3:GetBucketLocation",
            What::Encryption => "s3:GetEncryptionConfiguration",
            What::Versioning => "s3:GetBucketVersioning",
            What::Put { .. } | What::BeginUpload { .. } | What::PutPart { .. } | What::EndUpload { .. } => {
                "s3:PutObject"
            }
            What::Get { .. } => "s3:GetObject",
            What::Delete | What::DeleteMany { .. } => "s3:DeleteObject",
            What::AbortUpload { .. } => "s3:AbortMultipartUpload",
        }
    }

    pub(super) fn resource(&self) -> String {
        let Call { bucket, key, what } = self;
        match what {
            What::ListBuckets => "*".to_owned(),
            What::DeleteMany { .. } => format!("arn:aws:s3:::{bucket}/*"),
            _ if key.is_empty() => format!("arn:aws:s3:::{bucket}"),
            _ => format!("arn:aws:s3:::{bucket}/{key}"),
        }
    }

    pub(super) fn is_write(&self) -> bool {
        !matches!(self.action(), "s3:GetObject" | "s3:ListBucket" | "s3:GetBucketLocation" | "s3:ListAllMyBuckets")
    }

    pub(super) fn answer(self, stacks: &Stacks, around: &Around) -> Response {
        let is_head = matches!(self.what, What::HeadBucket | What::Get { is_head: true, .. });
        self.done(stacks, around).unwrap_or_else(|refused| {
            let mut response = Service::S3.refusal(&refused, &around.request_id);
            if is_head {
                *response.body_mut() = full(Bytes::new());
            }
            response
        })
    }

    fn done(self, stacks: &Stacks, around: &Around) -> Result<Response, Error> {
        let (all, region) = (&stacks.buckets, stacks.home.region.as_str());
        let Call { bucket, key, what } = self;
        let name = (bucket.as_str(), key.as_str());
        let used = || used(stacks);
        let xml = |text: String| Service::S3.response(StatusCode::OK, text, &around.request_id);
        let tagged = |etag: &str| with(xml(String::new()), header::ETAG, &format!("\"{etag}\""));
        Ok(match what {
            What::ListBuckets => xml(document("ListAllMyBucketsResult", |xml| {
                xml.within("Buckets", |xml| {
                    all.names().iter().for_each(|name| xml.within("Bucket", |xml| xml.text("Name", name)));
                });
            })),
            What::CreateBucket => with(xml(String::new()), header::LOCATION, &format!("/{bucket}")),
            What::HeadBucket => with(xml(String::new()), "x-amz-bucket-region", region),
            // Nothing stands for the first Region. Source: documented.
            What::Location => xml(match region {
                "us-east-1" => format!("<LocationConstraint xmlns=\"{NAMESPACE}\"/>"),
                region => format!("<LocationConstraint xmlns=\"{NAMESPACE}\">{region}</LocationConstraint>"),
            }),
            What::Encryption => xml(document("ServerSideEncryptionConfiguration", |xml| {
                xml.within("Rule", |xml| {
                    xml.within("ApplyServerSideEncryptionByDefault", |xml| xml.text("SSEAlgorithm", "AES256"));
                });
            })),
            What::Versioning => xml(document("VersioningConfiguration", |_| {})),
            What::List { form } => xml(list(all, &bucket, &form)),
            What::Put { content_type, body } => {
                let about = (content_type.as_str(), around.now.0);
                let write = |_: &mut _, file: &std::path::Path| buckets::written(file, &body);
                tagged(&all.put(name, about, body.len() as u64, &used, write)?.etag)
            }
            What::Get { range, is_head } => {
                let no_key = || Error::new(404, "NoSuchKey", "The specified key does not exist.");
                got(&all.find(&bucket, &key).ok_or_else(no_key)?, range.as_deref(), is_head, &around.request_id)?
            }
            What::Delete => {
                all.remove(&bucket, &key);
                let mut response = xml(String::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            What::DeleteMany { keys } => {
                keys.iter().for_each(|key| all.remove(&bucket, key));
                xml(document("DeleteResult", |xml| {
                    keys.iter().for_each(|key| xml.within("Deleted", |xml| xml.text("Key", key)));
                }))
            }
            What::BeginUpload { content_type } => {
                all.begin_upload(name, &content_type, &around.new_id);
                xml(document("InitiateMultipartUploadResult", |xml| {
                    xml.text("Bucket", &bucket);
                    xml.text("Key", &key);
                    xml.text("UploadId", &around.new_id);
                }))
            }
            What::PutPart { id, number, body } => tagged(&all.put_part(&id, number, &body)?),
            What::EndUpload { id } => {
                let (bucket, key, object) = all.end_upload(&id, around.now.0, &used)?;
                xml(document("CompleteMultipartUploadResult", |xml| {
                    xml.text("Location", &format!("http://{}/{bucket}/{key}", around.host));
                    xml.text("Bucket", &bucket);
                    xml.text("Key", &key);
                    xml.text("ETag", &format!("\"{}\"", object.etag));
                }))
            }
            What::AbortUpload { id } => {
                all.abort_upload(&id);
                let mut response = xml(String::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
        })
    }
}

impl What {
    fn of_bucket(method: &Method, form: Form, body: &[u8]) -> Result<What, Error> {
        let has = |name: &str| form.get(name).is_some();
        // What somebody wants to set of a bucket is not kept; lists take these.
        const OF_LISTS: &[&str] = &[
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "marker",
            "start-after",
            "continuation-token",
            "encoding-type",
            "fetch-owner",
        ];
        let other =
            form.names().find(|name| !OF_LISTS.contains(name) && !name.starts_with("X-Amz-") && *name != "x-id");
        match (method.as_str(), other) {
            ("HEAD", _) => Ok(What::HeadBucket),
            ("PUT", None) => Ok(What::CreateBucket),
            ("GET", Some("location")) => Ok(What::Location),
            ("GET", Some("encryption")) => Ok(What::Encryption),
            ("GET", Some("versioning")) => Ok(What::Versioning),
            ("GET", None) => Ok(What::List { form }),
            ("POST", Some("delete")) => Ok(What::DeleteMany { keys: keys(body) }),
            (method, _) => {
                let what = if has("policy") { "a bucket's policy" } else { other.unwrap_or("a bucket") };
                Err(not_done(&format!("{method} of {what:.80}")))
            }
        }
    }

    fn of_object(parts: &Parts, form: &Form, body: Bytes) -> Result<What, Error> {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content_type = || text("content-type").unwrap_or_else(|| "binary/octet-stream".to_owned());
        let id = form.text("uploadId").map(str::to_owned);
        Ok(match (parts.method.as_str(), id) {
            ("PUT", _) if parts.headers.contains_key("x-amz-copy-source") => return Err(not_done("to copy an object")),
            ("PUT", Some(id)) => {
                let number = form.text("partNumber").and_then(|text| text.parse().ok()).unwrap_or_default();
                What::PutPart { id, number, body: unchunked(&parts.headers, body)? }
            }
            ("PUT", None) if form.get("tagging").is_some() => return Err(not_done("to tag an object")),
            ("PUT", None) => What::Put { content_type: content_type(), body: unchunked(&parts.headers, body)? },
            ("GET", None) => What::Get { range: text("range"), is_head: false },
            ("HEAD", None) => What::Get { range: text("range"), is_head: true },
            ("DELETE", None) => What::Delete,
            ("DELETE", Some(id)) => What::AbortUpload { id },
            ("POST", None) if form.get("uploads").is_some() => What::BeginUpload { content_type: content_type() },
            ("POST", Some(id)) => What::EndUpload { id },
            (method, _) => return Err(not_done(&format!("{method} of an object"))),
        })
    }
}

/// The keys of a body of `DeleteObjects`: the texts of its `Key` elements.
fn keys(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let texts = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
    let plain = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        text.replace("&#39;", "'").replace("&amp;", "&")
    };
    texts.take(LIST_MAX).map(plain).collect()
}

/// A body as it was before its client cut it in pieces (`aws-chunked`), whose signatures and checksums are not looked at.
fn unchunked(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !text("content-encoding").contains("aws-chunked") && !text("x-amz-content-sha256").starts_with("STREAMING-") {
        return Ok(body);
    }
    let wrong = || Error::new(400, "IncompleteBody", "The request body terminated unexpectedly");
    let (mut whole, mut rest) = (Vec::with_capacity(body.len()), &body[..]);
    loop {
        let line = rest.windows(2).position(|pair| pair == b"\r\n").ok_or_else(wrong)?;
        let head = std::str::from_utf8(&rest[..line]).map_err(|_| wrong())?;
        let size =
            head.split(';').next().and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok()).ok_or_else(wrong)?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Ok(whole.into());
        }
        let end = size.checked_add(2).filter(|end| *end <= rest.len()).ok_or_else(wrong)?;
        whole.extend_from_slice(&rest[..size]);
        rest = &rest[end..];
    }
}

/// What functions of stacks are made of, which may not go.
fn used(stacks: &Stacks) -> HashSet<(String, String)> {
    let all = stacks.records().into_iter().flat_map(|record| functions::kept(&record));
    let used = all.filter_map(|function| match function.code {
        Code::Bucket { bucket, key } => Some((bucket, key)),
        _ => None,
    });
    used.collect()
}

fn list(all: &buckets::Buckets, bucket: &str, form: &Form) -> String {
    let text = |name: &str| form.text(name).unwrap_or_default();
    let after = [text("continuation-token"), text("start-after"), text("marker")];
    let after = after.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let max = form.text("max-keys").and_then(|max| max.parse().ok()).unwrap_or(LIST_MAX).min(LIST_MAX);
    let mut found = all.list(bucket, text("prefix"), after, max + 1);
    let is_cut = found.len() > max;
    found.truncate(max);
    document("ListBucketResult", |xml| {
        xml.text("Name", bucket);
        xml.text("Prefix", text("prefix"));
        xml.text("KeyCount", &found.len().to_string());
        xml.text("MaxKeys", &max.to_string());
        xml.flag("IsTruncated", is_cut);
        if let Some((last, _)) = found.last().filter(|_| is_cut) {
            xml.text("NextContinuationToken", last);
            xml.text("NextMarker", last);
        }
        for (key, object) in &found {
            xml.within("Contents", |xml| {
                xml.text("Key", key);
                xml.text("LastModified", &Timestamp(object.modified).iso_millis());
                xml.text("ETag", &format!("\"{}\"", object.etag));
                xml.text("Size", &object.bytes.to_string());
                xml.text("StorageClass", "STANDARD");
            });
        }
    })
}

fn document(name: &str, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::default();
    inside(&mut xml);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"{NAMESPACE}\">{}</{name}>", xml.into_text())
}

pub(super) fn refusal(refused: &Error, request_id: &str) -> String {
    let mut xml = Xml::default();
    xml.text("Code", refused.code);
    xml.text("Message", &refused.message);
    xml.text("RequestId", request_id);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}</Error>", xml.into_text())
}

fn with(mut response: Response, name: impl http::header::IntoHeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// An object, or the range of it that is asked for.
fn got(object: &Object, range: Option<&str>, is_head: bool, request_id: &str) -> Result<Response, Error> {
    let whole = (0, object.bytes);
    let range = range.map(|range| ranged(range, object.bytes)).transpose()?.flatten();
    let (from, to) = range.unwrap_or(whole);
    if !is_head && to - from > GET_BYTES_MAX {
        let text = format!("an answer holds {GET_BYTES_MAX} bytes at most: ask for ranges");
        return Err(Error::new(400, "InvalidRequest", text));
    }
    let mut body = Vec::new();
    if !is_head {
        let read = fs::File::open(&object.file).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.take(to - from).read_to_end(&mut body)
        });
        read.map_err(|error| buckets::internal(&error))?;
    }
    let mut response = Service::S3.response(StatusCode::OK, String::new(), request_id);
    if !is_head {
        *response.body_mut() = full(body.into());
    }
    response = with(response, header::CONTENT_TYPE, &object.content_type);
    response = with(response, header::CONTENT_LENGTH, &(to - from).to_string());
    response = with(response, header::ETAG, &format!("\"{}\"", object.etag));
    response = with(response, header::ACCEPT_RANGES, "bytes");
    response = with(response, header::LAST_MODIFIED, &Timestamp(object.modified).http());
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response = with(response, header::CONTENT_RANGE, &format!("bytes {from}-{}/{}", to - 1, object.bytes));
    }
    Ok(response)
}

/// `bytes=A-B`, `bytes=A-` and `bytes=-N`: first byte, and the one behind the last. None for what is no range of bytes.
fn ranged(range: &str, bytes: u64) -> Result<Option<(u64, u64)>, Error> {
    let wrong = || Error::new(416, "InvalidRange", "The requested range is not satisfiable");
    let Some((from, to)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.saturating_add(1).min(bytes)),
        (Ok(from), Err(_)) => (from, bytes),
        (Err(_), Ok(last)) => (bytes.saturating_sub(last), bytes),
        (Err(_), Err(_)) => return Ok(None),
    };
    if from < to { Ok(Some((from, to))) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_in_pieces_are_put_together() {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static("aws-chunked"));
        let of = |body: &'static [u8]| unchunked(&headers, Bytes::from_static(body));
        let body = b"5;chunk-signature=abc\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        assert_eq!(of(body).unwrap(), "hello!");
        for wrong in [&b""[..], b"5\r\nhel", b"zz\r\n", b"ffffffffffffffff\r\nx\r\n", b"5\r\nhello"] {
            assert_eq!(of(wrong).unwrap_err().code, "IncompleteBody", "{wrong:?}");
        }
        assert_eq!(unchunked(&HeaderMap::new(), Bytes::from_static(b"5\r\n")).unwrap(), "5\r\n");
    }

    #[test]
    fn ranges_are_as_they_are_asked_for() {
        for (range, expected) in [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=2-", Some((2, 10))),
            ("bytes=-3", Some((7, 10))),
            ("bytes=5-99", Some((5, 10))),
            ("lines=1-2", None),
            ("bytes=-", None),
        ] {
            assert_eq!(ranged(range, 10).unwrap(), expected, "{range}");
        }
        assert!(ranged("bytes=10-", 10).is_err() && ranged("bytes=3-1", 10).is_err() && ranged("bytes=0-", 0).is_err());
    }

    #[test]
    fn keys_of_a_call_that_deletes_many_are_read() {
        assert_eq!(
            keys(b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>"),
            ["a&b", "c"]
        );
        assert_eq!(decoded("a%20b%2Fc%zz%4"), "a b/c%zz%4");
    }
}
