//! websocket-sans-io does frames alone; the handshake is by hand, out of httparse, sha1_smol and base64ct.

#[path = "by_hand.rs"]
mod by_hand;

use base64ct::{Base64, Encoding};
use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    run(buffers, 0, false);
}

pub fn server(buffers: &mut Buffers) {
    if let Some(rest) = accept(buffers) {
        run(buffers, rest, false);
    }
}

pub fn client(buffers: &mut Buffers) {
    if let Some(rest) = connect(buffers) {
        run(buffers, rest, true);
    }
}

pub fn mask(key: [u8; 4], payload: &mut [u8]) {
    websocket_sans_io::apply_mask(key, payload, 0);
}

#[inline(never)]
fn accept(buffers: &mut Buffers) -> Option<usize> {
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut buffers.rx[filled..]);
        filled += n;
        match by_hand::request(&buffers.rx[..filled]).ok()? {
            Some((len, key)) => {
                let accept = accept_key(&key);
                let mut answer = Text { bytes: &mut buffers.tx[..], len: 0 };
                answer.put(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")?;
                answer.put(&accept)?;
                answer.put(b"\r\n\r\n")?;
                let n = answer.len;
                rig::send(&buffers.tx[..n]);
                buffers.rx.copy_within(len..filled, 0);
                return Some(filled - len);
            }
            None if n == 0 => return None,
            None => {}
        }
    }
}

#[inline(never)]
fn connect(buffers: &mut Buffers) -> Option<usize> {
    let (mut nonce, mut key) = ([0; 16], [0; 24]);
    rig::random(&mut nonce);
    Base64::encode(&nonce, &mut key).ok()?;
    let mut request = Text { bytes: &mut buffers.tx[..], len: 0 };
    request.put(b"GET ")?;
    request.put(b"/chat?room=7")?;
    request.put(b" HTTP/1.1\r\nHost: ")?;
    request.put(b"device.local:1740")?;
    request.put(
        b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
    )?;
    request.put(&key)?;
    request.put(b"\r\n\r\n")?;
    let n = request.len;
    rig::send(&buffers.tx[..n]);
    let accept = accept_key(&key);
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut buffers.rx[filled..]);
        filled += n;
        match by_hand::response(&buffers.rx[..filled], &accept).ok()? {
            Some(len) => {
                buffers.rx.copy_within(len..filled, 0);
                return Some(filled - len);
            }
            None if n == 0 => return None,
            None => {}
        }
    }
}

fn accept_key(key: &[u8; 24]) -> [u8; 28] {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key);
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let mut accept = [0; 28];
    _ = Base64::encode(&sha1.digest().bytes(), &mut accept);
    accept
}

struct Text<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }
}

fn run(buffers: &mut Buffers, mut filled: usize, masks: bool) {
    let Buffers { rx, tx, .. } = buffers;
    let mut decoder = WebsocketFrameDecoder::new();
    let mut encoder = WebsocketFrameEncoder::new();
    rig::state(&(decoder, encoder));
    let mut queued = 0;
    loop {
        let mut start = 0;
        loop {
            let bytes = &mut rx[start..filled];
            let Ok(result) = decoder.add_data(bytes) else { return };
            if result.event.is_none() && result.consumed_bytes == 0 {
                break;
            }
            start += result.consumed_bytes;
            match result.event {
                Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                    if !frame_info.is_reasonable() {
                        return;
                    }
                    let opcode = match frame_info.opcode {
                        Opcode::Ping => Opcode::Pong,
                        opcode => opcode,
                    };
                    let mask = masks.then(|| {
                        let mut key = [0; 4];
                        rig::random(&mut key);
                        key
                    });
                    let header = encoder.start_frame(&FrameInfo { opcode, mask, ..frame_info });
                    tx[..header.len()].copy_from_slice(&header);
                    queued = header.len();
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                    let payload = &bytes[..result.consumed_bytes];
                    let Some(room) = tx.get_mut(queued..queued + payload.len()) else { return };
                    room.copy_from_slice(payload);
                    encoder.transform_frame_payload(room);
                    queued += payload.len();
                }
                Some(WebsocketFrameEvent::End { frame_info, .. }) => {
                    if frame_info.opcode != Opcode::Pong {
                        rig::send(&tx[..queued]);
                    }
                    if frame_info.opcode == Opcode::ConnectionClose {
                        return;
                    }
                }
                None => {}
            }
        }
        filled = rig::receive(&mut rx[..]);
        if filled == 0 {
            return;
        }
    }
}
