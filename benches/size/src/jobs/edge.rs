//! edge-ws frames, which keep no state, and edge-http for the handshake.

use core::convert::Infallible;

use edge_http::ws::{MAX_BASE64_KEY_LEN, MAX_BASE64_KEY_RESPONSE_LEN, NONCE_LEN};
use edge_http::{ConnectionType, Method, RequestHeaders, ResponseHeaders};
use edge_ws::{Error, FrameHeader, FrameType};
use embassy_futures::block_on;
use embedded_io_async::{ErrorType, Read, Write};

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    run(buffers, false);
}

pub fn server(buffers: &mut Buffers) {
    if accept(buffers).is_some() {
        run(buffers, false);
    }
}

pub fn client(buffers: &mut Buffers) {
    if connect(buffers).is_some() {
        run(buffers, true);
    }
}

pub fn mask(key: [u8; 4], payload: &mut [u8]) {
    FrameHeader::mask_with(payload, Some(u32::from_be_bytes(key)), 0);
}

#[inline(never)]
fn accept(buffers: &mut Buffers) -> Option<()> {
    let mut wire = Wire(0);
    let mut request = RequestHeaders::<16>::new();
    block_on(request.receive(&mut buffers.rx[..], &mut wire, true)).ok()?;
    if !request.is_ws_upgrade_request() {
        return None;
    }
    let mut key = [0; MAX_BASE64_KEY_RESPONSE_LEN];
    let mut response = ResponseHeaders::<4>::new();
    response.code = 101;
    response.reason = Some("Switching Protocols");
    response.headers.set_ws_upgrade_response_headers(request.headers.iter(), None, &mut key).ok()?;
    block_on(response.send(ConnectionType::Upgrade, false, &mut wire)).ok()?;
    Some(())
}

#[inline(never)]
fn connect(buffers: &mut Buffers) -> Option<()> {
    let mut wire = Wire(0);
    let mut nonce = [0; NONCE_LEN];
    rig::random(&mut nonce);
    let mut key = [0; MAX_BASE64_KEY_LEN];
    let mut request = RequestHeaders::<7>::new();
    request.method = Method::Get;
    request.path = "/chat?room=7";
    request.headers.set_ws_upgrade_request_headers(Some("device.local:1740"), None, None, &nonce, &mut key);
    block_on(request.send(false, &mut wire)).ok()?;
    let mut response = ResponseHeaders::<16>::new();
    block_on(response.receive(&mut buffers.rx[..], &mut wire, true)).ok()?;
    let mut accept = [0; MAX_BASE64_KEY_RESPONSE_LEN];
    response.is_ws_upgrade_accepted(&nonce, &mut accept).then_some(())
}

fn run(buffers: &mut Buffers, masks: bool) {
    rig::state(&());
    let Buffers { rx, tx, .. } = buffers;
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut rx[filled..]);
        if n == 0 {
            return;
        }
        filled += n;
        let mut start = 0;
        loop {
            let (header, size) = match FrameHeader::deserialize(&rx[start..filled]) {
                Ok(header) => header,
                Err(Error::Incomplete(_)) => break,
                Err(_) => return,
            };
            let len = header.payload_len as usize;
            let Some(payload) = rx[..filled].get_mut(start + size..start + size + len) else { break };
            header.mask(payload, 0);
            start += size + len;
            let frame_type = match header.frame_type {
                FrameType::Ping => FrameType::Pong,
                FrameType::Pong => continue,
                frame_type => frame_type,
            };
            let mask_key = masks.then(|| {
                let mut key = [0; 4];
                rig::random(&mut key);
                u32::from_be_bytes(key)
            });
            let answer = FrameHeader { frame_type, payload_len: header.payload_len, mask_key };
            let Ok(size) = answer.serialize(&mut tx[..]) else { return };
            let Some(body) = tx.get_mut(size..size + len) else { return };
            body.copy_from_slice(payload);
            answer.mask(body, 0);
            rig::send(&tx[..size + len]);
            if matches!(frame_type, FrameType::Close) {
                return;
            }
        }
        rx.copy_within(start..filled, 0);
        filled -= start;
    }
}

/// The wire while the handshake lasts.
struct Wire(usize);

impl ErrorType for Wire {
    type Error = Infallible;
}

impl Read for Wire {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        Ok(rig::receive_head(to, &mut self.0))
    }
}

impl Write for Wire {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        rig::send(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
