//! tokio-websockets: its `echo_server` example.

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, task};
use tokio_websockets::{Config, Limits, ServerBuilder};

use super::Outcome;

pub(super) async fn serve(stream: TcpStream) -> Outcome {
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
