//! Inflates and deflates on a Cortex-M4 what the file `work` has, and counts the instructions as `rig.rs` does;
//! `benches/deflate/measure.py` writes the one and reads the other.
//!
//! A task: what to do, the window in bits, whether it is kept or the table's entries in bits, a zero, the length in four
//! bytes, the bytes. Its result in `done`: pieces with their length in four bytes before them, a length of 0, the ticks,
//! and 0 or the distance that is too long for the ring.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use microws::deflate::{Deflater, Fault, Inflater, Next, Progress};
use semihosting::fs::File;
use semihosting::io::{Read, Result, Write};
use static_cell::ConstStaticCell;

/// The longest message in bytes.
const MESSAGE_LEN: usize = 16 << 10;

#[cortex_m_rt::entry]
fn main() -> ! {
    if let Some(core) = cortex_m::Peripherals::take() {
        let mut timer = core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
    }
    semihosting::process::exit(i32::from(run().is_err()))
}

fn run() -> Result<()> {
    static MESSAGE: ConstStaticCell<[u8; MESSAGE_LEN]> = ConstStaticCell::new([0; MESSAGE_LEN]);
    static RING: ConstStaticCell<[u8; 1 << 15]> = ConstStaticCell::new([0; 1 << 15]);
    static TABLE: ConstStaticCell<[u16; 1 << 12]> = ConstStaticCell::new([0; 1 << 12]);
    static INFLATER: ConstStaticCell<Inflater> = ConstStaticCell::new(Inflater::new());
    let (message, ring, table, inflater) = (MESSAGE.take(), RING.take(), TABLE.take(), INFLATER.take());
    let (mut work, mut done) = (File::open(c"work")?, File::create(c"done")?);
    let mut head = [0; 8];
    while work.read(&mut head)? > 0 {
        let [what, bits, how, _, len @ ..] = head;
        let message = message.get_mut(..u32::from_le_bytes(len) as usize).unwrap_or_default();
        work.read_exact(message)?;
        let (ticks, distance) = if what == b'i' {
            inflater.begin(how != 0);
            inflate(inflater, message, ring.get_mut(..1 << bits).unwrap_or_default(), &mut done)?
        } else {
            (deflate(message, bits, table.get_mut(..1 << how).unwrap_or_default(), &mut done)?, 0)
        };
        for number in [0, ticks, distance] {
            done.write_all(&number.to_le_bytes())?;
        }
    }
    Ok(())
}

/// The ticks, and the distance that is too long or 0.
fn inflate(
    inflater: &mut Inflater,
    mut input: &[u8],
    ring: &mut [u8],
    done: &mut File,
) -> Result<(u32, u32)> {
    let mut ticks = 0;
    loop {
        let inflated = count(&mut ticks, || inflater.inflate(&mut input, ring, usize::MAX));
        piece(done, ring.get(inflated.bytes).unwrap_or_default())?;
        match inflated.next {
            Next::Input => return Ok((ticks, 0)),
            Next::Output => {}
            Next::Fault(Fault::RingTooSmall(distance)) => return Ok((ticks, distance.into())),
            Next::Fault(_) => return Ok((ticks, u32::MAX)),
        }
    }
}

fn deflate(message: &[u8], bits: u8, table: &mut [u16], done: &mut File) -> Result<u32> {
    let mut out = [0; 1024];
    let mut ticks = 0;
    let Some(mut deflater) = Deflater::new(table) else { return Ok(0) };
    count(&mut ticks, || deflater.begin(bits));
    loop {
        let Progress { len, done: is_done, .. } = count(&mut ticks, || deflater.deflate(message, &mut out));
        piece(done, out.get(..len).unwrap_or_default())?;
        if is_done {
            return Ok(ticks);
        }
    }
}

fn count<T>(ticks: &mut u32, work: impl FnOnce() -> T) -> T {
    let before = SYST::get_current();
    let made = work();
    *ticks += before.wrapping_sub(SYST::get_current()) & 0x00ff_ffff;
    made
}

fn piece(done: &mut File, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    done.write_all(&(bytes.len() as u32).to_le_bytes())?;
    done.write_all(bytes)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    semihosting::process::exit(1)
}
