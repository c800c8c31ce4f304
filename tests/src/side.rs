//! The two ends of a connection, so that one test serves both roles.

use microws::{Client, Connection, Role, Server};

use crate::frames::{Frame, frame, frames};

/// The masking key of RFC 6455 section 5.7's examples; the peers of these tests use it.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The end that is tested; the peer is the other one.
pub trait Side {
    type Role: Role;

    /// A connection that has just been opened.
    fn open() -> Connection<Self::Role>;

    /// Whether what this end sends is masked.
    const MASKS: bool = <Self::Role as Role>::MASKS;

    /// The longest reply by itself: a control frame of 125 bytes.
    const LONGEST_REPLY: usize = if Self::MASKS { 131 } else { 127 };

    /// The key for frames that come from the peer.
    fn peer_key() -> Option<[u8; 4]> {
        if Self::MASKS { None } else { Some(KEY) }
    }

    /// A frame from the peer, masked if the peer is a client.
    fn incoming(b0: u8, payload: &[u8]) -> Vec<u8> {
        frame(b0, Self::peer_key(), payload)
    }

    /// Several frames from the peer.
    fn script(frames: &[(u8, &[u8])]) -> Vec<u8> {
        frames.iter().flat_map(|(b0, payload)| Self::incoming(*b0, payload)).collect()
    }

    /// What this end has sent, as first byte and payload of each frame.
    ///
    /// # Panics
    /// If a frame is masked by a server or not masked by a client.
    fn sent(output: &[u8]) -> Vec<(u8, Vec<u8>)> {
        frames(output)
            .into_iter()
            .map(|Frame { b0, key, payload }| {
                // "a client MUST mask all frames that it sends to the server", "A server MUST NOT
                // mask any frames that it sends to the client." (5.1)
                assert_eq!(key.is_some(), Self::MASKS);
                (b0, payload)
            })
            .collect()
    }
}

#[derive(Debug)]
pub struct ServerSide;

impl Side for ServerSide {
    type Role = Server;

    fn open() -> Connection<Server> {
        Connection::server()
    }
}

#[derive(Debug)]
pub struct ClientSide;

impl Side for ClientSide {
    type Role = Client<fn(&mut [u8])>;

    fn open() -> Connection<Self::Role> {
        Connection::client(|key| key.copy_from_slice(&[0xa5, 0x5a, 0x0f, 0xf0]))
    }
}
