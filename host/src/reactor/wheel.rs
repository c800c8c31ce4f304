//! A timer wheel: deadlines at constant cost, and at none for a client that only waits.
//!
//! A deadline that moves later keeps its entry: when that comes up, its owner looks again and enters the new
//! deadline. So a message costs a comparison, and each owner has one entry.

/// Milliseconds between two positions of the wheel: deadlines are late by at most this.
const TICK: u64 = 32;

const SLOTS: u64 = 1024;

const WORDS: usize = SLOTS as usize / 64;

/// A slot that held more entries gives its memory back when it is empty.
const MAX_SPARE: usize = 64;

/// No tick.
const NEVER: u64 = u64::MAX;

/// The tick of its entry, as an owner notes it. The low half is enough, because no entry is far from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted(u32);

impl Noted {
    /// There is no entry.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// Entries name their owner and come up on a tick. `now` is in milliseconds and never goes back.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The owners, of whom fewer than 2^32 fit into any memory. All entries of a slot are for the same tick, because none is
    /// further away than the wheel is long.
    slots: Vec<Vec<u32>>,
    /// A bit for each slot that has entries.
    occupied: [u64; WORDS],
    /// The next tick to look at.
    next: u64,
    /// The first tick that has entries; [`NEVER`] if there are none. Kept, because every wake-up asks for it.
    first: u64,
}

/// An entry that came up: `owner` must look at its deadlines. It is stale unless the owner noted the same `tick`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) owner: usize,
    pub(crate) tick: Noted,
}

impl Wheel {
    pub(crate) fn new(now: u64) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { slots, occupied: [0; WORDS], next: now / TICK, first: NEVER }
    }

    /// Has `owner` come up `after` milliseconds from `now`, or sooner if that is beyond the wheel or its
    /// entry of the tick `noted` comes sooner; it then looks again. Returns the tick, for `owner` to note;
    /// the first time it has noted [`Noted::NONE`].
    #[inline]
    pub(crate) fn enter(&mut self, owner: usize, now: u64, after: u32, noted: Noted) -> Noted {
        let tick = (now + u64::from(after)).div_ceil(TICK).max(self.next);
        // The usual case: the deadline of a client that was heard has moved later.
        let ahead = noted.0.wrapping_sub(self.next as u32);
        let comes_first = u64::from(ahead) <= tick - self.next && noted != Noted::NONE;
        if comes_first { noted } else { self.enter_anew(owner, tick, noted) }
    }

    #[inline(never)]
    fn enter_anew(&mut self, owner: usize, tick: u64, noted: Noted) -> Noted {
        let at = tick.min(self.next + SLOTS - 2);
        // Every four years there is a tick that can't be noted: the next one does as well.
        let at = at + u64::from(at as u32 == Noted::NONE.0);
        let tick = Noted(at as u32);
        if tick == noted {
            return noted;
        }
        let slot = (at % SLOTS) as usize;
        self.slots[slot].push(owner as u32);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.first = self.first.min(at);
        tick
    }

    /// Moves the entries that are due at `now` to `due`.
    // Each wake-up asks, and mostly in vain.
    #[inline(always)]
    pub(crate) fn expire(&mut self, now: u64, due: &mut Vec<Entry>) {
        let end = now / TICK + 1;
        if end <= self.first {
            self.next = self.next.max(end);
            return;
        }
        self.take_due(end, due);
    }

    #[inline(never)]
    fn take_due(&mut self, end: u64, due: &mut Vec<Entry>) {
        for tick in self.first..end.min(self.next + SLOTS) {
            let slot = (tick % SLOTS) as usize;
            if self.occupied[slot / 64] & (1 << (slot % 64)) != 0 {
                let tick = Noted(tick as u32);
                due.extend(self.slots[slot].drain(..).map(|owner| Entry { owner: owner as usize, tick }));
                if self.slots[slot].capacity() > MAX_SPARE {
                    self.slots[slot] = Vec::new();
                }
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
        }
        self.next = self.next.max(end);
        self.first = self.first_occupied();
    }

    /// Milliseconds from `now` until the next entry comes up; `None` if there is none.
    pub(crate) fn next_in(&self, now: u64) -> Option<u64> {
        (self.first != NEVER).then(|| (self.first * TICK).saturating_sub(now))
    }

    /// The first tick from the next one on that has entries.
    fn first_occupied(&self) -> u64 {
        let first = (self.next % SLOTS) as usize;
        // The first word from the first slot on, the others, and the first word's beginning.
        let ahead = (0..=WORDS).find_map(|n| {
            let index = (first / 64 + n) % WORDS;
            let mask = match n {
                0 => u64::MAX << (first % 64),
                WORDS => !(u64::MAX << (first % 64)),
                _ => u64::MAX,
            };
            let word = self.occupied[index] & mask;
            let slot = index * 64 + word.trailing_zeros() as usize;
            (word != 0).then(|| (slot + SLOTS as usize - first) % SLOTS as usize)
        });
        ahead.map_or(NEVER, |ahead| self.next + ahead as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_up_at_its_time_and_at_most_a_tick_later() {
        // The last ones: where the low half of a tick begins anew.
        const WRAP: u64 = TICK << 32;
        for start in [0, 5, 31, 32, 1_000_003, WRAP - 40_000, WRAP - 32, WRAP] {
            for after in [0, 1, 31, 32, 33, 1_000, 20_000, 32_000] {
                let mut wheel = Wheel::new(start);
                let tick = wheel.enter(7, start, after, Noted::NONE);
                let mut due = Vec::new();
                let mut now = start;
                while due.is_empty() {
                    let wait = wheel.next_in(now).expect("an entry is there");
                    now += wait;
                    wheel.expire(now, &mut due);
                    let late = now.saturating_sub(start + u64::from(after));
                    let is_rare = start >= WRAP - 40_000;
                    assert!(
                        late <= if is_rare { 2 * TICK } else { TICK },
                        "{start} + {after}: late at {now}"
                    );
                }
                assert!(now >= start + u64::from(after), "{start} + {after}: early at {now}");
                assert_eq!(due, [Entry { owner: 7, tick }]);
                assert_eq!(wheel.next_in(now), None);
            }
        }
    }

    #[test]
    fn a_deadline_beyond_the_wheel_comes_up_early_to_be_entered_again() {
        let mut wheel = Wheel::new(0);
        wheel.enter(1, 0, 10_000_000, Noted::NONE);
        let wait = wheel.next_in(0).expect("an entry is there");
        assert!(wait < SLOTS * TICK);
    }

    #[test]
    fn a_deadline_that_moves_later_and_back_leaves_one_entry() {
        let mut wheel = Wheel::new(0);
        let mut tick = Noted::NONE;
        for now in 0..3_000 {
            tick = wheel.enter(1, now, if now % 2 == 0 { 20_000 } else { 30_000 }, tick);
        }
        assert_eq!(wheel.slots.iter().map(Vec::len).sum::<usize>(), 1);
        // One that moves earlier gets another.
        let earlier = wheel.enter(1, 3_000, 100, tick);
        assert!(earlier.0 < tick.0);
        let mut due = Vec::new();
        wheel.expire(3_200, &mut due);
        assert_eq!(due, [Entry { owner: 1, tick: earlier }]);
        // Once it has come up it no longer counts.
        assert!(wheel.enter(1, 3_200, 20_000, earlier).0 > tick.0);
    }

    #[test]
    fn a_loop_that_slept_too_long_misses_nothing() {
        let mut wheel = Wheel::new(0);
        let (mut due, mut owners) = (Vec::new(), Vec::new());
        for owner in 0..200 {
            wheel.enter(owner, 0, owner as u32 * 150, Noted::NONE);
        }
        wheel.expire(10_000_000, &mut due);
        owners.extend(due.iter().map(|entry| entry.owner));
        owners.sort_unstable();
        assert_eq!(owners, (0..200).collect::<Vec<_>>());
        assert_eq!(u64::from(wheel.enter(1, 10_000_000, 0, Noted::NONE).0), wheel.next);
    }
}
