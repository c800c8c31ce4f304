//! The other end of the wire: sends a script, takes the answers, and measures.
//!
//! - Instructions: SysTick between the end of [`receive`] and the beginning of [`send`]. The emulator counts one
//!   instruction as 64 ns, the timer ticks every 40.
//! - Stack: it is painted before the start; how far down a run of the job has scratched it is seen afterwards.
//!
//! - Masking: SysTick around the call.
//!
//! The job runs twice: silently for the stack, then with all that it sends on the standard output, and the figures
//! after that, for the host to compare.

use core::mem;
use core::panic::PanicInfo;
use core::ptr;
#[cfg(feature = "fault")]
use core::sync::atomic::AtomicU8;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use semihosting::io::Write;

/// What comes, one piece for each [`receive`]; the key is that of 16 zero bytes.
const REQUEST: &[u8] = b"GET /chat?room=7 HTTP/1.1\r\n\
Host: device.local:1740\r\n\
Connection: Upgrade\r\n\
Pragma: no-cache\r\n\
Cache-Control: no-cache\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
Upgrade: websocket\r\n\
Origin: http://device.local:1740\r\n\
Sec-WebSocket-Version: 13\r\n\
Accept-Encoding: gzip, deflate\r\n\
Accept-Language: en-GB,en;q=0.9\r\n\
Cookie: session=0123456789abcdef0123456789abcdef\r\n\
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
Upgrade: websocket\r\n\
Connection: Upgrade\r\n\
Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";

/// Opcode with FIN, length, and how often it comes.
const FRAMES: [(u8, usize, u32); 10] = [
    (0x81, 16, REPEATS),
    (0x81, 125, REPEATS),
    (0x81, 1024, REPEATS),
    (0x82, 16, REPEATS),
    (0x82, 125, REPEATS),
    (0x82, 1024, REPEATS),
    // A message of two fragments with a ping between, then the end.
    (0x01, 100, 1),
    (0x89, 125, 1),
    (0x80, 100, 1),
    (0x88, 2, 1),
];
const REPEATS: u32 = 8;
const MEASURED: usize = 6;
const MASKED: bool = !cfg!(feature = "client");
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The next frame and how often it came already; the head of the handshake is frame number `HEAD`.
static FRAME: AtomicUsize = AtomicUsize::new(0);
static COME: AtomicU32 = AtomicU32::new(0);
static HEAD_GONE: AtomicBool = AtomicBool::new(false);
static SILENT: AtomicBool = AtomicBool::new(true);

/// A frame at fault that comes first, if the program is started with one, in hex: what becomes of it shows who checks
/// what.
#[cfg(feature = "fault")]
static FAULT: [AtomicU8; 160] = [const { AtomicU8::new(0) }; 160];
#[cfg(feature = "fault")]
static FAULT_LEN: AtomicUsize = AtomicUsize::new(0);

static RECEIVED_AT: AtomicU32 = AtomicU32::new(0);
static TICKS: [AtomicU32; MEASURED] = [const { AtomicU32::new(0) }; MEASURED];
/// Never the length of anything, so that every job has to say it.
static STATE_LEN: AtomicUsize = AtomicUsize::new(usize::MAX);

/// What comes next, whole, or nothing: the end.
#[inline(never)]
pub fn receive(to: &mut [u8]) -> usize {
    let head = if cfg!(feature = "server") {
        REQUEST
    } else if cfg!(feature = "client") {
        RESPONSE
    } else {
        &[]
    };
    #[cfg(feature = "fault")]
    if FAULT_LEN.load(Relaxed) > 0 && !SILENT.load(Relaxed) {
        let n = FAULT_LEN.swap(0, Relaxed);
        for (to, byte) in to.iter_mut().zip(&FAULT).take(n) {
            *to = byte.load(Relaxed);
        }
        return n;
    }
    let n = if !head.is_empty() && !HEAD_GONE.swap(true, Relaxed) {
        copy(to, head)
    } else {
        let frame = FRAME.load(Relaxed);
        let Some(&(opcode, len, times)) = FRAMES.get(frame) else { return 0 };
        let come = COME.load(Relaxed) + 1;
        if come == times {
            FRAME.store(frame + 1, Relaxed);
            COME.store(0, Relaxed);
        } else {
            COME.store(come, Relaxed);
        }
        build(to, opcode, len)
    };
    RECEIVED_AT.store(SYST::get_current(), Relaxed);
    n
}

/// As much of the head as is asked for, for a crate that reads byte by byte.
#[allow(dead_code, reason = "not every crate does")]
pub fn receive_head(to: &mut [u8], at: &mut usize) -> usize {
    let head = if cfg!(feature = "client") { RESPONSE } else { REQUEST };
    let n = copy(to, head.get(*at..).unwrap_or_default());
    *at += n;
    HEAD_GONE.store(true, Relaxed);
    n
}

/// Takes an answer.
#[inline(never)]
pub fn send(bytes: &[u8]) {
    let ticks = RECEIVED_AT.load(Relaxed).wrapping_sub(SYST::get_current()) & 0x00ff_ffff;
    // The frame that was answered is the one before the next.
    let answered =
        if COME.load(Relaxed) == 0 { FRAME.load(Relaxed).wrapping_sub(1) } else { FRAME.load(Relaxed) };
    if let Some(slot) = TICKS.get(answered) {
        slot.store(ticks, Relaxed);
    }
    if !SILENT.load(Relaxed) {
        write(bytes);
    }
}

/// Has payload unmasked, and nothing else, and sends it.
#[allow(dead_code, reason = "a program does one of the jobs")]
pub fn unmask(buffers: &mut crate::Buffers, mask: impl Fn([u8; 4], &mut [u8])) {
    const HEADER_LEN: usize = 8;
    for (&len, slot) in [126, 1024].iter().zip(&TICKS) {
        build(buffers.rx, 0x82, len);
        let payload = buffers.rx.get_mut(HEADER_LEN..HEADER_LEN + len).unwrap_or_default();
        let before = SYST::get_current();
        mask(KEY, payload);
        slot.store(before.wrapping_sub(SYST::get_current()) & 0x00ff_ffff, Relaxed);
        if !SILENT.load(Relaxed) {
            write(payload);
        }
    }
}

/// Says how large the state of one connection is.
pub fn state<T>(_: &T) {
    STATE_LEN.store(mem::size_of::<T>(), Relaxed);
}

/// A random source that is none, so that what is sent can be told beforehand.
#[allow(dead_code, reason = "servers need none")]
pub fn random(bytes: &mut [u8]) {
    bytes.fill(0);
}

fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let n = from.len().min(to.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    n
}

fn build(to: &mut [u8], opcode: u8, len: usize) -> usize {
    let mut n = 0;
    let mut put = |byte: u8| {
        if let Some(slot) = to.get_mut(n) {
            *slot = byte;
        }
        n += 1;
    };
    let bit = if MASKED { 0x80 } else { 0 };
    put(opcode);
    if len < 126 {
        put(bit | len as u8);
    } else {
        put(bit | 126);
        put((len >> 8) as u8);
        put(len as u8);
    }
    let key = if MASKED { KEY } else { [0; 4] };
    if MASKED {
        key.into_iter().for_each(&mut put);
    }
    for i in 0..len {
        // The close code 1000, or letters.
        let byte = if opcode == 0x88 { [0x03, 0xe8][i & 1] } else { b'a' + (i % 26) as u8 };
        put(byte ^ key[i & 3]);
    }
    n
}

fn write(bytes: &[u8]) {
    if let Ok(mut out) = semihosting::io::stdout() {
        _ = out.write_all(bytes);
    }
}

/// Notes the frame at fault.
#[cfg(feature = "fault")]
fn take_fault() {
    let Ok(arguments) = semihosting::experimental::env::args::<512>() else { return };
    let Some(Ok(hex)) = (&arguments).nth(1) else { return };
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    for (slot, [high, low]) in FAULT.iter().zip(hex.as_bytes().as_chunks::<2>().0) {
        slot.store((digit(*high) << 4) | digit(*low), Relaxed);
        FAULT_LEN.fetch_add(1, Relaxed);
    }
}

/// Runs the job, writes what was measured, and ends.
pub fn run(mut job: impl FnMut()) -> ! {
    #[cfg(feature = "fault")]
    take_fault();
    if let Some(core) = cortex_m::Peripherals::take() {
        let mut timer = core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
    }
    let stack = measure_stack(&mut job);
    SILENT.store(false, Relaxed);
    FRAME.store(0, Relaxed);
    COME.store(0, Relaxed);
    HEAD_GONE.store(false, Relaxed);
    job();
    write(b"MEASURED");
    for number in [stack, STATE_LEN.load(Relaxed)] {
        write(&(number as u32).to_le_bytes());
    }
    for ticks in &TICKS {
        write(&ticks.load(Relaxed).to_le_bytes());
    }
    semihosting::process::exit(0)
}

/// How many bytes the job took below this function's own.
#[inline(never)]
fn measure_stack(job: &mut dyn FnMut()) -> usize {
    unsafe extern "C" {
        static _stack_end: u32;
    }
    const PAINT: u32 = 0xcccc_cccc;
    let here = cortex_m::register::msp::read() as usize;
    job();
    let mut at = &raw const _stack_end;
    // SAFETY: between the end of the stack's region and the stack pointer there is memory, which nobody else uses.
    while unsafe { ptr::read_volatile(at) } == PAINT {
        at = at.wrapping_add(1);
    }
    here - at as usize
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
