//! Time since the start, and sleep, both out of SysTick.

use cortex_m::asm;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use smoltcp::time::{Duration, Instant};

/// The processor's clock on an MPS2 board.
const TICKS_PER_MICRO: u64 = 25;
/// SysTick counts down in 24 bits.
const MAX_PERIOD: u32 = 1 << 24;

/// Counts time in periods that it sets as it sleeps, so that nothing wakes the processor without need.
pub struct Clock {
    systick: SYST,
    /// Length of the period that runs.
    period: u32,
    /// Ticks of all periods before it.
    past: u64,
}

impl Clock {
    /// Start at zero. Interrupts are to be disabled: one that is pending ends [`sleep`](Self::sleep) all the same.
    pub fn start(mut systick: SYST) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        systick.enable_interrupt();
        let mut clock = Self { systick, period: 0, past: 0 };
        clock.begin_period(MAX_PERIOD);
        clock.systick.enable_counter();
        clock
    }

    /// Time since the start; to be asked at least once in 0.6 s, which `sleep` sees to.
    pub fn now(&mut self) -> Instant {
        Instant::from_micros((self.ticks() / TICKS_PER_MICRO) as i64)
    }

    /// Sleep until an interrupt or until `limit` is over.
    pub fn sleep(&mut self, limit: Option<Duration>) {
        let ticks = limit.map_or(u64::MAX, |limit| limit.total_micros().saturating_mul(TICKS_PER_MICRO));
        self.past = self.ticks();
        self.begin_period(ticks.clamp(1000, MAX_PERIOD.into()) as u32);
        SCB::clear_pendst();
        asm::wfi();
    }

    fn begin_period(&mut self, ticks: u32) {
        self.period = ticks;
        self.systick.set_reload(ticks - 1);
        self.systick.clear_current();
    }

    fn ticks(&mut self) -> u64 {
        loop {
            if self.systick.has_wrapped() {
                self.past += u64::from(self.period);
            }
            let left = SYST::get_current();
            // A wrap between the two readings would make time jump back: read again.
            if !self.systick.has_wrapped() {
                // Zero until the first tick of a period, and its last tick.
                return self.past + u64::from(if left == 0 { 0 } else { self.period - left });
            }
            self.past += u64::from(self.period);
        }
    }
}
