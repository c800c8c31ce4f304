//! sockudo-ws: its `simple_echo` example.

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::{
    Config, Message, WebSocketStream,
    handshake::{build_response, generate_accept_key, parse_request},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Outcome, Peer, Stream};

pub(in super::super) struct Server;

impl Peer for Server {
    const TIMERS: bool = true;

    async fn serve(mut stream: impl Stream) -> Outcome {
        let mut head = Vec::with_capacity(4096);
        loop {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
            if let Some((request, _)) = parse_request(&head)? {
                let response = build_response(&generate_accept_key(request.key), None, None);
                stream.write_all(&response).await?;
                break;
            }
        }
        let mut socket = WebSocketStream::server(stream, Config::default());
        while let Some(message) = socket.next().await.transpose()? {
            if matches!(message, Message::Text(_) | Message::Binary(_)) {
                socket.send(message).await?;
            }
        }
        Ok(())
    }
}
