//! smoltcp's TCP socket as a stream that is lent to each call.

use microws::io::polled::Stream;
use smoltcp::socket::tcp;

/// What TCP keeps for one connection, receiving and sending.
pub type Buffers = [[u8; 1024]; 2];

/// A socket over its buffers.
pub fn socket([rx, tx]: &mut Buffers) -> tcp::Socket<'_> {
    let mut socket =
        tcp::Socket::new(tcp::SocketBuffer::new(&mut rx[..]), tcp::SocketBuffer::new(&mut tx[..]));
    // A frame is answered by a frame: waiting for more to put into a segment only adds delay.
    socket.set_nagle_enabled(false);
    socket
}

pub struct Tcp<'s, 'b>(pub &'s mut tcp::Socket<'b>);

impl Stream for Tcp<'_, '_> {
    /// A connection that is gone takes no more bytes.
    type Error = tcp::SendError;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        // After the peer's last byte comes its end.
        let ready = self.0.can_recv() || !self.0.may_recv();
        Ok(ready.then(|| self.0.recv_slice(buf).unwrap_or(0)))
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
        Ok(Some(self.0.send_slice(buf)?).filter(|n| *n > 0))
    }

    fn shutdown(&mut self) -> Result<bool, Self::Error> {
        self.0.close();
        Ok(true)
    }
}
