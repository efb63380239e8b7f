//! Variable-length integers: written into a buffer, read from a slice without ever passing its end.

use super::BadTail;

/// Bytes a LEB128 number of 64 bits takes at most.
const LEB128_BYTES_MAX: u32 = 10;

pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// A slice being read.
pub struct Bytes<'b>(pub &'b [u8]);

impl<'b> Bytes<'b> {
    pub fn take(&mut self, count: usize) -> Result<&'b [u8], BadTail> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BadTail::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BadTail> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("take gives as many bytes as asked"))
    }

    pub fn byte(&mut self) -> Result<u8, BadTail> {
        Ok(self.fixed::<1>()?[0])
    }

    pub fn number(&mut self) -> Result<u64, BadTail> {
        let mut value = 0u64;
        for place in 0..LEB128_BYTES_MAX {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (place * 7);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BadTail::Malformed("a number is too long"))
    }

    pub fn signed(&mut self) -> Result<i64, BadTail> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn small(&mut self) -> Result<u32, BadTail> {
        u32::try_from(self.number()?).map_err(|_| BadTail::Malformed("a number is too large"))
    }

    /// A count of things of which each takes at least `bytes_min`: never more than could follow, so that
    /// what is allocated for them is bounded by the batch itself.
    pub fn count(&mut self, bytes_min: usize) -> Result<usize, BadTail> {
        let count = self.number()?;
        let fit = (self.0.len() / bytes_min) as u64;
        if count > fit {
            return Err(BadTail::Malformed("a count is larger than what follows"));
        }
        Ok(count as usize)
    }
}
