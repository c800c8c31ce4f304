//! sockudo-ws: its `simple_echo` example, with the negotiation that its integration with axum has.

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::{
    CompressedWebSocketStream, Compression, Config, Message,
    deflate::negotiate_server_deflate,
    handshake::{build_response, generate_accept_key, parse_request},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Outcome, Peer, Stream};

/// With context takeover for what it sends, or without.
pub(super) struct Server<const TAKEOVER: bool>;

impl<const TAKEOVER: bool> Peer for Server<TAKEOVER> {
    const TIMERS: bool = true;

    async fn serve(mut stream: impl Stream) -> Outcome {
        let mut policy = Compression::Dedicated.to_deflate_config().ok_or("no compression")?;
        policy.server_no_context_takeover = !TAKEOVER;
        let mut head = Vec::with_capacity(4096);
        let agreed = loop {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
            let Some((request, _)) = parse_request(&head)? else { continue };
            let agreed = request
                .extensions
                .and_then(|offers| negotiate_server_deflate(offers, &policy))
                .ok_or("no permessage-deflate")?;
            let header = agreed.to_response_header();
            let response = build_response(&generate_accept_key(request.key), None, Some(&header));
            stream.write_all(&response).await?;
            break agreed.config;
        };
        let mut socket = CompressedWebSocketStream::server(stream, Config::default(), agreed);
        while let Some(message) = socket.next().await.transpose()? {
            if matches!(message, Message::Text(_) | Message::Binary(_)) {
                socket.send(message).await?;
            }
        }
        Ok(())
    }
}
