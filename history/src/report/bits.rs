//! Sets of rows or of visitors, a bit each.

use super::packed::{Packed, with_packed};

/// Numbers that [`Bits::some_in`] hands out together, a few more at most.
const AT_ONCE: usize = 512;
/// Numbers that are taken of a word without asking whether it has so many.
const AT_A_TIME: usize = 4;

/// A set of numbers below a length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub fn new(length: usize) -> Bits {
        Bits { words: vec![0; length.div_ceil(64)], length }
    }

    pub fn of(length: usize, holds: impl Fn(usize) -> bool) -> Bits {
        let mut bits = Bits::new(length);
        for (number, word) in bits.words.iter_mut().enumerate() {
            let start = number * 64;
            for bit in 0..64.min(length - start) {
                *word |= u64::from(holds(start + bit)) << bit;
            }
        }
        bits
    }

    /// The rows of a column whose number holds.
    pub fn of_column(column: &Packed, holds: &[bool]) -> Bits {
        match column {
            Packed::Same(value, length) => {
                let holds = holds[*value as usize];
                Bits::of(*length, |_| holds)
            }
            Packed::U8(values) => {
                if let Some(only) = only(holds) {
                    let words = values.chunks(64).map(|chunk| equal(chunk, only)).collect();
                    return Bits { words, length: values.len() };
                }
                let mut table = [0; 256];
                table.iter_mut().zip(holds).for_each(|(entry, holds)| *entry = u64::from(*holds));
                let word = |chunk: &[u8]| {
                    let bits = chunk.iter().enumerate();
                    bits.fold(0, |word, (bit, &value)| word | table[usize::from(value)] << bit)
                };
                Bits { words: values.chunks(64).map(word).collect(), length: values.len() }
            }
            Packed::U16(values) => match few(holds) {
                Some(few) => {
                    let words = values.chunks(64).map(|chunk| among(chunk, &few)).collect();
                    Bits { words, length: values.len() }
                }
                None => Bits::of(values.len(), |row| holds[usize::from(values[row])]),
            },
            Packed::U32(values) => Bits::of(values.len(), |row| holds[values[row] as usize]),
        }
    }

    /// Takes out the rows of a column whose number does not hold.
    pub fn keep_column(&mut self, column: &Packed, holds: &[bool]) {
        if let (Packed::U8(values), Some(only)) = (column, only(holds)) {
            let words = self.words.iter_mut().zip(values.chunks(64));
            return words
                .filter(|(word, _)| **word != 0)
                .for_each(|(word, chunk)| *word &= equal(chunk, only));
        }
        with_packed!(column, |get| {
            for (number, word) in self.words.iter_mut().enumerate() {
                let mut rest = *word;
                while rest != 0 {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    if !holds[get(number * 64 + bit as usize) as usize] {
                        *word &= !(1 << bit);
                    }
                }
            }
        });
    }

    pub fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub fn set(&mut self, number: usize) {
        self.words[number >> 6] |= 1 << (number & 63);
    }

    #[inline]
    pub fn has(&self, number: usize) -> bool {
        self.words[number >> 6] >> (number & 63) & 1 == 1
    }

    pub fn add(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub fn keep(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        if let (Some(word), rest @ 1..) = (self.words.last_mut(), self.length % 64) {
            *word &= (1 << rest) - 1;
        }
    }

    /// How many numbers are in it.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Numbers in it within a range, in order, many at once.
    #[inline]
    pub fn some_in(&self, range: std::ops::Range<usize>, mut take: impl FnMut(&[u32])) {
        let mut some = [0; AT_ONCE + AT_A_TIME];
        let mut count = 0;
        self.words_in(range, |start, mut word| {
            while word != 0 {
                // More than most words hold is written down, and what was too much written over: no processor foresees how many.
                let before = word.count_ones() as usize;
                for at in &mut some[count..count + AT_A_TIME] {
                    *at = start as u32 + word.trailing_zeros();
                    word &= word.wrapping_sub(1);
                }
                count += before.min(AT_A_TIME);
                if count >= AT_ONCE {
                    take(&some[..count]);
                    count = 0;
                }
            }
        });
        take(&some[..count]);
    }

    /// Every number in it within a range, in order.
    #[inline]
    pub fn each_in(&self, range: std::ops::Range<usize>, mut take: impl FnMut(usize)) {
        self.words_in(range, |start, mut word| {
            while word != 0 {
                take(start + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        });
    }

    /// Every word that touches a range, what is outside of it left out, and the number of its lowest bit.
    #[inline]
    pub fn words_in(&self, range: std::ops::Range<usize>, mut take: impl FnMut(usize, u64)) {
        let last = range.end.div_ceil(64);
        for number in range.start / 64..last {
            let mut word = self.words[number];
            if number == range.start / 64 {
                word &= u64::MAX << (range.start % 64);
            }
            if number + 1 == last && !range.end.is_multiple_of(64) {
                word &= (1 << (range.end % 64)) - 1;
            }
            take(number * 64, word);
        }
    }
}

/// The only number that holds, where that is one byte.
fn only(holds: &[bool]) -> Option<u8> {
    let mut all = holds.iter().zip(0..).filter(|(holds, _)| **holds);
    match (all.next(), all.next()) {
        (Some((_, only)), None) => u8::try_from(only).ok(),
        _ => None,
    }
}

/// Numbers that rows are compared with one after the other; of more it is looked up whether they hold.
const FEW: usize = 4;

/// The numbers that hold, where they are few.
fn few(holds: &[bool]) -> Option<Vec<u16>> {
    let all = holds.iter().zip(0u32..).filter(|(holds, _)| **holds).map(|(_, number)| number as u16);
    let few: Vec<u16> = all.take(FEW + 1).collect();
    (few.len() <= FEW).then_some(few)
}

/// Which of up to 64 numbers are among these.
fn among(numbers: &[u16], these: &[u16]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Ok(numbers) = numbers.try_into() {
        return among_of_64(numbers, these);
    }
    let bits = numbers.iter().enumerate();
    bits.fold(0, |word, (bit, number)| word | u64::from(these.contains(number)) << bit)
}

/// Sixteen at a time, as every processor of the kind can.
#[cfg(target_arch = "x86_64")]
fn among_of_64(numbers: &[u16; 64], these: &[u16]) -> u64 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_packs_epi16, _mm_set1_epi16,
        _mm_setzero_si128,
    };
    let (sixteens, _) = numbers.as_chunks::<16>();
    let words = sixteens.iter().zip(0..).map(|(sixteen, number)| {
        // SAFETY: every such processor has these instructions; the loads read eight numbers each, wherever they lie.
        let same = unsafe {
            let halves = [sixteen.as_ptr(), sixteen.as_ptr().add(8)].map(|half| _mm_loadu_si128(half.cast()));
            let [low, high] = halves.map(|half| {
                these.iter().fold(_mm_setzero_si128(), |same, this| {
                    _mm_or_si128(same, _mm_cmpeq_epi16(half, _mm_set1_epi16(this.cast_signed())))
                })
            });
            _mm_movemask_epi8(_mm_packs_epi16(low, high))
        };
        u64::from(same.cast_unsigned()) << (number * 16)
    });
    words.fold(0, |all, word| all | word)
}

/// Which of up to 64 bytes are this one.
fn equal(bytes: &[u8], this: u8) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Ok(bytes) = bytes.try_into() {
        return equal_of_64(bytes, this);
    }
    equal_by_eight(bytes, this)
}

/// Sixteen at a time, as every processor of the kind can.
#[cfg(target_arch = "x86_64")]
fn equal_of_64(bytes: &[u8; 64], this: u8) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let (sixteens, _) = bytes.as_chunks::<16>();
    let words = sixteens.iter().zip(0..).map(|(sixteen, number)| {
        // SAFETY: every such processor has these instructions; the load reads sixteen bytes wherever they lie.
        let same = unsafe {
            let sixteen = _mm_loadu_si128(sixteen.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(sixteen, _mm_set1_epi8(this.cast_signed())))
        };
        u64::from(same.cast_unsigned()) << (number * 16)
    });
    words.fold(0, |all, word| all | word)
}

fn equal_by_eight(bytes: &[u8], this: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = ONES * 0x7F;
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut word = 0;
    for (number, eight) in eights.iter().enumerate() {
        let other = u64::from_le_bytes(*eight) ^ (ONES * u64::from(this));
        // The highest bit of each byte that has no bit set; then these eight bits side by side.
        let equal = !(((other & LOW) + LOW) | other | LOW);
        word |= ((equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (number * 8);
    }
    let rest = rest.iter().zip(eights.len() * 8..);
    rest.fold(word, |word, (&byte, at)| word | u64::from(byte == this) << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_handed_out_one_by_one_and_many_at_once() {
        for every in [1, 2, 7, 63, 500] {
            let bits = Bits::of(5_000, |number| number % every == 0 || (1_000..1_200).contains(&number));
            for range in [0..5_000, 1..4_999, 64..128, 1_063..1_065, 70..70] {
                let (mut each, mut some) = (Vec::new(), Vec::new());
                bits.each_in(range.clone(), |number| each.push(number as u32));
                bits.some_in(range.clone(), |numbers| some.extend_from_slice(numbers));
                let all = range.filter(|&number| bits.has(number)).map(|number| number as u32);
                assert_eq!(each, all.collect::<Vec<_>>());
                assert_eq!(some, each);
            }
        }
    }

    #[test]
    fn rows_are_compared_with_few_numbers_as_they_are_looked_up_for_many() {
        let values: Vec<u16> = (0..1_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u16).collect();
        let edges = [0, 127, 128, 255, 256, 32_767, 32_768, 65_535];
        for values in [&values[..], &values[..63], &values[..0], &edges.repeat(16)] {
            for few in 0..=FEW + 1 {
                let mut holds = vec![false; 1 << 16];
                values.iter().rev().take(few).for_each(|&value| holds[usize::from(value)] = true);
                let expected = Bits::of(values.len(), |row| holds[usize::from(values[row])]);
                assert_eq!(Bits::of_column(&Packed::U16(values.to_vec()), &holds), expected, "{few}");
            }
        }
    }

    #[test]
    fn the_rows_of_one_number_are_found_as_those_of_several() {
        let values: Vec<u8> = (0..1_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as u8).collect();
        for length in [0, 1, 7, 8, 63, 64, 65, 1_000] {
            let column = Packed::U8(values[..length].to_vec());
            for only in 0..40 {
                let mut holds = [false; 40];
                holds[only] = true;
                let expected = Bits::of(length, |row| usize::from(values[row]) == only);
                assert_eq!(Bits::of_column(&column, &holds), expected);
                let mut kept = Bits::of(length, |row| row % 3 == 0 && row / 64 != 1);
                let expected = Bits::of(length, |row| kept.has(row) && expected.has(row));
                kept.keep_column(&column, &holds);
                assert_eq!(kept, expected);
                for chunk in values[..length].chunks(64) {
                    assert_eq!(equal(chunk, only as u8), equal_by_eight(chunk, only as u8));
                }
            }
        }
        let edges = Packed::U8(vec![0, 127, 128, 255, 1, 254, 129, 126]);
        for only in [0, 1, 126, 127, 128, 129, 254, 255] {
            let mut holds = [false; 256];
            holds[only] = true;
            assert_eq!(Bits::of_column(&edges, &holds), Bits::of(8, |row| edges.get(row) == only as u32));
        }
    }
}
