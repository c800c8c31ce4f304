//! smoltcp's TCP socket as a stream that is lent to each call.

use core::convert::Infallible;

use microws::io::polled::Stream;
use smoltcp::socket::tcp;

pub struct Tcp<'s, 'b>(pub &'s mut tcp::Socket<'b>);

impl Stream for Tcp<'_, '_> {
    type Error = Infallible;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Infallible> {
        // After the peer's last byte comes its end.
        let ready = self.0.can_recv() || !self.0.may_recv();
        Ok(ready.then(|| self.0.recv_slice(buf).unwrap_or(0)))
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Infallible> {
        Ok(self.0.send_slice(buf).ok().filter(|n| *n > 0))
    }

    fn shutdown(&mut self) -> Result<bool, Infallible> {
        self.0.close();
        Ok(true)
    }
}
