//! What deployers upload: templates and the code of functions, in files of the data folder or of a temporary one.
//!
//! Buckets need not be made: whichever is named is there. It is no S3 for applications.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha1_smol::Sha1;
use stacks::api::Error;

use super::objects::{self, Object, Objects};
use super::uploads::Uploads;
use crate::stacks::workshop::Workshop;
/// The largest object, in bytes. Lambda takes 250 MB, unzipped.
pub(super) const OBJECT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many bytes, and how many objects, are kept: the oldest that no stack names make room.
const TOTAL_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
const OBJECTS_MAX: usize = 5_000;
/// The longest key, in bytes. Source: documented.
const KEY_BYTES_MAX: usize = 1_024;

/// What is uploaded, and where.
pub(crate) struct Buckets {
    workshop: Workshop,
    kept: Mutex<Kept>,
}

#[derive(Default)]
pub(super) struct Kept {
    objects: Option<Objects>,
    pub(super) uploads: Uploads,
    /// What the next file is called by.
    pub(super) next: u64,
}

/// A bucket and a key that may not go: something is made of them.
pub(super) type Used<'u> = &'u dyn Fn() -> HashSet<(String, String)>;

impl Buckets {
    pub(crate) fn new(data_dir: Option<&Path>) -> Buckets {
        Buckets { workshop: Workshop::new("assets", data_dir), kept: Mutex::default() }
    }

    /// Where it is kept. A folder that cannot be made is none in which anything is.
    pub(super) fn folder(&self) -> PathBuf {
        self.workshop.folder().map(Path::to_owned).unwrap_or_default()
    }

    /// The program ends.
    pub(crate) fn end(&self) {
        self.workshop.end();
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of a key, if there is one.
    pub(crate) fn find(&self, bucket: &str, key: &str) -> Option<Object> {
        let mut kept = self.kept();
        self.objects(&mut kept).get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    // Read when the first is asked for: most gateways have none.
    fn objects<'k>(&self, kept: &'k mut Kept) -> &'k mut Objects {
        kept.objects.get_or_insert_with(|| objects::read_all(&self.folder()))
    }

    /// Keys of a bucket that begin with a prefix, behind one, in order; at most so many.
    pub(super) fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Vec<(String, Object)> {
        let mut kept = self.kept();
        let of_bucket = self.objects(&mut kept).iter().filter(|((of, _), _)| of == bucket);
        let fits = of_bucket.filter(|((_, key), _)| key.starts_with(prefix) && key.as_str() > after);
        fits.take(max).map(|((_, key), object)| (key.clone(), object.clone())).collect()
    }

    /// The names of the buckets in which something is.
    pub(super) fn names(&self) -> Vec<String> {
        let mut kept = self.kept();
        let mut names: Vec<_> = self.objects(&mut kept).keys().map(|(bucket, _)| bucket.clone()).collect();
        names.dedup();
        names
    }

    /// A name for a new file.
    pub(super) fn new_file(&self, kept: &mut Kept) -> io::Result<PathBuf> {
        let folder = self.workshop.folder()?;
        kept.next += 1;
        let (random, next) = (rand::random::<u64>(), kept.next);
        Ok(folder.join(format!("{random:016x}-{next}.bytes")))
    }

    /// Keeps an object. `write` makes its file, and says how long it is and which ETag it has.
    ///
    /// # Errors
    /// The key is too long, there is no room, the disk fails.
    pub(super) fn put(
        &self,
        (bucket, key): (&str, &str),
        (content_type, modified): (&str, u64),
        bytes: u64,
        used: Used,
        write: impl FnOnce(&mut Kept, &Path) -> io::Result<String>,
    ) -> Result<Object, Error> {
        if key.len() > KEY_BYTES_MAX {
            return Err(Error::new(400, "KeyTooLongError", "Your key is too long"));
        }
        if bytes > OBJECT_BYTES_MAX {
            let text = format!("Your proposed upload exceeds the maximum allowed size ({OBJECT_BYTES_MAX} bytes here)");
            return Err(Error::new(400, "EntityTooLarge", text));
        }
        let mut kept = self.kept();
        let name = (bucket.to_owned(), key.to_owned());
        make_room(self.objects(&mut kept), &self.folder(), &name, bytes, used)?;
        let written = self.new_file(&mut kept).and_then(|file| {
            let etag = write(&mut kept, &file)?;
            let object = Object { file, bytes, etag, content_type: content_type.to_owned(), modified };
            objects::write(&self.folder(), &entry(&name), (bucket, key), &object)?;
            Ok(object)
        });
        let object = written.map_err(|error| internal(&error))?;
        let before = self.objects(&mut kept).insert(name, object.clone());
        before.iter().for_each(|before| drop(fs::remove_file(&before.file)));
        Ok(object)
    }

    /// Forgets an object, if there is one.
    pub(super) fn remove(&self, bucket: &str, key: &str) {
        let mut kept = self.kept();
        remove(self.objects(&mut kept), &self.folder(), &(bucket.to_owned(), key.to_owned()));
    }

    /// The bytes of an object that a URL names, as `TemplateURL` does: S3's own, in whichever form, or this gateway's address.
    /// `own` is the name under which the caller knows it.
    ///
    /// # Errors
    /// None where it is larger than `bytes_max`; else a sentence.
    pub(crate) fn by_url(&self, url: &str, bytes_max: usize, own: &str) -> Result<Vec<u8>, Option<String>> {
        let shown: String = url.chars().take(200).collect();
        let Some((bucket, key)) = named_by(url, own) else {
            return Err(Some(format!(
                "TemplateURL must be that of an object that was uploaded to this gateway as S3 (AWS_ENDPOINT_URL_S3), and {shown} is not"
            )));
        };
        let object = self.find(&bucket, &key).ok_or_else(|| {
            Some(format!("S3 error: The specified key does not exist: {key} in {bucket}, at {shown}. Was it uploaded to this gateway?"))
        })?;
        if object.bytes > bytes_max as u64 {
            return Err(None);
        }
        fs::read(&object.file).map_err(|error| Some(error.to_string()))
    }
}

pub(super) fn internal(error: &io::Error) -> Error {
    Error::new(500, "InternalError", format!("the object cannot be kept: {error}"))
}

fn make_room(
    objects: &mut Objects,
    folder: &Path,
    name: &(String, String),
    bytes: u64,
    used: Used,
) -> Result<(), Error> {
    let is_full = |objects: &Objects| {
        let others = objects.iter().filter(|(of, _)| *of != name).map(|(_, object)| object.bytes);
        others.clone().count() >= OBJECTS_MAX || others.sum::<u64>() + bytes > TOTAL_BYTES_MAX
    };
    if !is_full(objects) {
        return Ok(());
    }
    let used = used();
    let mut old: Vec<_> =
        objects.iter().filter(|(of, _)| !used.contains(of)).map(|(of, object)| (object.modified, of.clone())).collect();
    old.sort();
    for (_, of) in old {
        remove(objects, folder, &of);
        if !is_full(objects) {
            return Ok(());
        }
    }
    let text =
        format!("{OBJECTS_MAX} objects and {TOTAL_BYTES_MAX} bytes are kept here, and stacks name all that there are");
    Err(Error::new(503, "ServiceUnavailable", text))
}

fn remove(objects: &mut Objects, folder: &Path, name: &(String, String)) {
    if let Some(object) = objects.remove(name) {
        let _ = fs::remove_file(folder.join(format!("{}.json", entry(name))));
        let _ = fs::remove_file(object.file);
    }
}

/// What the small file of an object is called.
fn entry((bucket, key): &(String, String)) -> String {
    let mut sha = Sha1::new();
    [bucket.as_bytes(), &[0], key.as_bytes()].iter().for_each(|part| sha.update(part));
    sha.digest().to_string()
}

/// Bytes in a file, and their ETag: half of their SHA-1, which is as long as the MD5 that S3 gives.
pub(super) fn written(file: &Path, bytes: &[u8]) -> io::Result<String> {
    fs::write(file, bytes)?;
    Ok(Sha1::from(bytes).digest().to_string()[..32].to_owned())
}

/// The same of a file.
pub(super) fn etag_of(file: &Path) -> io::Result<String> {
    let (mut sha, mut file, mut buffer) = (Sha1::new(), fs::File::open(file)?, vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sha.digest().to_string()[..32].to_owned()),
            n => sha.update(&buffer[..n]),
        }
    }
}

/// Bucket and key of a URL: `https://s3.REGION.amazonaws.com/B/K`, `https://B.s3.REGION.amazonaws.com/K`, `s3://B/K`, and this
/// gateway's own address with either. `own` is the name under which the caller knows this gateway.
fn named_by(url: &str, own: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.split_once('/')?;
    let both = |bucket: &str, key: &str| {
        let is_named = !bucket.is_empty() && !key.is_empty();
        is_named.then(|| (super::s3::decoded(bucket), super::s3::decoded(key)))
    };
    let in_path = || path.split_once('/').and_then(|(bucket, key)| both(bucket, key));
    if scheme == "s3" {
        return both(host, path);
    }
    let name = host.split(':').next().unwrap_or(host);
    let service = name.strip_suffix(".amazonaws.com").or_else(|| name.strip_suffix(".amazonaws.com.cn"));
    if let Some(service) = service {
        let is_s3 = |text: &str| text == "s3" || text.starts_with("s3.") || text.starts_with("s3-");
        if is_s3(service) {
            return in_path();
        }
        let at = service.find(".s3").filter(|at| is_s3(&service[at + 1..]))?;
        return both(&service[..at], path);
    }
    let is_loopback = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match name.strip_suffix(".localhost") {
        Some(bucket) => both(bucket, path),
        None if is_loopback || host == own => in_path(),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(buckets: &Buckets, key: &str, bytes: &[u8], at: u64, used: Used) -> Result<Object, Error> {
        buckets.put(("b", key), ("text/plain", at), bytes.len() as u64, used, |_, file| written(file, bytes))
    }

    fn nothing() -> HashSet<(String, String)> {
        HashSet::new()
    }

    #[test]
    fn objects_are_there_again_and_what_was_half_is_not() {
        let dir = std::env::temp_dir().join(format!("gatewright-buckets-{}", std::process::id()));
        let buckets = Buckets::new(Some(&dir));
        put(&buckets, "k", b"one", 1, &nothing).unwrap();
        let second = put(&buckets, "k", b"two", 2, &nothing).unwrap();
        put(&buckets, "gone", b"x", 2, &nothing).unwrap();
        buckets.remove("b", "gone");
        // As a killed program leaves them: bytes that nothing says what they are, and the other way round.
        fs::write(buckets.folder().join("orphan.bytes"), "x").unwrap();
        fs::write(buckets.folder().join("x.json"), r#"{"bucket": "b", "key": "half", "file": "none", "bytes": 3}"#)
            .unwrap();
        fs::write(buckets.folder().join("y.json"), "{").unwrap();
        drop(buckets);
        let again = Buckets::new(Some(&dir));
        assert_eq!(again.find("b", "k"), Some(second.clone()));
        assert_eq!(fs::read(&second.file).unwrap(), b"two");
        assert_eq!(again.list("b", "", "", 10).len(), 1);
        assert_eq!(fs::read_dir(again.folder()).unwrap().count(), 2);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_oldest_that_no_stack_names_make_room() {
        let mut objects = Objects::new();
        for n in 0..OBJECTS_MAX {
            let object = Object {
                file: PathBuf::from("none"),
                bytes: 1,
                etag: String::new(),
                content_type: String::new(),
                modified: n as u64,
            };
            objects.insert(("b".to_owned(), format!("{n}")), object);
        }
        let used = || HashSet::from([("b".to_owned(), "0".to_owned())]);
        let new = ("b".to_owned(), "new".to_owned());
        make_room(&mut objects, Path::new("/none"), &new, 1, &used).unwrap();
        assert_eq!(objects.len(), OBJECTS_MAX - 1);
        assert!(objects.contains_key(&("b".to_owned(), "0".to_owned())));
        let all: HashSet<_> = objects.keys().cloned().collect();
        let every = || all.clone();
        let refused = make_room(&mut objects, Path::new("/none"), &new, TOTAL_BYTES_MAX, &every).unwrap_err();
        assert_eq!(refused.code, "ServiceUnavailable");
    }

    #[test]
    fn a_url_names_an_object_in_all_of_its_forms() {
        let own = "gw.internal:4510";
        for url in [
            "https://s3.us-east-1.amazonaws.com/b/k/x.json",
            "https://s3.amazonaws.com/b/k/x.json",
            "https://s3-eu-west-1.amazonaws.com/b/k/x.json?versionId=1",
            "https://b.s3.eu-west-1.amazonaws.com/k/x.json",
            "https://b.s3.amazonaws.com/k%2Fx.json",
            "http://127.0.0.1:4510/b/k/x.json",
            "http://localhost:4510/b/k/x.json",
            "http://b.localhost:4510/k/x.json",
            "http://gw.internal:4510/b/k/x.json",
            "s3://b/k/x.json",
        ] {
            assert_eq!(named_by(url, own), Some(("b".to_owned(), "k/x.json".to_owned())), "{url}");
        }
        for url in [
            "https://example.com/b/k",
            "file:///etc/passwd",
            "https://s3.amazonaws.com/b",
            "b/k",
            "http://b.sqs.amazonaws.com/k",
        ] {
            assert_eq!(named_by(url, own), None, "{url}");
        }
    }
}
