//! microws's own server, in this process: for counting its allocations.

use microws_host::{Certificate, Config, Server, Tls};

use super::{Arguments, Outcome};

pub(super) fn serve(arguments: &Arguments) -> Outcome {
    let mut config = Config::default();
    config.listen = vec![super::ANY_PORT.into()];
    if let (Some(chain), Some(key)) = (arguments.tls_cert.clone(), arguments.tls_key.clone()) {
        config.tls = Some(Tls::new(Certificate::Files { chain, key }));
    }
    let server = Server::bind(config)?;
    for address in server.addresses() {
        super::say(address)?;
    }
    server.run()?;
    Ok(())
}
