use core::convert::Infallible;

use embassy_futures::block_on;
use embedded_io_async::{ErrorType, Read, Write};
use rand_core_010::TryRng;
use websocketz::options::{AcceptOptions, ConnectOptions};
use websocketz::{Message, WebSocket, http::Header, next, send};

use crate::{Buffers, rig};

type Socket<'b> = WebSocket<'b, Wire<'b>, Random>;

pub fn echo(buffers: &mut Buffers) {
    let Buffers { rx, tx, message, stage } = buffers;
    let wire = Wire { stage: &mut stage[..], at: 0, end: 0 };
    block_on(run(&mut WebSocket::server(wire, Random, &mut rx[..], &mut tx[..], &mut message[..])));
}

pub fn server(buffers: &mut Buffers) {
    let Buffers { rx, tx, message, stage } = buffers;
    let wire = Wire { stage: &mut stage[..], at: 0, end: 0 };
    block_on(async {
        let options = AcceptOptions::default();
        if let Ok(mut socket) =
            WebSocket::accept::<16>(options, wire, Random, &mut rx[..], &mut tx[..], &mut message[..]).await
        {
            run(&mut socket).await;
        }
    });
}

pub fn client(buffers: &mut Buffers) {
    let Buffers { rx, tx, message, stage } = buffers;
    let wire = Wire { stage: &mut stage[..], at: 0, end: 0 };
    block_on(async {
        let headers = [Header { name: "Host", value: b"device.local:1740" }];
        let options = ConnectOptions::new_unchecked("/chat?room=7").with_headers(&headers);
        if let Ok(mut socket) =
            WebSocket::connect::<16>(options, wire, Random, &mut rx[..], &mut tx[..], &mut message[..]).await
        {
            run(&mut socket).await;
        }
    });
}

async fn run(socket: &mut Socket<'_>) {
    rig::state(socket);
    while let Some(Ok(message)) = next!(socket) {
        let sent = match message {
            Message::Text(payload) => send!(socket, Message::Text(payload)),
            Message::Binary(payload) => send!(socket, Message::Binary(payload)),
            Message::Close(_) => return,
            _ => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// It reads into what is left of its buffer, so that a piece may have to wait for more room.
pub struct Wire<'b> {
    stage: &'b mut [u8],
    at: usize,
    end: usize,
}

impl ErrorType for Wire<'_> {
    type Error = Infallible;
}

impl Read for Wire<'_> {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        if self.at == self.end {
            (self.at, self.end) = (0, rig::receive(self.stage));
        }
        let waiting = self.stage.get(self.at..self.end).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(waiting) {
            *to = *from;
        }
        let n = waiting.len().min(to.len());
        self.at += n;
        Ok(n)
    }
}

impl Write for Wire<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        rig::send(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

pub struct Random;

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        rig::random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        rig::random(bytes);
        Ok(())
    }
}
