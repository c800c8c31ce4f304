//! tokio-tungstenite: the loop of its `autobahn-server` example.

use futures_util::{SinkExt, StreamExt};

use super::{Outcome, Peer, Stream};

pub(super) struct Server;

impl Peer for Server {
    async fn serve(stream: impl Stream) -> Outcome {
        let mut socket = tokio_tungstenite::accept_async(stream).await?;
        while let Some(message) = socket.next().await.transpose()? {
            if message.is_text() || message.is_binary() {
                socket.send(message).await?;
            }
        }
        Ok(())
    }
}
