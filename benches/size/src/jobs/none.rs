//! Sends back what comes: the rig alone.

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    rig::state(&());
    loop {
        let n = rig::receive(&mut buffers.rx[..]);
        if n == 0 {
            return;
        }
        let bytes = buffers.rx.get(..n).unwrap_or_default();
        buffers.tx[..].iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        rig::send(buffers.tx.get(..n).unwrap_or_default());
    }
}

#[allow(unused_imports, reason = "a program does one of the jobs")]
pub use echo as server;
#[allow(unused_imports, reason = "a program does one of the jobs")]
pub use echo as client;
