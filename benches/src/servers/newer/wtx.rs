//! wtx: the loop of its `web-socket-server` example.

use std::io::IoSlice;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wtx::{
    collection::Vector,
    stream::{StreamReader, StreamWriter},
    web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin},
};

use super::{Outcome, Peer, Stream};

/// wtx has its own traits, and no bridge from those of tokio. This does what its own does for tokio's `TcpStream`.
struct Connection<T>(T);

impl<T: Stream> StreamReader for Connection<T> {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.0.read(bytes).await?)
    }
}

impl<T: Stream> StreamWriter for Connection<T> {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        Ok(self.0.write_all(bytes).await?)
    }

    /// Of at most 8, as the trait says.
    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> wtx::Result<()> {
        let mut room = [IoSlice::new(&[]); 8];
        let mut left = &mut room[..bytes.len()];
        for (slice, bytes) in left.iter_mut().zip(bytes) {
            *slice = IoSlice::new(bytes);
        }
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.0.write_vectored(left).await? {
                0 => return Err(wtx::Error::UnexpectedStreamWriteEOF),
                len => IoSlice::advance_slices(&mut left, len),
            }
        }
        Ok(())
    }
}

pub(in super::super) struct Server;

impl Peer for Server {
    const NODELAY: bool = false;

    async fn serve(stream: impl Stream) -> Outcome {
        let mut socket = WebSocketAcceptor::default().accept(Connection(stream)).await?;
        let (mut common, mut reader, mut writer) = socket.split_mut();
        let mut buffer = Vector::new();
        loop {
            let origin = WebSocketPayloadOrigin::Adaptive;
            let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await?;
            match frame.op_code() {
                OpCode::Binary | OpCode::Text => writer.write_frame(&mut common, &mut frame).await?,
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    }
}
