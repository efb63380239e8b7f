//! A column in memory: numbers in the least bytes that hold them.

/// Numbers, each in as many bytes as the largest needs; none where all are the same.
#[derive(Clone, Debug)]
pub enum Packed {
    Same(u32, usize),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

/// Runs a body with `$get(row) -> u32` made for the column's width, so that a loop in it is compiled for each.
macro_rules! with_packed {
    ($column:expr, |$get:ident| $body:expr) => {
        match $column {
            $crate::report::packed::Packed::Same(value, _) => {
                let value = *value;
                let $get = move |_row: usize| value;
                $body
            }
            $crate::report::packed::Packed::U8(values) => {
                let $get = |row: usize| u32::from(values[row]);
                $body
            }
            $crate::report::packed::Packed::U16(values) => {
                let $get = |row: usize| u32::from(values[row]);
                $body
            }
            $crate::report::packed::Packed::U32(values) => {
                let $get = |row: usize| values[row];
                $body
            }
        }
    };
}
pub(crate) use with_packed;

impl Packed {
    pub fn new(values: Vec<u32>) -> Packed {
        let largest = values.iter().copied().max().unwrap_or(0);
        match values.first() {
            None => Packed::Same(0, 0),
            Some(&first) if values.iter().all(|&value| value == first) => Packed::Same(first, values.len()),
            Some(_) if largest <= u8::MAX.into() => {
                Packed::U8(values.iter().map(|&value| value as u8).collect())
            }
            Some(_) if largest <= u16::MAX.into() => {
                Packed::U16(values.iter().map(|&value| value as u16).collect())
            }
            Some(_) => Packed::U32(values),
        }
    }

    /// Numbers in four bytes each, whatever they are: what [`Packed::wide_values`] gives back.
    pub fn wide(values: Vec<u32>) -> Packed {
        Packed::U32(values)
    }

    /// The numbers of a column that was made with [`Packed::wide`]; empty of any other.
    #[inline]
    pub fn wide_values(&self) -> &[u32] {
        match self {
            Packed::U32(values) => values,
            _ => &[],
        }
    }

    /// The sum over a range of rows.
    pub fn sum(&self, rows: std::ops::Range<usize>) -> u64 {
        match self {
            Packed::Same(value, _) => u64::from(*value) * rows.len() as u64,
            Packed::U8(values) => {
                // Chunks whose sums fit 16 bits are added many at once.
                let chunks = values[rows].chunks(256);
                chunks.map(|chunk| u64::from(chunk.iter().map(|&value| u16::from(value)).sum::<u16>())).sum()
            }
            Packed::U16(values) => values[rows].iter().map(|&value| u64::from(value)).sum(),
            Packed::U32(values) => values[rows].iter().map(|&value| u64::from(value)).sum(),
        }
    }

    #[inline]
    pub fn get(&self, row: usize) -> u32 {
        match self {
            Packed::Same(value, _) => *value,
            Packed::U8(values) => values[row].into(),
            Packed::U16(values) => values[row].into(),
            Packed::U32(values) => values[row],
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Packed::Same(_, length) => *length,
            Packed::U8(values) => values.len(),
            Packed::U16(values) => values.len(),
            Packed::U32(values) => values.len(),
        }
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Packed::Same(..) => 0,
            Packed::U8(values) => values.len(),
            Packed::U16(values) => values.len() * 2,
            Packed::U32(values) => values.len() * 4,
        }
    }
}
