//! [`Acks`]: the acknowledgements that are awaited.

use crate::deadline::Deadline;

/// Room for one acknowledgement that is awaited.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AckSlot {
    id: u32,
    timeout: u32,
    deadline: Deadline,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
enum State {
    Free,
    Awaited,
    /// It has not come in time, and that was not reported yet.
    Overdue,
}

impl AckSlot {
    /// An empty one.
    pub const fn new() -> Self {
        Self { id: 0, timeout: 0, deadline: Deadline::new(), state: State::Free }
    }
}

impl Default for AckSlot {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Acks<'a> {
    slots: &'a mut [AckSlot],
    next_id: u32,
}

impl<'a> Acks<'a> {
    pub(crate) const fn new(slots: &'a mut [AckSlot]) -> Self {
        Self { slots, next_id: 0 }
    }

    pub(crate) const fn into_slots(self) -> &'a mut [AckSlot] {
        self.slots
    }

    pub(crate) fn clear(&mut self) {
        for slot in &mut *self.slots {
            slot.state = State::Free;
        }
    }

    /// Reserves a slot, if one is free, for an acknowledgement within `timeout` milliseconds; 0 waits forever.
    pub(crate) fn reserve(&mut self, timeout: u32) -> Option<u32> {
        let slot = self.slots.iter_mut().find(|slot| slot.state == State::Free)?;
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        *slot = AckSlot { id, timeout, deadline: Deadline::new(), state: State::Awaited };
        Some(id)
    }

    /// An acknowledgement has come: whether it was awaited.
    pub(crate) fn take(&mut self, id: u32) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.id == id && slot.state == State::Awaited);
        slot.is_some_and(|slot| {
            slot.state = State::Free;
            true
        })
    }

    /// The next one that is overdue.
    pub(crate) fn take_overdue(&mut self) -> Option<u32> {
        let slot = self.slots.iter_mut().find(|slot| slot.state == State::Overdue)?;
        slot.state = State::Free;
        Some(slot.id)
    }

    /// In how many milliseconds the next one is overdue; 0 if one is.
    pub(crate) fn left(&mut self, now: u32) -> Option<u32> {
        let mut least = None;
        for slot in &mut *self.slots {
            let left = match slot.state {
                State::Awaited if slot.timeout > 0 => slot.deadline.left(now, slot.timeout),
                State::Overdue => 0,
                _ => continue,
            };
            if left == 0 {
                slot.state = State::Overdue;
            }
            least = Some(least.unwrap_or(left).min(left));
        }
        least
    }
}
