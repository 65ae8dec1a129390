//! Byte strings that mark their own end and keep their order: 0x00 ends one, 0x00 and 0x01 inside are
//! written as 0x01 0x01 and 0x01 0x02. No such encoding is a prefix of another.

use std::borrow::Cow;

const END: u8 = 0;
const ESCAPE: u8 = 1;

/// Appends `bytes` with their end.
#[inline]
pub(crate) fn push_terminated(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        for &byte in bytes {
            match byte {
                END | ESCAPE => out.extend_from_slice(&[ESCAPE, byte + 1]),
                _ => out.push(byte),
            }
        }
    }
    out.push(END);
}

/// The byte string that `bytes` are with its end; `None` when they are no such encoding.
#[inline]
pub(crate) fn read_terminated(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let escaped = bytes.strip_suffix(&[END])?;
    if is_plain(escaped) {
        return Some(Cow::Borrowed(escaped));
    }
    let mut plain = Vec::with_capacity(escaped.len());
    let mut escaped = escaped.iter();
    while let Some(&byte) = escaped.next() {
        plain.push(match byte {
            END => return None,
            ESCAPE => escaped.next()?.checked_sub(1)?,
            _ => byte,
        });
    }
    Some(Cow::Owned(plain))
}

/// Whether nothing is escaped.
fn is_plain(bytes: &[u8]) -> bool {
    // No early exit: that way the compiler looks at many bytes at once.
    bytes.iter().copied().fold(u8::MAX, u8::min) > ESCAPE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terminated(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_terminated(&mut out, bytes);
        out
    }

    fn few_bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..6)
    }

    proptest! {
        #[test]
        fn keeps_order_and_content(a in few_bytes(), b in few_bytes(), bytes in few_bytes()) {
            prop_assert_eq!(terminated(&a).cmp(&terminated(&b)), a.cmp(&b));
            prop_assert_eq!(terminated(&b).starts_with(&terminated(&a)), a == b);
            let whole = terminated(&a);
            let read = read_terminated(&whole);
            prop_assert_eq!(read.as_deref(), Some(&a[..]));
            let _ = read_terminated(&bytes);
        }
    }
}
