//! soketto: the server of its documents, answering until the client closes.

use soketto::handshake::{self, server::Response};
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::{Outcome, Peer, Stream};

/// With permessage-deflate where its feature is on, or without.
pub(super) struct Server<const DEFLATE: bool>;

impl<const DEFLATE: bool> Peer for Server<DEFLATE> {
    async fn serve(stream: impl Stream) -> Outcome {
        let mut server = handshake::Server::new(stream.compat());
        #[cfg(feature = "soketto-deflate")]
        if DEFLATE {
            server.add_extension(Box::new(soketto::extension::deflate::Deflate::new(soketto::Mode::Server)));
        }
        let key = server.receive_request().await?.key();
        server.send_response(&Response::Accept { key, protocol: None }).await?;
        let (mut sender, mut receiver) = server.into_builder().finish();
        let mut message = Vec::new();
        loop {
            message.clear();
            if receiver.receive_data(&mut message).await?.is_text() {
                sender.send_text(std::str::from_utf8(&message)?).await?;
            } else {
                sender.send_binary(&message).await?;
            }
            sender.flush().await?;
        }
    }
}
