//! The other end of the wire where programs are only weighed: bytes that the optimizer can't know, never run.

use core::panic::PanicInfo;
use core::ptr;

use crate::BUFFER_LEN;

/// A device that bytes come from and go to.
const WIRE: *mut u8 = ptr::without_provenance_mut(0x4000_0000);

/// A buffer somewhere.
#[inline(never)]
pub fn buffer() -> &'static mut [u8; BUFFER_LEN] {
    // SAFETY: never run.
    unsafe { &mut *ptr::read_volatile(WIRE.cast::<*mut [u8; BUFFER_LEN]>()) }
}

#[inline(never)]
pub fn receive(to: &mut [u8]) -> usize {
    random(to);
    // SAFETY: never run.
    unsafe { ptr::read_volatile(WIRE.cast::<usize>()) }
}

#[allow(dead_code, reason = "not every crate reads byte by byte")]
pub fn receive_head(to: &mut [u8], at: &mut usize) -> usize {
    *at += 1;
    receive(to)
}

#[inline(never)]
pub fn send(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: never run.
        unsafe { ptr::write_volatile(WIRE, *byte) };
    }
}

#[allow(dead_code, reason = "servers need none")]
#[inline(never)]
pub fn random(bytes: &mut [u8]) {
    for byte in bytes {
        // SAFETY: never run.
        *byte = unsafe { ptr::read_volatile(WIRE) };
    }
}

#[allow(dead_code, reason = "a program does one of the jobs")]
pub fn unmask(buffers: &mut crate::Buffers, mask: impl Fn([u8; 4], &mut [u8])) {
    mask([1, 2, 3, 4], buffers.rx);
}

pub fn state<T>(_: &T) {}

pub fn run(mut job: impl FnMut()) -> ! {
    loop {
        job();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
