//! The few rows of a run that a report asks about, found without a branch a row or a visit.

use super::bits::Bits;

/// Rows that are looked at before those found among them are handed out.
const ROWS_AT_ONCE: usize = 512;

/// A row that is asked about.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    /// What was asked of it.
    pub value: u32,
    pub visit: u32,
    pub row: u32,
}

/// Hands out the rows whose value (of a visit and a row) is not `none`, in order, many at once. `first`: the first visit; `starts`: the
/// first row of each visit, and the end.
#[inline(always)]
pub(super) fn sift(
    first: usize,
    starts: &[u32],
    none: u32,
    value: impl Fn(usize, usize) -> u32,
    mut take: impl FnMut(&[Found]),
) {
    let &[start, ref inner @ .., end] = starts else { return };
    // Adding up flags costs less than loops over two rows each, which no processor foresees.
    let mut is_next = vec![0u8; (end - start) as usize];
    inner.iter().for_each(|&next| is_next[(next - start) as usize] = 1);
    let mut found = [Found::default(); ROWS_AT_ONCE];
    let (mut visit, mut row) = (first as u32, start);
    for flags in is_next.chunks(ROWS_AT_ONCE) {
        let mut count = 0;
        for &is_next in flags {
            visit += u32::from(is_next);
            let value = value(visit as usize, row as usize);
            found[count] = Found { value, visit, row };
            count += usize::from(value != none);
            row += 1;
        }
        take(&found[..count]);
    }
}

/// Hands out the rows that are marked as [`sift`] does, `value` of each asked for these alone.
#[inline(always)]
pub(super) fn sift_marked(
    first: usize,
    starts: &[u32],
    marked: &Bits,
    value: impl Fn(usize, usize) -> u32,
    mut take: impl FnMut(&[Found]),
) {
    let &[start, ref inner @ .., end] = starts else { return };
    let word_of = |row: u32| (row / 64 - start / 64) as usize;
    let mut nexts = vec![0u64; word_of(end) + 1];
    inner.iter().for_each(|&next| nexts[word_of(next)] |= 1 << (next % 64));
    let mut found = [Found::default(); ROWS_AT_ONCE + 64];
    let (mut visit, mut count) = (first as u32, 0);
    marked.words_in(start as usize..end as usize, |at, mut word| {
        let nexts = nexts[word_of(at.max(start as usize) as u32)];
        while word != 0 {
            let bit = word.trailing_zeros();
            let row = at as u32 + bit;
            // As many visits later as begin at this row or before it.
            let visit = visit + (nexts & (u64::MAX >> (63 - bit))).count_ones();
            found[count] = Found { value: value(visit as usize, row as usize), visit, row };
            count += 1;
            word &= word - 1;
        }
        visit += nexts.count_ones();
        if count >= ROWS_AT_ONCE {
            take(&found[..count]);
            count = 0;
        }
    });
    take(&found[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_with_their_visits() {
        for lengths in [&[1u32][..], &[2, 1, 1, 3], &[1_500, 1, 600], &[]] {
            let mut starts = vec![70];
            lengths.iter().for_each(|length| starts.push(starts[starts.len() - 1] + length));
            let mut found = Vec::new();
            let value = |visit: usize, row: usize| (visit as u32 ^ row as u32) % 3;
            sift(5, &starts, 0, value, |rows| {
                found.extend(rows.iter().map(|row| (row.value, row.visit, row.row)))
            });
            let visits = (5..).zip(starts.windows(2));
            let rows = visits.flat_map(|(visit, hits)| (hits[0]..hits[1]).map(move |row| (visit, row)));
            let all = rows.map(|(visit, row)| (value(visit as usize, row as usize), visit, row));
            assert_eq!(found, all.filter(|row| row.0 != 0).collect::<Vec<_>>());

            let end = starts[starts.len() - 1] as usize;
            let marked: Vec<_> = found.iter().filter(|row| row.2 % 5 > 0).copied().collect();
            let bits = Bits::of(end + 3, |row| {
                row < 70 || row >= end || marked.iter().any(|of| of.2 as usize == row)
            });
            found.clear();
            let value = |visit: usize, row: usize| (visit * 1_000 + row) as u32;
            sift_marked(5, &starts, &bits, value, |rows| {
                found.extend(rows.iter().map(|row| (row.value, row.visit, row.row)))
            });
            let expected = marked.iter().map(|&(_, visit, row)| (visit * 1_000 + row, visit, row));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}
