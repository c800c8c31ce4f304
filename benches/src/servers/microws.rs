//! microws's own server, in this process: for counting its allocations.

use microws_host::{Config, Server};

use super::Outcome;

pub(super) fn serve() -> Outcome {
    let server = Server::bind(Config { listen: vec![super::ANY_PORT.into()], ..Config::default() })?;
    for address in server.addresses() {
        super::say(address)?;
    }
    server.run()?;
    Ok(())
}
