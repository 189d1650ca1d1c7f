//! Mutations of seeds, the same on each run.

/// Seeds are small, and what is long is slow.
const BYTES_MAX: usize = 4_096;
/// Changes of one mutation.
const CHANGES_MAX: usize = 4;

/// Makes mutations.
pub(crate) struct Mutator {
    dictionary: &'static [&'static str],
    /// Of a generator of numbers that look random (xorshift); never zero.
    state: u64,
}

impl Mutator {
    pub(crate) fn new(dictionary: &'static [&'static str]) -> Self {
        Self { dictionary, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// A mutation of one of these seeds.
    pub(crate) fn mutate(&mut self, seeds: &[&[u8]], seed: usize) -> Vec<u8> {
        let mut data = seeds[seed].to_vec();
        for _change in 0..=self.below(CHANGES_MAX) {
            self.change(&mut data, seeds);
        }
        data.truncate(BYTES_MAX);
        data
    }

    fn change(&mut self, data: &mut Vec<u8>, seeds: &[&[u8]]) {
        let (from, to) = self.range(data.len());
        match self.below(8) {
            0 if from < data.len() => data[from] ^= 1 << self.below(8),
            1 if from < data.len() => data[from] = self.byte(),
            2 => data.insert(from, self.byte()),
            3 => drop(data.drain(from..to)),
            // The same twice.
            4 => drop(data.splice(from..from, data[from..to].to_vec())),
            // The end of another seed instead of the own.
            5 => {
                let other = seeds[self.below(seeds.len())];
                let (start, _end) = self.range(other.len());
                data.splice(from.., other[start..].iter().copied());
            }
            6 | 7 if !self.dictionary.is_empty() => {
                let word = self.dictionary[self.below(self.dictionary.len())];
                let end = if self.below(2) == 0 { from } else { to };
                data.splice(from..end, word.bytes());
            }
            _ => data.push(self.byte()),
        }
    }

    /// Two places of so many bytes, the first first.
    fn range(&mut self, bytes: usize) -> (usize, usize) {
        let (one, other) = (self.below(bytes + 1), self.below(bytes + 1));
        (one.min(other), one.max(other))
    }

    fn byte(&mut self) -> u8 {
        // Small numbers and the largest are lengths and indexes.
        match self.below(4) {
            0 => [0, 1, 2, 0x7f, 0x80, 0xff][self.below(6)],
            _ => self.next().to_le_bytes()[0],
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}
