//! The page to try the server with.

/// One body, made of a file for each concept: a page that comes whole or not at all.
pub(super) const TEXT: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n",
    "<title>microws echo</title>\n<style>\n",
    include_str!("page/page.css"),
    "</style>\n\n",
    include_str!("page/page.html"),
    "\n<script>\n",
    include_str!("page/start.js"),
    include_str!("page/close.js"),
    include_str!("page/faults.js"),
    include_str!("page/plot.js"),
    include_str!("page/load.js"),
    include_str!("page/page.js"),
    include_str!("page/picture.js"),
    "\n$('url').textContent = address(location.search);\nconnect();\n</script>\n</html>\n",
);

pub(super) const FIELDS: &[(&str, &str)] = &[
    ("Content-Type", "text/html; charset=utf-8"),
    // The page runs its own script and style and connects back; nothing else.
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src ws: wss:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    // A browser gives a page that shares its process with no other a clock of 5 microseconds instead of 100.
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
];
