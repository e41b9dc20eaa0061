//! Small numbers for large values: equal ones get the same.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

pub type Id = u32;

pub type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Fast>>;
pub type FastSet<T> = HashSet<T, BuildHasherDefault<Fast>>;

/// A hasher for data that nobody chose to collide.
#[derive(Clone, Copy, Default)]
pub struct Fast(u64);

impl Fast {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Fast {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.mix(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        for byte in words.remainder() {
            self.mix(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.mix(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.mix(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }
}

pub struct Interner<T> {
    ids: FastMap<Arc<T>, Id>,
    values: Vec<Arc<T>>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            ids: FastMap::default(),
            values: Vec::new(),
        }
    }
}

impl<T: Eq + Hash> Interner<T> {
    pub fn add(&mut self, value: T) -> Id {
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let id = Id::try_from(self.values.len()).expect("fewer than four thousand million");
        let value = Arc::new(value);
        self.values.push(Arc::clone(&value));
        self.ids.insert(value, id);
        id
    }

    pub fn get(&self, id: Id) -> &Arc<T> {
        &self.values[id as usize]
    }
}
