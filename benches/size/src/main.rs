//! One job, done with one crate: see Cargo.toml for the choice and `rig.rs` for what is measured.
#![no_std]
#![no_main]

#[cfg_attr(target_has_atomic = "32", path = "rig.rs")]
#[cfg_attr(not(target_has_atomic = "32"), path = "scale.rs")]
mod rig;

#[cfg_attr(feature = "microws", path = "jobs/microws.rs")]
#[cfg_attr(feature = "session", path = "jobs/session.rs")]
#[cfg_attr(feature = "socketio", path = "jobs/socketio.rs")]
#[cfg_attr(feature = "tls", path = "jobs/tls.rs")]
#[cfg_attr(feature = "embedded-websocket", path = "jobs/embedded_websocket.rs")]
#[cfg_attr(feature = "edge", path = "jobs/edge.rs")]
#[cfg_attr(feature = "websocket-sans-io", path = "jobs/websocket_sans_io.rs")]
#[cfg_attr(feature = "ws-framer", path = "jobs/ws_framer.rs")]
#[cfg_attr(feature = "websocketz", path = "jobs/websocketz.rs")]
#[cfg_attr(
    not(any(
        feature = "microws",
        feature = "session",
        feature = "socketio",
        feature = "tls",
        feature = "embedded-websocket",
        feature = "edge",
        feature = "websocket-sans-io",
        feature = "ws-framer",
        feature = "websocketz"
    )),
    path = "jobs/none.rs"
)]
#[allow(dead_code, reason = "a program does one of the jobs")]
mod job;

/// Room for every message of the script, with whatever a crate puts before it.
pub const BUFFER_LEN: usize = 1280;

/// The caller's buffers, which nobody's memory is charged with.
pub struct Buffers {
    pub rx: &'static mut [u8; BUFFER_LEN],
    pub tx: &'static mut [u8; BUFFER_LEN],
    pub message: &'static mut [u8; BUFFER_LEN],
    #[cfg(feature = "websocketz")]
    pub stage: &'static mut [u8; BUFFER_LEN],
}

/// One of the jobs.
#[inline(always)]
fn work(mut buffers: Buffers) -> ! {
    rig::run(|| {
        #[cfg(feature = "echo")]
        job::echo(&mut buffers);
        #[cfg(feature = "server")]
        job::server(&mut buffers);
        #[cfg(feature = "client")]
        job::client(&mut buffers);
        #[cfg(feature = "mask")]
        rig::unmask(&mut buffers, job::mask);
    })
}

#[cfg(target_has_atomic = "32")]
#[cortex_m_rt::entry]
fn main() -> ! {
    use static_cell::ConstStaticCell;
    type Cell = ConstStaticCell<[u8; BUFFER_LEN]>;
    static RX: Cell = ConstStaticCell::new([0; BUFFER_LEN]);
    static TX: Cell = ConstStaticCell::new([0; BUFFER_LEN]);
    // For a crate that needs a third.
    static MESSAGE: Cell = ConstStaticCell::new([0; BUFFER_LEN]);
    // For a crate that reads into less room than a piece of the script takes.
    #[cfg(feature = "websocketz")]
    static STAGE: Cell = ConstStaticCell::new([0; BUFFER_LEN]);
    work(Buffers {
        rx: RX.take(),
        tx: TX.take(),
        message: MESSAGE.take(),
        #[cfg(feature = "websocketz")]
        stage: STAGE.take(),
    })
}

/// Where nothing is run the buffers may stand anywhere.
#[cfg(not(target_has_atomic = "32"))]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let buffer = rig::buffer;
    work(Buffers {
        rx: buffer(),
        tx: buffer(),
        message: buffer(),
        #[cfg(feature = "websocketz")]
        stage: buffer(),
    })
}
