//! Objects that come in parts, as deployers send what is larger than a few megabytes.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stacks::api::Error;

use super::buckets::{Buckets, OBJECT_BYTES_MAX, Used, internal, written};
use super::objects::Object;

/// How many uploads are under way; the oldest gives way.
const UPLOADS_MAX: usize = 32;
/// How many bytes the parts of all of them hold together.
const PARTS_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// The highest number of a part. Source: documented.
const PART_MAX: u32 = 10_000;

/// What is under way.
#[derive(Default)]
pub(super) struct Uploads(VecDeque<Upload>);

struct Upload {
    id: String,
    bucket: String,
    key: String,
    content_type: String,
    /// Each a file: its name and its length.
    parts: BTreeMap<u32, (PathBuf, u64)>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        for (file, _) in self.parts.values() {
            let _ = fs::remove_file(file);
        }
    }
}

fn none() -> Error {
    Error::new(404, "NoSuchUpload", "The specified upload does not exist. It may have been aborted or completed.")
}

impl Buckets {
    pub(super) fn begin_upload(&self, (bucket, key): (&str, &str), content_type: &str, id: &str) {
        let mut kept = self.kept();
        if kept.uploads.0.len() == UPLOADS_MAX {
            kept.uploads.0.pop_front();
        }
        kept.uploads.0.push_back(Upload {
            id: id.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            content_type: content_type.to_owned(),
            parts: BTreeMap::new(),
        });
    }

    pub(super) fn put_part(&self, id: &str, number: u32, body: &[u8]) -> Result<String, Error> {
        let mut kept = self.kept();
        let all: u64 = kept.uploads.0.iter().flat_map(|upload| upload.parts.values()).map(|(_, bytes)| bytes).sum();
        if all + body.len() as u64 > PARTS_BYTES_MAX {
            return Err(Error::new(
                503,
                "SlowDown",
                format!("uploads hold {all} bytes; {PARTS_BYTES_MAX} are the most"),
            ));
        }
        let file = self.new_file(&mut kept).map_err(|error| internal(&error))?;
        let upload = kept.uploads.0.iter_mut().find(|upload| upload.id == id).ok_or_else(none)?;
        let others = upload.parts.iter().filter(|(of, _)| **of != number).map(|(_, (_, bytes))| bytes).sum::<u64>();
        if !(1..=PART_MAX).contains(&number) || others + body.len() as u64 > OBJECT_BYTES_MAX {
            let text = format!("Your proposed upload exceeds the maximum allowed size ({OBJECT_BYTES_MAX} bytes here)");
            return Err(Error::new(400, "EntityTooLarge", text));
        }
        let etag = written(&file, body).map_err(|error| internal(&error))?;
        if let Some((before, _)) = upload.parts.insert(number, (file, body.len() as u64)) {
            let _ = fs::remove_file(before);
        }
        Ok(etag)
    }

    pub(super) fn end_upload(&self, id: &str, modified: u64, used: Used) -> Result<(String, String, Object), Error> {
        let taken = {
            let mut kept = self.kept();
            let at = kept.uploads.0.iter().position(|upload| upload.id == id).ok_or_else(none)?;
            kept.uploads.0.remove(at).ok_or_else(none)?
        };
        let bytes = taken.parts.values().map(|(_, bytes)| bytes).sum();
        let name = (taken.bucket.as_str(), taken.key.as_str());
        let write = |_: &mut _, file: &Path| {
            join(taken.parts.values().map(|(part, _)| part.as_path()), file)?;
            Ok(format!("{}-{}", super::buckets::etag_of(file)?, taken.parts.len()))
        };
        let object = self.put(name, (&taken.content_type, modified), bytes, used, write)?;
        Ok((taken.bucket.clone(), taken.key.clone(), object))
    }

    pub(super) fn abort_upload(&self, id: &str) {
        self.kept().uploads.0.retain(|upload| upload.id != id);
    }
}

fn join<'p>(parts: impl Iterator<Item = &'p Path>, into: &Path) -> io::Result<()> {
    let mut whole = fs::File::create(into)?;
    for part in parts {
        io::copy(&mut fs::File::open(part)?, &mut whole)?;
    }
    Ok(())
}
