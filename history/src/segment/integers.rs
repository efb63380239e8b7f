//! Parquet's packed forms of integers: the hybrid of runs and bit-packed groups, binary-packed deltas, and bytes of one weight
//! side by side.

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

/// Hands out `count` numbers of `bits` (at most 64) each. The caller has seen that the bytes hold so many.
#[inline(always)]
fn unpack(bytes: &[u8], bits: u32, count: usize, mut out: impl FnMut(u64)) {
    if bits == 0 {
        return (0..count).for_each(|_| out(0));
    }
    // So many lie in eight bytes each that can be read whole.
    let whole = match bytes.len().checked_sub(8) {
        Some(last) if bits <= 57 => count.min(last * 8 / bits as usize + 1),
        _ => 0,
    };
    let mask = (1 << (bits % 64)) - 1;
    for i in 0..whole {
        let at = i * bits as usize;
        let word = bytes[at / 8..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        out(word >> (at % 8) & mask);
    }
    (whole..count).for_each(|i| out(bits_at(bytes, i * bits as usize, bits)));
}

/// Numbers of at most so many bits are unpacked eight at a time, by code made for each width.
const GROUPED_BITS_MAX: u32 = 16;

/// Unpacks groups of eight numbers, at most `groups`, and those only that eight bytes follow. Returns how many it did, and the largest
/// number. `values`: one for every number of so many bits.
fn unpack_groups<T: Copy>(
    bytes: &[u8],
    bits: u32,
    groups: usize,
    values: &[T],
    out: &mut Vec<T>,
) -> (usize, u32) {
    let groups = groups.min(bytes.len().saturating_sub(8) / bits.max(1) as usize);
    macro_rules! of_width {
        ($($width:literal)*) => {
            match bits {
                $($width => groups_of::<$width, T>(bytes, groups, values, out),)*
                _ => return (0, 0),
            }
        };
    }
    let most = of_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    (groups, most)
}

/// The caller has seen that eight bytes follow the last group.
#[inline(never)]
fn groups_of<const BITS: usize, T: Copy>(bytes: &[u8], groups: usize, values: &[T], out: &mut Vec<T>) -> u32 {
    let (mask, values) = ((1u32 << BITS) - 1, &values[..1 << BITS]);
    let mut most = 0;
    for group in 0..groups {
        let group = &bytes[group * BITS..group * BITS + BITS + 8];
        out.extend_from_slice(&std::array::from_fn::<T, 8, _>(|i| {
            let (byte, shift) = (i * BITS / 8, i * BITS % 8);
            let word = group[byte..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
            let number = (word >> shift) & mask;
            most = most.max(number);
            values[number as usize]
        }));
    }
    most
}

/// Decodes `count` values of the hybrid form into `out`: of each number what `values` has for it.
pub fn hybrid<T: Copy>(
    bytes: &[u8],
    bits: u32,
    count: usize,
    values: &[T],
    out: &mut Vec<T>,
) -> Result<(), BadSegment> {
    if bits > 32 {
        return Err(BadSegment::NoSegment("a bit width past 32"));
    }
    const UNKNOWN: BadSegment = BadSegment::NoSegment("a number that its dictionary does not have");
    let (mut at, mut left) = (0, count);
    // Values for every number of so many bits: then no look-up need ask whether it has one.
    let mut padded = Vec::new();
    if let (1..=GROUPED_BITS_MAX, [first, ..]) = (bits, values) {
        padded.extend_from_slice(&values[..values.len().min(1 << bits)]);
        padded.resize(1 << bits, *first);
    }
    while left > 0 {
        let header = varint(bytes, &mut at)?;
        let groups = usize::try_from(header >> 1).map_err(|_| SHORT)?;
        if header & 1 == 0 {
            let width = bits.div_ceil(8) as usize;
            let raw = bytes.get(at..at + width).ok_or(SHORT)?;
            at += width;
            let value = *values.get(bits_at(raw, 0, bits) as usize).ok_or(UNKNOWN)?;
            let run = groups.min(left);
            if run == 0 {
                return Err(SHORT);
            }
            out.extend(std::iter::repeat_n(value, run));
            left -= run;
        } else {
            let length = groups.checked_mul(bits as usize).ok_or(SHORT)?;
            let end = at.checked_add(length).ok_or(SHORT)?.min(bytes.len());
            let packed = &bytes[at..end];
            at = end;
            let here = groups.saturating_mul(8).min(left);
            let first = *values.first().ok_or(UNKNOWN)?;
            if here == 0 || packed.len() * 8 < here * bits as usize {
                return Err(SHORT);
            }
            out.reserve(here);
            let mut is_known = true;
            let grouped = match padded.is_empty() {
                true => 0,
                false => {
                    let (grouped, most) = unpack_groups(packed, bits, here / 8, &padded, out);
                    is_known = grouped == 0 || (most as usize) < values.len();
                    grouped
                }
            };
            let rest = &packed[grouped * bits as usize..];
            unpack(rest, bits, here - grouped * 8, |number| match values.get(number as usize) {
                Some(&value) => out.push(value),
                None => {
                    is_known = false;
                    out.push(first);
                }
            });
            if !is_known {
                return Err(UNKNOWN);
            }
            left -= here;
        }
    }
    Ok(())
}

/// Decodes integers whose bytes of one weight stand together, the lowest first.
pub fn split(bytes: &[u8], width: usize, count: usize, mut out: impl FnMut(i64)) -> Result<(), BadSegment> {
    if bytes.len() != width * count {
        return Err(SHORT);
    }
    if let (4, [a, b, c, d]) =
        (width, [0, 1, 2, 3].map(|i| bytes.get(i * count..(i + 1) * count).unwrap_or(&[])))
    {
        let rows = a.iter().zip(b).zip(c.iter().zip(d));
        rows.for_each(|((&a, &b), (&c, &d))| out(u32::from_le_bytes([a, b, c, d]).into()));
        return Ok(());
    }
    for row in 0..count {
        let planes = (0..width).rev();
        out(planes.fold(0, |value, plane| value << 8 | i64::from(bytes[plane * count + row])));
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
            unpack(packed, width.into(), here, |delta| {
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                out(value);
            });
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
        let values = [10, 11, 12, 13, 14, 15, 16, 17];
        hybrid(&bytes, 3, 12, &values, &mut read).unwrap();
        assert_eq!(read, [15, 15, 15, 15, 10, 11, 12, 13, 14, 15, 16, 17]);
        for known in [0, 5, 7] {
            assert!(hybrid(&bytes, 3, 12, &values[..known], &mut read).is_err(), "{known}");
        }
    }

    #[test]
    fn packed_numbers_of_every_width_are_looked_up() {
        for bits in 1..=20u32 {
            for count in [1usize, 8, 9, 64, 200, 1_003] {
                let most = (1u64 << bits) - 1;
                let numbers: Vec<u64> =
                    (0..count as u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)).collect();
                let groups = count.div_ceil(8);
                let mut bytes = vec![(groups << 1 | 1) as u8 | 0x80, (groups >> 6) as u8];
                let start = bytes.len();
                bytes.resize(start + groups * bits as usize, 0);
                for (i, number) in numbers.iter().enumerate() {
                    let ones = (0..bits as usize).filter(|bit| number >> bit & 1 == 1);
                    let ones = ones.map(|bit| i * bits as usize + bit);
                    ones.for_each(|at| bytes[start + at / 8] |= 1 << (at % 8));
                }
                let values: Vec<u64> = (0..=most).map(|number| number * 3).collect();
                let mut read = Vec::new();
                hybrid(&bytes, bits, count, &values, &mut read).unwrap();
                let expected: Vec<u64> = numbers.iter().map(|number| number * 3).collect();
                assert_eq!(read, expected, "{bits} {count}");
                // One value too few for the largest number that is there.
                let largest = *numbers.iter().max().unwrap() as usize;
                let few = hybrid(&bytes, bits, count, &values[..largest], &mut Vec::new());
                assert!(few.is_err(), "{bits} {count}");
            }
        }
    }

    #[test]
    fn numbers_of_every_width_are_unpacked() {
        for bits in 1..=64 {
            for count in [1, 2, 7, 8, 31, 100] {
                let numbers: Vec<u64> =
                    (0..count).map(|i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)).collect();
                let mut packed = vec![0; (count * bits).div_ceil(8) as usize];
                for (i, number) in (0..).zip(&numbers) {
                    let ones = (0..bits).filter(|bit| number >> bit & 1 == 1).map(|bit| i * bits + bit);
                    ones.for_each(|at| packed[at as usize / 8] |= 1 << (at % 8));
                }
                let mut read = Vec::new();
                unpack(&packed, bits as u32, count as usize, |number| read.push(number));
                assert_eq!(read, numbers, "{bits}");
            }
        }
    }

    #[test]
    fn split_bytes_are_put_together() {
        let bytes = [1, 0xFF, 2, 0xFF, 3, 0xFF, 4, 0xFF];
        let mut read = Vec::new();
        split(&bytes, 4, 2, |value| read.push(value)).unwrap();
        assert_eq!(read, [0x0403_0201, 0xFFFF_FFFF]);
        let mut read = Vec::new();
        split(&bytes, 8, 1, |value| read.push(value)).unwrap();
        assert_eq!(read, [i64::from_le_bytes(bytes)]);
        assert!(split(&bytes, 4, 1, |_| ()).is_err());
        assert!(split(&bytes, 4, 3, |_| ()).is_err());
    }

    #[test]
    fn what_ends_early_is_an_error() {
        for bytes in [&[][..], &[8], &[3], &[3, 1], &[0x80]] {
            assert!(hybrid(bytes, 8, 8, &[0; 256], &mut Vec::new()).is_err(), "{bytes:?}");
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
