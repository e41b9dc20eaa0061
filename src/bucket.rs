//! Where users fall: 100,000 buckets for each salt, by MurmurHash3. Pure, and fixed: another
//! formula would move every user of every flag. README.md publishes it, and
//! `tests/vectors/bucketing.json` cases to check an implementation against.

use std::ops::Range;

/// Buckets are numbered from 0 to one less than this, each a thousandth of a percent of all users.
pub const BUCKETS: u32 = 100_000;

/// MurmurHash3 x86 32 with seed 0, over text that comes in parts. By Austin Appleby, who placed it
/// in the public domain: <https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp>.
///
/// Cheap to copy, so that what many texts begin with is hashed once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Murmur3 {
    hash: u32,
    /// Bytes that do not fill a block yet, lowest first.
    pending: u32,
    length: u32,
}

impl Murmur3 {
    #[must_use]
    #[inline]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let pending = self.length as usize % 4;
        let shift = 8 * pending as u32;
        // The algorithm takes the length as 32 bits.
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) else {
            let word = bytes
                .iter()
                .rfold(0, |word, byte| word << 8 | u32::from(*byte));
            self.append(word, shift, 8 * bytes.len() as u32);
            return self;
        };
        // Once the block that was begun is full, blocks are read as they stand in memory.
        self.mix(self.pending | u32::from_le_bytes(*first) << shift);
        let (blocks, rest) = bytes[4 - pending..].as_chunks::<4>();
        for block in blocks {
            self.mix(u32::from_le_bytes(*block));
        }
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * rest.len());
        self.pending = (last >> 32) as u32;
        self
    }

    #[inline]
    fn mix(&mut self, block: u32) {
        self.hash = (self.hash ^ scramble(block))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }

    /// Puts the lowest `bits` of `word`, whose others are zero, behind the `shift` pending bits.
    #[inline]
    fn append(&mut self, word: u32, shift: u32, bits: u32) {
        let both = u64::from(word) << shift | u64::from(self.pending);
        self.pending = both as u32;
        if shift + bits >= 32 {
            self.mix(both as u32);
            self.pending = (both >> 32) as u32;
        }
    }

    #[must_use]
    #[inline]
    pub fn finish(self) -> u32 {
        let mut hash = self.hash ^ scramble(self.pending) ^ self.length;
        hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
        hash ^ hash >> 16
    }
}

#[inline]
fn scramble(block: u32) -> u32 {
    block
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

/// One draw of every user: what stands before the user's id is hashed already.
#[derive(Clone, Copy, Debug)]
pub struct Draw(Murmur3);

impl Draw {
    /// Who has a flag, or takes part in an experiment: `salt:user`.
    #[must_use]
    pub fn participation(salt: &str) -> Self {
        Self(Murmur3::default().with(salt.as_bytes()).with(b":"))
    }

    /// Which variant a user gets, whatever became of the other draw: `salt:variant:user`.
    #[must_use]
    pub fn variant(salt: &str) -> Self {
        Self(Murmur3::default().with(salt.as_bytes()).with(b":variant:"))
    }

    /// 0 to 99,999.
    #[must_use]
    #[inline]
    pub fn bucket(self, user: &str) -> u32 {
        let hash = self.0.with(user.as_bytes()).finish();
        // Below BUCKETS, since the hash is below 2^32.
        ((u64::from(hash) * u64::from(BUCKETS)) >> 32) as u32
    }
}

/// The bucket of `user` for flags with `salt`, 0 to 99,999. A flag is on where it is below the
/// share in thousandths of a percent.
#[must_use]
pub fn bucket(salt: &str, user: &str) -> u32 {
    Draw::participation(salt).bucket(user)
}

/// Where `user` falls among the variants of an experiment with `salt`, 0 to 99,999.
#[must_use]
pub fn variant_bucket(salt: &str, user: &str) -> u32 {
    Draw::variant(salt).bucket(user)
}

/// Index of the variant that has `bucket`, where `ends` are the first buckets behind each, in
/// order; `None` behind the last.
#[must_use]
#[inline]
pub fn pick(ends: &[u32], bucket: u32) -> Option<usize> {
    // Counted to the end: which variant it is cannot be foretold, so that a loop that stops there is one
    // that the processor guesses wrong.
    let before = ends.iter().filter(|end| **end <= bucket).count();
    (before < ends.len()).then_some(before)
}

/// The half-open range of buckets of each variant, given where each ends.
pub fn ranges(ends: &[u32]) -> impl Iterator<Item = Range<u32>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts
        .zip(ends.iter().copied())
        .map(|(start, end)| start..end)
}

#[cfg(test)]
mod tests;
