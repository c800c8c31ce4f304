//! Two Ethernet controllers and the cable between them: what your driver takes the place of.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end.
pub struct Plug {
    sent: Frames,
    came: Frames,
}

/// A cable.
pub fn cable() -> (Plug, Plug) {
    let (there, back) = (Frames::default(), Frames::default());
    (Plug { sent: there.clone(), came: back.clone() }, Plug { sent: back, came: there })
}

impl Plug {
    /// Whether nothing is there to be received.
    pub fn is_idle(&self) -> bool {
        self.came.borrow().is_empty()
    }
}

impl Device for Plug {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let frame = self.came.borrow_mut().pop_front()?;
        Some((Received(frame), Sending(&self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(&self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

pub struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, look: F) -> R {
        look(&self.0)
    }
}

pub struct Sending<'a>(&'a Frames);

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}
