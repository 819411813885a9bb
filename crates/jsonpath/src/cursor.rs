//! A place in a path's text, with the looking ahead that its grammar needs.
//!
//! Jayway reads a path by position, not by token: what a bracket is depends on what stands further on. The structure
//! is ASCII, so bytes are looked at. Beyond `end` (blanks, a bracket) the text can still be looked at, not read.

/// Why reading stopped.
#[derive(Debug)]
pub(crate) struct Fault {
    /// In words.
    pub(crate) detail: String,
    /// The byte of the text where it was seen.
    pub(crate) at: usize,
    pub(crate) weight: Weight,
}

/// How far a fault reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A filter may still make sense: what is no comparison may be a question whether the thing is there.
    Soft,
    /// The whole path is refused.
    Hard,
    /// A limit is exceeded.
    Limit,
}

#[derive(Clone, Debug)]
pub(crate) struct Cursor<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: usize,
    /// Exclusive.
    pub(crate) end: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Cursor<'t> {
        Cursor { text, at: 0, end: text.len() }
    }

    /// Leaves the blanks (not tabs or line ends) at both ends out; one character stays in any case.
    pub(crate) fn trim(&mut self) {
        self.skip_blanks();
        while self.at + 1 < self.end && self.peek(self.end - 1) == Some(b' ') {
            self.end -= 1;
        }
    }

    pub(crate) fn skip_blanks(&mut self) {
        while self.at + 1 < self.end && self.peek(self.at) == Some(b' ') {
            self.at += 1;
        }
    }

    /// The byte at `at`, also beyond the end.
    pub(crate) fn peek(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The byte here; a hard fault where the text is over.
    pub(crate) fn current(&self) -> Result<u8, Fault> {
        self.peek(self.at).ok_or_else(|| self.hard("the path is cut off"))
    }

    pub(crate) fn is_within(&self, at: usize) -> bool {
        at < self.end
    }

    /// Whether at most one character (of 16 bits) is left. Jayway stops there, so `$.a[` is `$.a`.
    pub(crate) fn is_at_tail(&self) -> bool {
        let rest = self.text.get(self.at..self.end).unwrap_or_default();
        rest.encode_utf16().nth(1).is_none()
    }

    /// The place and byte of the first that is no blank behind `from`.
    pub(crate) fn significant_after(&self, from: usize) -> Option<(usize, u8)> {
        (from + 1..self.end).map(|at| (at, self.text.as_bytes()[at])).find(|(_, byte)| *byte != b' ')
    }

    /// The place of `wanted`, if it is the first that is no blank behind `from`.
    pub(crate) fn next_if(&self, from: usize, wanted: u8) -> Option<usize> {
        self.significant_after(from).filter(|(_, byte)| *byte == wanted).map(|(at, _)| at)
    }

    pub(crate) fn find_from(&self, from: usize, wanted: u8) -> Option<usize> {
        (from..self.end).find(|at| self.text.as_bytes()[*at] == wanted)
    }

    /// The next `wanted` behind `from` that no backslash precedes.
    pub(crate) fn find_unescaped(&self, from: usize, wanted: u8) -> Option<usize> {
        let mut escaped = false;
        (from + 1..self.end).find(|at| {
            let byte = self.text.as_bytes()[*at];
            let found = !escaped && byte == wanted && byte != b'\\';
            escaped = !escaped && byte == b'\\';
            found
        })
    }

    /// The bracket that closes the one at `open`. Brackets in quotes do not count, nor with `patterns` those between
    /// slashes; what follows a quoted part directly is never taken for the start of another.
    pub(crate) fn closing(&self, open: usize, patterns: bool) -> Result<Option<usize>, Fault> {
        let bytes = self.text.as_bytes();
        let opening = bytes[open];
        let closing = if opening == b'(' { b')' } else { opening + 2 };
        let mut depth = 1_usize;
        let mut at = open + 1;
        while at < self.end {
            if matches!(bytes[at], b'\'' | b'"') {
                at = 1 + self
                    .find_unescaped(at, bytes[at])
                    .ok_or_else(|| self.soft_at(at, "the quote is not closed"))?;
            }
            if patterns && self.peek(at) == Some(b'/') {
                let end = self.find_unescaped(at, b'/');
                at = 1 + end.ok_or_else(|| self.soft_at(at, "the regular expression is not closed"))?;
            }
            match self.peek(at).ok_or_else(|| self.hard("the path is cut off"))? {
                byte if byte == opening => depth += 1,
                byte if byte == closing => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(Some(at));
            }
            at += 1;
        }
        Ok(None)
    }

    pub(crate) fn soft(&self, detail: &str) -> Fault {
        self.soft_at(self.at, detail)
    }

    pub(crate) fn soft_at(&self, at: usize, detail: &str) -> Fault {
        Fault { detail: detail.to_owned(), at, weight: Weight::Soft }
    }

    pub(crate) fn hard(&self, detail: &str) -> Fault {
        Fault { detail: detail.to_owned(), at: self.at, weight: Weight::Hard }
    }
}
