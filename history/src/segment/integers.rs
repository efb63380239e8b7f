//! Parquet's two packed forms of integers: the hybrid of runs and bit-packed groups, and binary-packed deltas.

use super::BadSegment;

const SHORT: BadSegment = BadSegment::NoSegment("a page ends too early");

/// Reads `bits` (at most 64) from bit `at` of bytes; bits past the end are zero.
#[inline]
fn bits_at(bytes: &[u8], at: usize, bits: u32) -> u64 {
    let byte = at / 8;
    let shift = at % 8;
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    let word = match bytes.get(byte..byte + 8) {
        Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
        None => {
            let mut eight = [0; 8];
            let rest = bytes.get(byte..).unwrap_or_default();
            eight[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(eight)
        }
    };
    let mut value = word >> shift;
    if shift > 0 && bits as usize + shift > 64 {
        value |= u64::from(bytes.get(byte + 8).copied().unwrap_or(0)) << (64 - shift);
    }
    value & mask
}

/// Decodes `count` values of the hybrid form into `out`.
pub fn hybrid(bytes: &[u8], bits: u32, count: usize, mut out: impl FnMut(u32)) -> Result<(), BadSegment> {
    if bits > 32 {
        return Err(BadSegment::NoSegment("a bit width past 32"));
    }
    let (mut at, mut left) = (0, count);
    while left > 0 {
        let header = varint(bytes, &mut at)?;
        let groups = usize::try_from(header >> 1).map_err(|_| SHORT)?;
        if header & 1 == 0 {
            let width = bits.div_ceil(8) as usize;
            let raw = bytes.get(at..at + width).ok_or(SHORT)?;
            at += width;
            let value = bits_at(raw, 0, bits) as u32;
            let run = groups.min(left);
            if run == 0 {
                return Err(SHORT);
            }
            (0..run).for_each(|_| out(value));
            left -= run;
        } else {
            let length = groups.checked_mul(bits as usize).ok_or(SHORT)?;
            let end = at.checked_add(length).ok_or(SHORT)?.min(bytes.len());
            let packed = &bytes[at..end];
            at = end;
            let here = groups.saturating_mul(8).min(left);
            if here == 0 || packed.len() * 8 < here * bits as usize {
                return Err(SHORT);
            }
            (0..here).for_each(|i| out(bits_at(packed, i * bits as usize, bits) as u32));
            left -= here;
        }
    }
    Ok(())
}

/// Decodes binary-packed deltas: every value of the page.
pub fn deltas(bytes: &[u8], mut out: impl FnMut(i64)) -> Result<(), BadSegment> {
    let mut at = 0;
    let block = varint(bytes, &mut at)? as usize;
    let minis = varint(bytes, &mut at)? as usize;
    let count = varint(bytes, &mut at)? as usize;
    let mut value = zigzag(varint(bytes, &mut at)?);
    if minis == 0 || minis > 64 || block == 0 || block > 1 << 16 || !block.is_multiple_of(minis) {
        return Err(BadSegment::NoSegment("a delta page of impossible shape"));
    }
    let mini = block / minis;
    if count == 0 {
        return Ok(());
    }
    out(value);
    let mut left = count - 1;
    while left > 0 {
        let least = zigzag(varint(bytes, &mut at)?);
        let widths = bytes.get(at..at + minis).ok_or(SHORT)?;
        at += minis;
        for &width in widths {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(BadSegment::NoSegment("a bit width past 64"));
            }
            let packed = bytes.get(at..).ok_or(SHORT)?;
            let here = mini.min(left);
            if packed.len() * 8 < here * usize::from(width) {
                return Err(SHORT);
            }
            for i in 0..here {
                let delta = bits_at(packed, i * usize::from(width), width.into()) as i64;
                value = value.wrapping_add(least).wrapping_add(delta);
                out(value);
            }
            at += mini * usize::from(width) / 8;
            left -= here;
        }
    }
    Ok(())
}

fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, BadSegment> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or(SHORT)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BadSegment::NoSegment("an endless integer"))
}

const fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_follow_each_other() {
        // Four times 5, then 0 to 7 packed in three bits (the example of Parquet's own specification).
        let bytes = [4 << 1, 5, (1 << 1) | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        let mut read = Vec::new();
        hybrid(&bytes, 3, 12, |value| read.push(value)).unwrap();
        assert_eq!(read, [5, 5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn what_ends_early_is_an_error() {
        for bytes in [&[][..], &[8], &[3], &[3, 1], &[0x80]] {
            assert!(hybrid(bytes, 8, 8, |_| ()).is_err(), "{bytes:?}");
            assert!(deltas(bytes, |_| ()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn deltas_are_added_up() {
        // One block of 128 in 4 parts; 7, 5, 3, 1, 2, 3, 4, 5 (the example of Parquet's own specification).
        let bytes = [128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0];
        let mut read = Vec::new();
        deltas(&bytes, |value| read.push(value)).unwrap();
        assert_eq!(read, [7, 5, 3, 1, 2, 3, 4, 5]);
    }
}
