//! A place in a document, and the ways to pass what is there: white space, words, strings.

use std::borrow::Cow;

use super::digits::chunk;

/// How many objects and lists may be open at once: as many as serde_json allows.
const DEPTH_MAX: usize = 127;

/// Eight bytes of one value.
const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// A place in a document.
pub(super) struct Cursor<'body> {
    pub(super) body: &'body [u8],
    pub(super) position: usize,
    /// How many objects and lists are open.
    depth: usize,
}

impl<'body> Cursor<'body> {
    /// The beginning of a document.
    pub(super) fn new(body: &'body [u8]) -> Self {
        Self { body, position: 0, depth: 0 }
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.body.len()
    }

    /// The byte here, or 0 at the end: no JSON has a byte 0.
    #[inline(always)]
    pub(super) fn peek(&self) -> u8 {
        self.body.get(self.position).copied().unwrap_or(0)
    }

    /// The next byte that is not white space, which is passed.
    #[inline(always)]
    pub(super) fn peek_after_space(&mut self) -> u8 {
        let byte = self.peek();
        if byte > b' ' {
            return byte;
        }
        self.pass_space();
        self.peek()
    }

    /// Passes white space. Some servers indent their documents.
    pub(super) fn pass_space(&mut self) {
        loop {
            if chunk(self.body, self.position) == eight(b' ') {
                self.position += 8;
            } else if matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
                self.position += 1;
            } else {
                return;
            }
        }
    }

    /// Passes this byte, if it comes next.
    #[inline(always)]
    pub(super) fn pass(&mut self, byte: u8) -> Option<()> {
        (self.peek_after_space() == byte).then(|| self.position += 1)
    }

    /// Passes these bytes, if they are here.
    pub(super) fn pass_word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.body[self.position.min(self.body.len())..].starts_with(word);
        found.then(|| self.position += word.len())
    }

    /// Passes the bracket that opens an object or a list, one level down.
    #[inline(always)]
    pub(super) fn open(&mut self) -> Option<()> {
        self.position += 1;
        self.depth += 1;
        (self.depth <= DEPTH_MAX).then_some(())
    }

    /// Passes the bracket that closes it, if it comes next.
    #[inline(always)]
    pub(super) fn close(&mut self, bracket: u8) -> Option<()> {
        self.depth -= 1;
        self.pass(bracket)
    }

    /// The string that begins here, borrowed if nothing is escaped in it.
    pub(super) fn string(&mut self) -> Option<Cow<'body, str>> {
        let start = self.position;
        self.pass(b'"')?;
        self.pass_plain();
        match self.peek() {
            b'"' => {}
            b'\\' => return self.escaped(start).map(Cow::Owned),
            _ => return None,
        }
        let text = &self.body[start + 1..self.position];
        self.position += 1;
        std::str::from_utf8(text).ok().map(Cow::Borrowed)
    }

    /// The rest of a string in which something is escaped. What an escape means, serde_json knows.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<String> {
        loop {
            match self.peek() {
                b'"' => break,
                b'\\' => self.position += 2,
                _ => return None,
            }
            self.pass_plain();
        }
        self.position += 1;
        serde_json::from_slice(self.body.get(start..self.position)?).ok()
    }

    /// Passes what stands for itself in a string: up to a quote, an escape, or a byte that no
    /// string may have.
    #[inline(always)]
    fn pass_plain(&mut self) {
        loop {
            let others = others(chunk(self.body, self.position));
            if others != 0 {
                self.position += (others.trailing_zeros() / 8) as usize;
                return;
            }
            self.position += 8;
        }
    }
}

/// Bits of those bytes of a chunk that do not stand for themselves in a string. A borrow makes more
/// of later bytes, and the first is all that counts.
#[inline(always)]
fn others(chunk: u64) -> u64 {
    const HIGH_BITS: u64 = eight(0x80);
    let zeros = |bytes: u64| bytes.wrapping_sub(eight(1)) & !bytes;
    let controls = chunk.wrapping_sub(eight(b' ')) & !chunk;
    (zeros(chunk ^ eight(b'"')) | zeros(chunk ^ eight(b'\\')) | controls) & HIGH_BITS
}
