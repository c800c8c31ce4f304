//! tokio-tungstenite: the loop of its `autobahn-server` example.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;

use super::Outcome;

pub(super) async fn serve(stream: TcpStream) -> Outcome {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = socket.next().await.transpose()? {
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
