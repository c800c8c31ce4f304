//! edge-http: it answers the request, then gives the stream back.

use edge_http::io::Error;
use edge_http::io::server::Connection;
use edge_http::ws::MAX_BASE64_KEY_RESPONSE_LEN;
use embedded_io_async::{Read, Write};

/// Answers one request, and echoes if it is an upgrade.
///
/// # Errors
/// The stream's or the request's.
pub async fn serve<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
    let mut head = [0; 1024];
    let mut connection: Connection<'_, S, 32> = Connection::new(&mut head, stream).await?;
    if !connection.is_ws_upgrade_request()? {
        connection.initiate_response(426, None, &[("Upgrade", "websocket"), ("Content-Length", "0")]).await?;
        return connection.complete().await;
    }
    let mut accept = [0; MAX_BASE64_KEY_RESPONSE_LEN];
    connection.initiate_ws_upgrade_response(&mut accept).await?;
    // A client sends nothing before this response has come (RFC 6455 section 4.1), so nothing was read too much.
    match crate::echo(connection.unbind()?).await {
        Err(microws::io::Error::Io(error)) => Err(Error::Io(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
