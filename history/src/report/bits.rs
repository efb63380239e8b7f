//! Sets of rows or of visitors, a bit each.

use super::packed::{Packed, with_packed};

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
                let mut table = [0; 256];
                table.iter_mut().zip(holds).for_each(|(entry, holds)| *entry = u64::from(*holds));
                let word = |chunk: &[u8]| {
                    let bits = chunk.iter().enumerate();
                    bits.fold(0, |word, (bit, &value)| word | table[usize::from(value)] << bit)
                };
                Bits { words: values.chunks(64).map(word).collect(), length: values.len() }
            }
            _ => with_packed!(column, |get| Bits::of(column.len(), |row| holds[get(row) as usize])),
        }
    }

    /// Takes out the rows of a column whose number does not hold.
    pub fn keep_column(&mut self, column: &Packed, holds: &[bool]) {
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

    /// Every number in it within a range, in order.
    #[inline]
    pub fn each_in(&self, range: std::ops::Range<usize>, mut take: impl FnMut(usize)) {
        let last = range.end.div_ceil(64);
        for number in range.start / 64..last {
            let mut word = self.words[number];
            if number == range.start / 64 {
                word &= u64::MAX << (range.start % 64);
            }
            if number + 1 == last && !range.end.is_multiple_of(64) {
                word &= (1 << (range.end % 64)) - 1;
            }
            while word != 0 {
                take(number * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}
