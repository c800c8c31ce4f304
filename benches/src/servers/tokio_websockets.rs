//! tokio-websockets: its `echo_server` example.

use futures_util::{SinkExt, StreamExt};
use tokio::task;
use tokio_websockets::{Config, Limits, ServerBuilder};

use super::{Outcome, Peer, Stream};

pub(super) struct Server;

impl Peer for Server {
    async fn serve(stream: impl Stream) -> Outcome {
        task::unconstrained(async move {
            let (_request, mut socket) = ServerBuilder::new()
                .config(Config::default().frame_size(usize::MAX))
                .limits(Limits::unlimited())
                .accept(stream)
                .await?;
            while let Some(message) = socket.next().await.transpose()? {
                if message.is_text() || message.is_binary() {
                    socket.send(message).await?;
                }
            }
            Ok(())
        })
        .await
    }
}
