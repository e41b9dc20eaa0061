//! The slot of a Redis Cluster that a key lies in.

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// The slot of `key`: the CRC-16 (XMODEM) of its hash tag, or of the whole key where it has none, modulo
/// the number of slots. As the Redis Cluster specification has it.
pub(super) fn slot(key: &str) -> u16 {
    crc16(hashed(key).as_bytes()) % SLOTS
}

/// What stands between the first `{` and the first `}` after it, where that is anything at all.
fn hashed(key: &str) -> &str {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag);
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{crc16, slot};
    use crate::store::names::Names;

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, expected) in [
            ("foo", 12_182),
            ("{foo}:a", 12_182),
            ("hoist:{foo}", 12_182),
            ("", 0),
            ("{}foo", slot("{}foo")),
        ] {
            assert_eq!(slot(key), expected, "{key}");
        }
        assert_ne!(slot("{}foo"), slot(""));
        assert_eq!(slot("{a}{b}"), slot("a"));
    }

    #[test]
    fn a_prefix_that_is_a_hash_tag_keeps_everything_in_one_slot() {
        let names = Names::new("{ff}").expect("a fine prefix");
        let aside = names.aside("id");
        let keys = [
            &names.meta,
            &names.specs,
            &aside,
            &names.history,
            &names.gate,
        ];
        for key in keys.into_iter().chain(&names.before) {
            assert_eq!(slot(key), slot(&names.record("flag")), "{key}");
        }
    }
}
