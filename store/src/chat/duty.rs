//! Whose turn it is among a site's agents. One row a site, changed in the transaction that gives a conversation away.

use model::{AccountId, MessageId, Millis, limits};
use serde::{Deserialize, Serialize};

/// Who of the agents was in the inbox when, and who got conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// At most `ON_DUTY_MAX`, the last one seen at the end.
    seen: Vec<(AccountId, Millis)>,
    /// Whoever got one last at the end.
    got: Vec<AccountId>,
}

/// Among whom it is, and how that is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// All who answer the site's customers.
    pub agents: Vec<AccountId>,
    /// Those who were in the inbox since then are there: it is the turn of one of them. Nobody there: of one of all.
    pub there_since: Millis,
    /// Of the line that says so in the notes.
    pub note: MessageId,
}

impl Duty {
    /// Whether that makes a difference.
    pub fn saw(&mut self, agent: AccountId, at: Millis) -> bool {
        if self.seen.iter().any(|(one, seen)| *one == agent && *seen >= at) {
            return false;
        }
        self.seen.retain(|(one, _)| *one != agent);
        self.seen.push((agent, at));
        let beyond = self.seen.len().saturating_sub(limits::ON_DUTY_MAX);
        self.seen.drain(..beyond);
        true
    }

    /// Whose turn it is, which it then was; None: there is nobody.
    pub fn next(&mut self, turn: &Turn) -> Option<AccountId> {
        let is_there = |agent: &&AccountId| {
            self.seen.iter().any(|(one, seen)| one == *agent && *seen >= turn.there_since)
        };
        let anybody_there = turn.agents.iter().any(|agent| is_there(&agent));
        let place =
            |agent: &AccountId| self.got.iter().position(|one| one == agent).map_or(0, |place| place + 1);
        let next = turn
            .agents
            .iter()
            .filter(|agent| !anybody_there || is_there(agent))
            .min_by_key(|agent| (place(agent), **agent))
            .copied()?;
        self.got.retain(|one| *one != next && turn.agents.contains(one));
        self.got.push(next);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn agents(ids: &[u64]) -> Vec<AccountId> {
        ids.iter().map(|id| AccountId::of(*id)).collect()
    }

    fn turns(duty: &mut Duty, of: &[u64], times: usize) -> Vec<u64> {
        let turn = Turn { agents: agents(of), there_since: NOW, note: MessageId(1) };
        (0..times).filter_map(|_| duty.next(&turn)).map(|agent| agent.value()).collect()
    }

    #[test]
    fn each_has_a_turn_before_anybody_has_another() {
        let mut duty = Duty::default();
        assert_eq!(turns(&mut duty, &[3, 1, 2], 7), [1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(turns(&mut duty, &[3, 1, 2, 4], 3), [4, 2, 3], "who is new comes first");
        assert_eq!(turns(&mut duty, &[], 2), Vec::<u64>::new());
    }

    #[test]
    fn it_is_the_turn_of_those_who_are_there() {
        let mut duty = Duty::default();
        assert!(duty.saw(AccountId::of(2), NOW));
        assert!(duty.saw(AccountId::of(1), Millis(NOW.0 - 1)), "too long ago");
        assert!(duty.saw(AccountId::of(9), NOW), "no agent any more");
        assert_eq!(turns(&mut duty, &[1, 2, 3], 2), [2, 2]);
        assert!(duty.saw(AccountId::of(3), NOW));
        assert_eq!(turns(&mut duty, &[1, 2, 3], 3), [3, 2, 3]);
        assert_eq!(turns(&mut duty, &[1, 4], 3), [1, 4, 1], "nobody of them is there: all");
    }

    #[test]
    fn of_so_many_it_is_known_when_they_were_there() {
        let mut duty = Duty::default();
        for id in 0..=limits::ON_DUTY_MAX as u64 {
            assert!(duty.saw(AccountId::of(id), NOW));
            assert_eq!(duty.seen.len(), limits::ON_DUTY_MAX.min(id as usize + 1));
        }
        assert!(!duty.saw(AccountId::of(5), NOW) && !duty.saw(AccountId::of(5), Millis(NOW.0 - 1)));
        assert!(duty.saw(AccountId::of(0), NOW), "the first one is not known any more");
    }
}
