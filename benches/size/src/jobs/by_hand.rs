//! The handshake for crates that have none, out of httparse.

/// The value of the field `name`.
fn field<'h>(headers: &[httparse::Header<'h>], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

fn lists(value: Option<&[u8]>, token: &[u8]) -> bool {
    value.is_some_and(|value| {
        value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
    })
}

/// The key of a request that asks for an upgrade, and where the request ends; `Ok(None)` if it is not all there.
#[inline(never)]
pub fn request(bytes: &[u8]) -> Result<Option<(usize, [u8; 24])>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(len) = request.parse(bytes).map_err(|_| ())? else { return Ok(None) };
    let headers = &request.headers[..];
    let upgrades = request.method == Some("GET")
        && lists(field(headers, "Upgrade"), b"websocket")
        && lists(field(headers, "Connection"), b"upgrade")
        && field(headers, "Sec-WebSocket-Version") == Some(b"13");
    let key = field(headers, "Sec-WebSocket-Key").and_then(|key| <[u8; 24]>::try_from(key).ok());
    match key {
        Some(key) if upgrades => Ok(Some((len, key))),
        _ => Err(()),
    }
}

/// Where an answer ends that accepts the upgrade; `Ok(None)` if it is not all there.
#[inline(never)]
pub fn response(bytes: &[u8], accept: &[u8]) -> Result<Option<usize>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(len) = response.parse(bytes).map_err(|_| ())? else { return Ok(None) };
    let headers = &response.headers[..];
    let upgrades = response.code == Some(101)
        && lists(field(headers, "Upgrade"), b"websocket")
        && lists(field(headers, "Connection"), b"upgrade")
        && field(headers, "Sec-WebSocket-Accept") == Some(accept);
    if upgrades { Ok(Some(len)) } else { Err(()) }
}
