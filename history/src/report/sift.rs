//! The few rows of a run that a report asks about, found without a branch a row or a visit.

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
        }
    }
}
