//! Writes a JSON object, member after member, in the order in which they are given.

/// An object that is being written.
pub(crate) struct Members<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

/// Writes an object with the members that `write` gives it.
pub(crate) fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Members<'_>)) {
    out.push(b'{');
    write(&mut Members { out, empty: true });
    out.push(b'}');
}

impl Members<'_> {
    /// Begins a member: what is written to the text that this gives is its value.
    pub(crate) fn value(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        quote(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        quote(self.value(name), value);
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &str, values: &[&str]) {
        let out = self.value(name);
        out.push(b'[');
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            quote(out, value);
        }
        out.push(b']');
    }

    /// `true` or `false`.
    pub(crate) fn bool(&mut self, name: &str, value: bool) {
        self.value(name).extend(if value { &b"true"[..] } else { b"false" });
    }

    /// An object within this one.
    pub(crate) fn object(&mut self, name: &str, write: impl FnOnce(&mut Members<'_>)) {
        object(self.value(name), write);
    }

    /// An object within this one, if `write` says that it is to be there, as this does then.
    pub(crate) fn object_if(&mut self, name: &str, write: impl FnOnce(&mut Members<'_>) -> bool) -> bool {
        let (length, empty) = (self.out.len(), self.empty);
        let mut is_there = false;
        self.object(name, |members| is_there = write(members));
        if !is_there {
            self.out.truncate(length);
            self.empty = empty;
        }
        is_there
    }
}

fn quote(out: &mut Vec<u8>, text: &str) {
    // A text always is JSON, and writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}
