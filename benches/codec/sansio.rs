//! Echo by the libraries that work on slices. Each run copies what was received into the library's own
//! buffer, as every receive does, and leaves the echoes in one.

use std::rc::Rc;

use edge_ws::FrameHeader;
use embedded_websocket::{WebSocketReceiveMessageType, WebSocketSendMessageType, WebSocketServer};
use microws::{Buffer, Chunk, Connection, Event, SendError, Server, Step};
use soketto::{
    Parsing,
    base::{Codec, Header},
};
use websocket_sans_io::{WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent};
use ws_framer::{WsRxFramer, WsTxFramer};

use crate::{Echo, Sink};

/// The floor: the bytes received, copied once.
pub(crate) fn memcpy(input: Rc<[u8]>) -> Echo {
    let mut buffer = vec![0; input.len()];
    Box::new(move |sink| {
        buffer.copy_from_slice(&input);
        sink.take(&buffer);
    })
}

/// From this length on a payload is sent from where it was received, as the host does.
const LARGE: usize = 16 * 1024;

pub(crate) fn microws(input: Rc<[u8]>) -> Echo {
    // Room for one more reply than is needed, as receiving asks for.
    let capacity = input.len() + 256;
    let (mut received, mut replies) = (vec![0; capacity], vec![0; capacity]);
    let mut connection = Connection::server();
    Box::new(move |sink| {
        let mut rx = Buffer::from_slice(&mut received).expect("large enough");
        let mut tx = Buffer::from_slice(&mut replies).expect("large enough");
        rx.spare()[..input.len()].copy_from_slice(&input);
        rx.commit(input.len());
        loop {
            while let Some(chunk) = connection.receive_whole(&mut rx, &tx) {
                echo(&mut connection, &mut tx, chunk, sink);
            }
            match connection.receive(&mut rx, &mut tx) {
                Step::Event(Event::Chunk(chunk)) => echo(&mut connection, &mut tx, chunk, sink),
                Step::Write => flush(&mut tx, sink),
                Step::Read => return flush(&mut tx, sink),
                other => panic!("{other:?}"),
            }
        }
    })
}

#[inline(always)]
fn echo(connection: &mut Connection<Server>, tx: &mut Buffer<'_>, chunk: Chunk<'_>, sink: &mut Sink) {
    if chunk.payload.len() < LARGE {
        while let Err(error) = connection.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin) {
            assert_eq!(error, SendError::BufferFull);
            flush(tx, sink);
        }
    } else {
        flush(tx, sink);
        connection.send_header(tx, chunk.kind, chunk.payload.len(), chunk.fin).expect("room for a header");
        flush(tx, sink);
        sink.take(chunk.payload);
    }
}

fn flush(tx: &mut Buffer<'_>, sink: &mut Sink) {
    sink.take(tx.filled());
    tx.consume(tx.len());
}

pub(crate) fn edge_ws(input: Rc<[u8]>) -> Echo {
    let (mut rx, mut tx) = (vec![0; input.len()], vec![0; input.len()]);
    Box::new(move |sink| {
        rx.copy_from_slice(&input);
        let (mut rest, mut sent) = (&mut rx[..], 0);
        while !rest.is_empty() {
            let (mut header, size) = FrameHeader::deserialize(rest).expect("a valid header");
            let (payload, after) = rest[size..].split_at_mut(header.payload_len as usize);
            rest = after;
            header.mask(payload, 0);
            header.mask_key = None;
            sent += header.serialize(&mut tx[sent..]).expect("room");
            tx[sent..][..payload.len()].copy_from_slice(payload);
            sent += payload.len();
        }
        sink.take(&tx[..sent]);
    })
}

pub(crate) fn embedded_websocket(input: Rc<[u8]>) -> Echo {
    let capacity = input.len() + 14;
    let (mut rx, mut payload, mut tx) = (vec![0; capacity], vec![0; capacity], vec![0; capacity]);
    let mut socket = WebSocketServer::new_server();
    let key = "dGhlIHNhbXBsZSBub25jZQ==".into();
    socket.server_accept(&key, None, &mut vec![0; 1024]).expect("room");
    Box::new(move |sink| {
        rx[..input.len()].copy_from_slice(&input);
        let (mut read, mut sent) = (0, 0);
        while read < input.len() {
            let result = socket.read(&rx[read..input.len()], &mut payload).expect("a valid frame");
            read += result.len_from;
            let kind = match result.message_type {
                WebSocketReceiveMessageType::Text => WebSocketSendMessageType::Text,
                _ => WebSocketSendMessageType::Binary,
            };
            let message = &payload[..result.len_to];
            sent += socket.write(kind, result.end_of_message, message, &mut tx[sent..]).expect("room");
        }
        sink.take(&tx[..sent]);
    })
}

pub(crate) fn websocket_sans_io(input: Rc<[u8]>) -> Echo {
    let (mut rx, mut tx) = (vec![0; input.len()], vec![0; input.len()]);
    let (mut decoder, mut encoder) = (WebsocketFrameDecoder::new(), WebsocketFrameEncoder::new());
    Box::new(move |sink| {
        rx.copy_from_slice(&input);
        let (mut read, mut sent) = (0, 0);
        loop {
            let result = decoder.add_data(&mut rx[read..]).expect("infallible");
            match result.event {
                Some(WebsocketFrameEvent::Start { mut frame_info, .. }) => {
                    frame_info.mask = None;
                    let header = encoder.start_frame(&frame_info);
                    tx[sent..][..header.len()].copy_from_slice(&header);
                    sent += header.len();
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                    let chunk = &rx[read..][..result.consumed_bytes];
                    tx[sent..][..chunk.len()].copy_from_slice(chunk);
                    sent += chunk.len();
                }
                Some(WebsocketFrameEvent::End { .. }) => {}
                None if result.consumed_bytes == 0 => break,
                None => {}
            }
            read += result.consumed_bytes;
        }
        sink.take(&tx[..sent]);
    })
}

/// It moves the bytes after each frame to the front of its buffer: a small one serves it better.
pub(crate) fn ws_framer(input: Rc<[u8]>) -> Echo {
    let capacity = if input.len() > 128 * 1024 { input.len() } else { 32 * 1024 };
    let (mut received, mut reply) = (vec![0; capacity], vec![0; capacity]);
    Box::new(move |sink| {
        let mut rx = WsRxFramer::new(&mut received);
        let mut tx = WsTxFramer::new(false, &mut reply);
        let mut rest = &input[..];
        while !rest.is_empty() {
            let room = rx.read_buf();
            // What a receive gives at once, unless a frame is larger.
            let len = rest.len().min(room.len()).min(if capacity > 32 * 1024 { capacity } else { 4096 });
            room[..len].copy_from_slice(&rest[..len]);
            rx.advance(len);
            rest = &rest[len..];
            while let Some(frame) = rx.next_frame() {
                sink.take(tx.frame(frame.expect("a valid frame")).expect("room"));
            }
        }
    })
}

pub(crate) fn soketto(input: Rc<[u8]>) -> Echo {
    let (mut rx, mut tx) = (vec![0; input.len()], vec![0; input.len()]);
    let mut codec = Codec::new();
    Box::new(move |sink| {
        rx.copy_from_slice(&input);
        let (mut rest, mut sent) = (&mut rx[..], 0);
        while !rest.is_empty() {
            let Ok(Parsing::Done { value: header, offset }) = codec.decode_header(rest) else {
                panic!("no valid header")
            };
            let (payload, after) = rest[offset..].split_at_mut(header.payload_len());
            rest = after;
            Codec::apply_mask(&header, payload);
            let mut reply = Header::new(header.opcode());
            reply.set_fin(header.is_fin()).set_payload_len(payload.len());
            let head = codec.encode_header(&reply);
            tx[sent..][..head.len()].copy_from_slice(head);
            sent += head.len();
            tx[sent..][..payload.len()].copy_from_slice(payload);
            sent += payload.len();
        }
        sink.take(&tx[..sent]);
    })
}
