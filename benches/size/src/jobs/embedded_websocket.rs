use embedded_websocket::{
    Error, WebSocket, WebSocketClient, WebSocketOptions, WebSocketReceiveMessageType,
    WebSocketSendMessageType, WebSocketServer, WebSocketState, WebSocketType, read_http_header,
};
use rand_core::RngCore;

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    let mut ws: WebSocketServer = WebSocketServer::new_server();
    ws.state = WebSocketState::Open;
    run(&mut ws, buffers, 0);
}

pub fn server(buffers: &mut Buffers) {
    let mut ws: WebSocketServer = WebSocketServer::new_server();
    if let Some(rest) = accept(&mut ws, buffers) {
        run(&mut ws, buffers, rest);
    }
}

pub fn client(buffers: &mut Buffers) {
    let mut ws: WebSocketClient<Random> = WebSocketClient::new_client(Random);
    if let Some(rest) = connect(&mut ws, buffers) {
        run(&mut ws, buffers, rest);
    }
}

#[inline(never)]
fn accept(ws: &mut WebSocketServer, buffers: &mut Buffers) -> Option<usize> {
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut buffers.rx[filled..]);
        filled += n;
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&buffers.rx[..filled]).ok()? {
            httparse::Status::Complete(len) => {
                let fields = request.headers.iter().map(|field| (field.name, field.value));
                let context = read_http_header(fields).ok()??;
                let n = ws.server_accept(&context.sec_websocket_key, None, &mut buffers.tx[..]).ok()?;
                rig::send(&buffers.tx[..n]);
                buffers.rx.copy_within(len..filled, 0);
                return Some(filled - len);
            }
            httparse::Status::Partial if n > 0 => {}
            httparse::Status::Partial => return None,
        }
    }
}

#[inline(never)]
fn connect(ws: &mut WebSocketClient<Random>, buffers: &mut Buffers) -> Option<usize> {
    let options = WebSocketOptions {
        path: "/chat?room=7",
        host: "device.local:1740",
        origin: "http://device.local:1740",
        sub_protocols: None,
        additional_headers: None,
    };
    let (n, key) = ws.client_connect(&options, &mut buffers.tx[..]).ok()?;
    rig::send(&buffers.tx[..n]);
    let mut filled = 0;
    loop {
        let n = rig::receive(&mut buffers.rx[filled..]);
        filled += n;
        match ws.client_accept(&key, &buffers.rx[..filled]) {
            Ok((len, _)) => {
                buffers.rx.copy_within(len..filled, 0);
                return Some(filled - len);
            }
            Err(Error::HttpHeaderIncomplete) if n > 0 => {}
            Err(_) => return None,
        }
    }
}

fn run<T: RngCore, S: WebSocketType>(ws: &mut WebSocket<T, S>, buffers: &mut Buffers, mut filled: usize) {
    rig::state(ws);
    let Buffers { rx, tx, message } = buffers;
    loop {
        let n = rig::receive(&mut rx[filled..]);
        if n == 0 {
            return;
        }
        filled += n;
        let mut start = 0;
        loop {
            let result = match ws.read(&rx[start..filled], &mut message[..]) {
                Ok(result) => result,
                Err(Error::ReadFrameIncomplete) => break,
                Err(_) => return,
            };
            start += result.len_from;
            let answer = match result.message_type {
                WebSocketReceiveMessageType::Text => WebSocketSendMessageType::Text,
                WebSocketReceiveMessageType::Binary => WebSocketSendMessageType::Binary,
                WebSocketReceiveMessageType::Ping => WebSocketSendMessageType::Pong,
                WebSocketReceiveMessageType::CloseMustReply => WebSocketSendMessageType::CloseReply,
                WebSocketReceiveMessageType::CloseCompleted => return,
                WebSocketReceiveMessageType::Pong => continue,
            };
            // Its pong ends a message under way unless it is told so; a pong is always whole.
            let end = result.end_of_message || matches!(answer, WebSocketSendMessageType::Pong);
            let Ok(n) = ws.write(answer, end, &message[..result.len_to], &mut tx[..]) else { return };
            rig::send(&tx[..n]);
            if matches!(answer, WebSocketSendMessageType::CloseReply) {
                return;
            }
        }
        rx.copy_within(start..filled, 0);
        filled -= start;
    }
}

struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        rig::random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        self.next_u32().into()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rig::random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        rig::random(bytes);
        Ok(())
    }
}
