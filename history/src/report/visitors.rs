//! Visitors' ids as dense numbers, in the order they were first seen.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Slots that are fetched together: one behind the other, each look-up would wait for memory.
const AT_ONCE: usize = 16;
/// Tables, told apart by an id's highest bits: ids come sorted, so what one table's look-ups touch stays near.
const TABLES: usize = 256;
const SLOTS_MIN: usize = 8;
/// Lists of more sorted runs than this on average are numbered one after the other. A segment has two: people's visits, and bots'.
const RUNS_A_LIST: usize = 4;
const FREE: u32 = u32::MAX;

pub(super) struct Visitors {
    tables: Vec<Table>,
    count: usize,
    /// Drawn anew for each library, so that nobody can choose ids that meet in one slot.
    seed: u64,
}

/// Open addressing; at most three quarters of the slots are taken.
struct Table {
    /// An id's halves, and its number.
    slots: Vec<[u32; 3]>,
    taken: usize,
}

impl Default for Visitors {
    fn default() -> Visitors {
        let table = || Table { slots: vec![[0, 0, FREE]; SLOTS_MIN], taken: 0 };
        let tables = (0..TABLES).map(|_| table()).collect();
        Visitors { tables, count: 0, seed: RandomState::new().hash_one(0) }
    }
}

impl Visitors {
    pub fn count(&self) -> usize {
        self.count
    }

    /// What the tables take.
    pub fn bytes(&self) -> usize {
        self.tables.iter().map(|table| table.slots.len() * size_of::<[u32; 3]>()).sum()
    }

    /// The number of each, a new one for those not seen before. Fastest where ids are sorted.
    pub fn number_all(&mut self, ids: &[u64]) -> Vec<u32> {
        let mut numbers = vec![0; ids.len()];
        self.number_into(ids, &mut numbers);
        numbers
    }

    /// The numbers of several lists. Where these are sorted, or a few sorted runs each, one table after the other is asked for all of
    /// them: it stays in the processor's cache, and so do the sets of bits of whoever reads the lists in their order.
    pub fn number_lists(&mut self, lists: &[Vec<u64>]) -> Vec<Vec<u32>> {
        let mut numbered: Vec<Vec<u32>> = lists.iter().map(|ids| vec![0; ids.len()]).collect();
        let mut runs = Vec::new();
        for (ids, numbers) in lists.iter().zip(&mut numbered) {
            let mut rest = &mut numbers[..];
            for run in ids.chunk_by(|a, b| table_of(*a) <= table_of(*b)) {
                let (here, after) = rest.split_at_mut(run.len());
                runs.push((run, here));
                rest = after;
            }
        }
        if runs.len() > lists.len() * RUNS_A_LIST {
            runs.into_iter().for_each(|(ids, numbers)| self.number_into(ids, numbers));
            return numbered;
        }
        for table in 0..TABLES {
            for (ids, numbers) in &mut runs {
                let count = ids.iter().take_while(|id| table_of(**id) == table).count();
                let (here, after) = std::mem::take(numbers).split_at_mut(count);
                self.number_into(&ids[..count], here);
                (*ids, *numbers) = (&ids[count..], after);
            }
        }
        numbered
    }

    fn number_into(&mut self, ids: &[u64], numbers: &mut [u32]) {
        for (ids, numbers) in ids.chunks(AT_ONCE).zip(numbers.chunks_mut(AT_ONCE)) {
            let mut homes = [[0, 0, FREE]; AT_ONCE];
            for (home, &id) in homes.iter_mut().zip(ids) {
                let table = &self.tables[table_of(id)];
                *home = table.slots[table.home(self.mixed(id))];
            }
            for ((home, &id), number) in homes.iter().zip(ids).zip(numbers) {
                *number = if is_of(home, id) { home[2] } else { self.number(id) };
            }
        }
    }

    /// The number of one that was seen before.
    pub fn find(&self, id: u64) -> Option<u32> {
        let table = &self.tables[table_of(id)];
        let number = table.slots[table.slot(id, self.mixed(id))][2];
        (number != FREE).then_some(number)
    }

    /// Each id with its number, in no order.
    pub fn all(&self) -> impl Iterator<Item = (u64, u32)> {
        let taken = self.tables.iter().flat_map(|table| &table.slots).filter(|slot| slot[2] != FREE);
        taken.map(|slot| (id_of(slot), slot[2]))
    }

    fn number(&mut self, id: u64) -> u32 {
        let (mixed, seed) = (self.mixed(id), self.seed);
        let table = &mut self.tables[table_of(id)];
        let mut slot = table.slot(id, mixed);
        if table.slots[slot][2] == FREE {
            if (table.taken + 1) * 4 > table.slots.len() * 3 {
                table.grow(seed);
                slot = table.slot(id, mixed);
            }
            table.slots[slot] = [id as u32, (id >> 32) as u32, self.count as u32];
            table.taken += 1;
            self.count += 1;
        }
        table.slots[slot][2]
    }

    fn mixed(&self, id: u64) -> u64 {
        mixed(id, self.seed)
    }
}

impl Table {
    /// Where an id stands, or the free slot where it would.
    #[inline]
    fn slot(&self, id: u64, mixed: u64) -> usize {
        let mut slot = self.home(mixed);
        while !is_of(&self.slots[slot], id) && self.slots[slot][2] != FREE {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    /// Where it stands if nothing was in its way.
    #[inline]
    fn home(&self, mixed: u64) -> usize {
        mixed as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self, seed: u64) {
        let slots = vec![[0, 0, FREE]; self.slots.len() * 2];
        for taken in std::mem::replace(&mut self.slots, slots).into_iter().filter(|slot| slot[2] != FREE) {
            let id = id_of(&taken);
            let slot = self.slot(id, mixed(id, seed));
            self.slots[slot] = taken;
        }
    }
}

fn id_of(slot: &[u32; 3]) -> u64 {
    u64::from(slot[1]) << 32 | u64::from(slot[0])
}

#[inline]
fn is_of(slot: &[u32; 3], id: u64) -> bool {
    slot[0] == id as u32 && slot[1] == (id >> 32) as u32 && slot[2] != FREE
}

#[inline]
fn table_of(id: u64) -> usize {
    (id >> 56) as usize
}

#[inline]
fn mixed(id: u64, seed: u64) -> u64 {
    let product = u128::from(id ^ seed) * 0x9E37_79B9_7F4A_7C15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_numbered_together_as_one_by_one() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut sorted = |count: usize| {
            let mut ids: Vec<u64> = (0..count).map(|_| rng.u64(..1_000).wrapping_mul(1 << 54)).collect();
            ids.sort_unstable();
            ids
        };
        let two_runs = [sorted(300), sorted(40)].concat();
        let lists = [sorted(500), vec![], two_runs, vec![0, u64::MAX], sorted(1)];
        let shuffled: Vec<u64> = (0..3_000).map(|_| rng.u64(..2_000) << 53).collect();
        for lists in [lists.to_vec(), vec![shuffled, lists[0].clone()]] {
            let mut visitors = Visitors::default();
            let first = visitors.number_lists(&lists);
            let again: Vec<Vec<u32>> = lists.iter().map(|ids| visitors.number_all(ids)).collect();
            assert_eq!(first, again);
            assert_eq!(visitors.number_lists(&lists), first);
            let mut distinct: Vec<u64> = lists.concat();
            distinct.sort_unstable();
            distinct.dedup();
            let mut numbers: Vec<u32> = first.concat();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers, (0..distinct.len() as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_are_dense_and_stay() {
        let mut visitors = Visitors::default();
        let ids: Vec<u64> = (0..10_000).chain([0, 7, u64::MAX, 7, u64::MAX]).collect();
        let numbers = visitors.number_all(&ids);
        let expected: Vec<u32> = (0..10_000).chain([0, 7, 10_000, 7, 10_000]).collect();
        assert_eq!(numbers, expected);
        assert_eq!(visitors.number_all(&ids), expected);
        assert_eq!((visitors.find(9_999), visitors.find(10_000)), (Some(9_999), None));
        assert_eq!(visitors.count(), 10_001);
        assert_eq!(visitors.all().count(), 10_001);
        assert!(visitors.all().all(|(id, number)| visitors.find(id) == Some(number)));
        // All in the first table but one.
        assert_eq!(visitors.bytes(), (16_384 + 255 * SLOTS_MIN) * 12);
    }
}
