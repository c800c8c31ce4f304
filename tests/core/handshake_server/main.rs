//! The server's side of the opening handshake, RFC 6455 sections 4.2.1 and 4.2.2.

mod heads;
mod request;
mod responses;
mod subprotocols;

use microws::HandshakeError;
use microws_tests::handshake::{Exchange, Outcome};

const LINES: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// The first line of an answer, by its status. In the small form no reason phrase is sent.
const STATUS_LINES: [(u16, &str); 13] = [
    (200, "HTTP/1.1 200 OK\r\n"),
    (400, "HTTP/1.1 400 Bad Request\r\n"),
    (401, "HTTP/1.1 401 Unauthorized\r\n"),
    (403, "HTTP/1.1 403 Forbidden\r\n"),
    (404, "HTTP/1.1 404 Not Found\r\n"),
    (405, "HTTP/1.1 405 Method Not Allowed\r\n"),
    (408, "HTTP/1.1 408 Request Timeout\r\n"),
    (414, "HTTP/1.1 414 URI Too Long\r\n"),
    (426, "HTTP/1.1 426 Upgrade Required\r\n"),
    (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
    (503, "HTTP/1.1 503 Service Unavailable\r\n"),
    (505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"),
    (299, "HTTP/1.1 299 \r\n"),
];

fn status_line(status: u16) -> String {
    let (_, line) = STATUS_LINES.into_iter().find(|(of, _)| *of == status).unwrap();
    if cfg!(feature = "compact") { format!("HTTP/1.1 {status} \r\n") } else { line.to_owned() }
}

/// The request with the line that begins as `line` does up to its colon or first blank replaced;
/// added if there is none; left out if `line` ends there.
fn with(line: &str) -> String {
    let end = line.find([':', ' ']).map_or(line.len(), |at| at + 1);
    let mut lines: Vec<String> = LINES.map(str::to_owned).to_vec();
    let name = line[..end].to_ascii_lowercase();
    match lines.iter().position(|own| own.to_ascii_lowercase().starts_with(&name)) {
        Some(at) if line.len() == end => drop(lines.remove(at)),
        Some(at) => line.clone_into(&mut lines[at]),
        None => lines.push(line.to_owned()),
    }
    lines.join("\r\n") + "\r\n\r\n"
}

/// The request with lines added at its end.
fn and(more: &str) -> String {
    LINES.join("\r\n") + "\r\n" + more + "\r\n\r\n"
}

fn serve(request: &str) -> Outcome {
    Exchange::default().serve(&["chat", "echo-protocol"], request.as_bytes())
}

fn accepted(request: &str) -> Option<String> {
    let outcome = serve(request);
    assert!(outcome.text().starts_with("HTTP/1.1 101 "), "{request}\n{outcome:?}");
    outcome.verdict.unwrap_or_else(|error| panic!("{request}\n{error}"))
}

fn refused(request: &str, error: HandshakeError, status: u16) -> Outcome {
    let outcome = serve(request);
    assert_eq!(outcome.verdict, Err(error), "{request}");
    assert!(outcome.text().starts_with(&status_line(status)), "{request}\n{}", outcome.text());
    assert!(outcome.text().contains("\r\nConnection: close"), "{request}\n{}", outcome.text());
    outcome
}
