//! The page to try the server with.

use std::sync::LazyLock;

/// The page comes whole or not at all: one body, made of a file for each concept.
const BEGINNING: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n",
    "<title>microws echo</title>\n<style>\n",
    include_str!("page/page.css"),
    "</style>\n\n",
    include_str!("page/page.html"),
);
const FAULTS: &str = concat!(include_str!("page/faults.html"), "</main>\n\n");
const SCRIPT: &str = concat!(
    "<script>\n",
    include_str!("page/start.js"),
    include_str!("page/close.js"),
    include_str!("page/faults.js"),
    include_str!("page/plot.js"),
    include_str!("page/load.js"),
    include_str!("page/page.js"),
    include_str!("page/picture.js"),
);
const END: &str = "\n$('url').textContent = address(location.search);\nconnect();\n</script>\n</html>\n";

/// The part that needs a client script of Socket.IO, and the script.
const SOCKETIO: &str = include_str!("page/socketio.html");
const SOCKETIO_CLIENT: &str = "<script src=\"/socket.io/socket.io.js\"></script>\n";
const SOCKETIO_SCRIPT: &str = include_str!("page/socketio.js");

static PLAIN: LazyLock<String> = LazyLock::new(|| [BEGINNING, FAULTS, SCRIPT, END].concat());
static WITH_SOCKETIO: LazyLock<String> =
    LazyLock::new(|| [BEGINNING, SOCKETIO, FAULTS, SOCKETIO_CLIENT, SCRIPT, SOCKETIO_SCRIPT, END].concat());

/// The page, with a part for Socket.IO if there is a client script.
pub(super) fn text(has_client: bool) -> &'static str {
    if has_client { &WITH_SOCKETIO } else { &PLAIN }
}

/// The header fields of that.
pub(super) const fn fields(has_client: bool) -> &'static [(&'static str, &'static str)] {
    if has_client { FIELDS_WITH_SOCKETIO } else { FIELDS }
}

/// The page runs its own script and style and connects back; nothing else.
macro_rules! fields {
    ($script:literal, $connect:literal) => {
        &[
            ("Content-Type", "text/html; charset=utf-8"),
            (
                "Content-Security-Policy",
                concat!(
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
                    $script,
                    "; connect-src ws: wss:",
                    $connect,
                    "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                ),
            ),
            // A browser gives a page that shares its process with no other a clock of 5 microseconds instead of 100.
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Embedder-Policy", "require-corp"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
    };
}

const FIELDS: &[(&str, &str)] = fields!("", "");
/// With the client script, and polling.
const FIELDS_WITH_SOCKETIO: &[(&str, &str)] = fields!(" 'self'", " 'self'");
