//! ws-framer frames and makes a client's handshake; a server's is by hand, out of httparse.

#[path = "by_hand.rs"]
#[allow(dead_code)]
mod by_hand;

use ws_framer::{Header, WsFrame, WsRxFramer, WsTxFramer, process_sec_websocket_key};

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    run(&mut WsRxFramer::new(&mut buffers.rx[..]), &mut WsTxFramer::new(false, &mut buffers.tx[..]));
}

pub fn server(buffers: &mut Buffers) {
    let mut tx = WsTxFramer::new(false, &mut buffers.tx[..]);
    if accept(&mut buffers.rx[..], &mut tx).is_some() {
        run(&mut WsRxFramer::new(&mut buffers.rx[..]), &mut tx);
    }
}

pub fn client(buffers: &mut Buffers) {
    let mut tx = WsTxFramer::new(true, &mut buffers.tx[..]);
    let mut rx = WsRxFramer::new(&mut buffers.rx[..]);
    if connect(&mut rx, &mut tx).is_some() {
        run(&mut rx, &mut tx);
    }
}

#[inline(never)]
fn accept(rx: &mut [u8], tx: &mut WsTxFramer<'_>) -> Option<()> {
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut rx[filled..]);
        filled += n;
        match by_hand::request(&rx[..filled]).ok()? {
            Some((_, key)) => {
                let accept = process_sec_websocket_key(core::str::from_utf8(&key).ok()?)?;
                let headers = [
                    Header { name: "Upgrade", value: b"websocket" },
                    Header { name: "Connection", value: b"Upgrade" },
                    Header { name: "Sec-WebSocket-Accept", value: &accept },
                ];
                rig::send(tx.http_response(101, "Switching Protocols", &headers)?);
                return Some(());
            }
            None if n == 0 => return None,
            None => {}
        }
    }
}

#[inline(never)]
fn connect(rx: &mut WsRxFramer<'_>, tx: &mut WsTxFramer<'_>) -> Option<()> {
    rig::send(tx.http_upgrade_request("device.local:1740", "/chat?room=7", &[])?);
    loop {
        let n = rig::receive(rx.read_buf());
        rx.advance(n);
        match rx.http_response() {
            Some(Ok(response)) => return response.is_websocket_accepted(&tx.accept_key()).then_some(()),
            Some(Err(_)) => return None,
            None if n == 0 => return None,
            None => {}
        }
    }
}

fn run(rx: &mut WsRxFramer<'_>, tx: &mut WsTxFramer<'_>) {
    rig::state(&(WsRxFramer::new(&mut []), WsTxFramer::new(false, &mut [])));
    loop {
        let n = rig::receive(rx.read_buf());
        if n == 0 {
            return;
        }
        rx.advance(n);
        while let Some(frame) = rx.next_frame() {
            let Ok(frame) = frame else { return };
            let closes = matches!(frame, WsFrame::Close(..));
            let answer = match frame {
                WsFrame::Ping(payload) => WsFrame::Pong(payload),
                WsFrame::Pong(_) => continue,
                frame => frame,
            };
            let Some(bytes) = tx.frame(answer) else { return };
            rig::send(bytes);
            if closes {
                return;
            }
        }
    }
}
