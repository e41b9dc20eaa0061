use proptest::prelude::*;

use super::*;

fn hash(text: &[u8]) -> u32 {
    Murmur3::default().with(text).finish()
}

/// Published results of the reference implementation with seed 0.
#[test]
fn the_reference_vectors_hold() {
    let vectors: [(&[u8], u32); 9] = [
        (b"", 0),
        (b"test", 0xba6b_d213),
        (b"Hello, world!", 0xc036_3e43),
        (b"The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
        (&[0xff; 4], 0x7629_3b50),
        (&[0x21, 0x43, 0x65, 0x87], 0xf55b_516b),
        (&[0x21, 0x43, 0x65], 0x7e4a_8634),
        (&[0x21, 0x43], 0xa0f7_b07a),
        (&[0x21], 0x7266_1cf4),
    ];
    for (text, expected) in vectors {
        assert_eq!(hash(text), expected, "{text:x?}");
    }
    for length in 1..=4 {
        let zeros = [0x514e_28b7, 0x30f4_c306, 0x85f0_b427, 0x2362_f9de][length - 1];
        assert_eq!(hash(&[0; 4][..length]), zeros);
    }
}

/// The whole text at once, as the reference does it.
fn at_once(text: &[u8]) -> u32 {
    let mut hash = 0_u32;
    let mut blocks = text.chunks_exact(4);
    for block in &mut blocks {
        let word = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        hash = (hash ^ scramble(word)).rotate_left(13);
        hash = hash.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let mut tail = [0; 4];
    tail[..blocks.remainder().len()].copy_from_slice(blocks.remainder());
    hash ^= scramble(u32::from_le_bytes(tail)) ^ u32::try_from(text.len()).unwrap();
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

proptest! {
    #[test]
    fn parts_hash_as_the_whole(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6)) {
        let streamed = parts.iter().fold(Murmur3::default(), |hash, part| hash.with(part));
        prop_assert_eq!(streamed.finish(), at_once(&parts.concat()));
    }

    #[test]
    fn a_bucket_is_that_of_the_joined_text(salt in ".{0,12}", user in ".{0,12}") {
        let expected = |text: String| (u64::from(at_once(text.as_bytes())) * 100_000) >> 32;
        prop_assert_eq!(u64::from(bucket(&salt, &user)), expected(format!("{salt}:{user}")));
        let variant = expected(format!("{salt}:variant:{user}"));
        prop_assert_eq!(u64::from(variant_bucket(&salt, &user)), variant);
    }
}

#[test]
fn ranges_are_half_open_and_in_order() {
    let ends = [34_000, 34_000, 100_000];
    let picked = [0, 33_999, 34_000, 99_999, 100_000].map(|bucket| pick(&ends, bucket));
    assert_eq!(picked, [Some(0), Some(0), Some(2), Some(2), None]);
    assert_eq!(
        ranges(&ends).collect::<Vec<_>>(),
        [0..34_000, 34_000..34_000, 34_000..100_000]
    );
}
