//! The client of the stage over TLS: echoes for the suite's server, case by case, and has it write its reports.
//!
//! Core's client over its blocking adapter, over the stream of rustls.
//!
//! `autobahn_tls_client wss://127.0.0.1:9001 AGENT`; the file that CERT names in the environment is the server's certificate.

use std::error::Error;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use embedded_io_adapters::std::FromStd;
use microws::io::{Error as WsError, blocking::WebSocket};
use microws::{Buffer, Config, Event, SendError, Session};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Stream = StreamOwned<ClientConnection, TcpStream>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, agent] = arguments.as_slice() else {
        return Err("usage: autobahn_tls_client wss://HOST:PORT AGENT".into());
    };
    let authority = url.strip_prefix("wss://").ok_or("the URL does not begin with wss://")?;
    let server =
        Server { authority: authority.trim_end_matches('/').to_owned(), config: Arc::new(config()?) };

    let mut count = Vec::new();
    server.visit("/getCaseCount", Some(&mut count))?;
    let cases: usize = std::str::from_utf8(&count)?.parse()?;
    for case in 1..=cases {
        server
            .visit(&format!("/runCase?case={case}&agent={agent}"), None)
            .map_err(|error| format!("case {case} of {cases}: {error}"))?;
    }
    server.visit(&format!("/updateReports?agent={agent}"), None)?;
    println!("{cases} cases run");
    Ok(())
}

/// Trusts one certificate.
fn config() -> Result<ClientConfig> {
    let file = std::env::var_os("CERT").ok_or("CERT names no certificate")?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file)?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}

struct Server {
    authority: String,
    config: Arc<ClientConfig>,
}

impl Server {
    fn dial(&self) -> Result<Stream> {
        let (host, _) = self.authority.rsplit_once(':').ok_or("the URL names no port")?;
        let tcp = TcpStream::connect(&self.authority)?;
        // Frames are written as a whole: waiting for more of them gains nothing.
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(host.to_owned())?;
        Ok(StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), name)?, tcp))
    }

    /// One connection: collects the payload into `answer`, or else echoes it, until the connection ends.
    fn visit(&self, target: &str, mut answer: Option<&mut Vec<u8>>) -> Result<()> {
        let stream = FromStd::new(self.dial()?);
        let (mut rx, mut tx) = (vec![0; 65_536], vec![0; 65_536]);
        let (Some(rx), Some(tx)) = (Buffer::from_slice(&mut rx), Buffer::from_slice(&mut tx)) else {
            return Err("buffers too small".into());
        };
        let config = Config::new().request(&self.authority, target);
        let mut socket = WebSocket::new(stream, rx, tx, Session::client(&config, fastrand::fill))
            .half_close(|stream| half_close(stream.inner_mut()));
        socket.open()?;
        loop {
            let sent = match socket.recv() {
                Ok(Some((Event::Chunk(c), reply))) => match &mut answer {
                    Some(answer) => {
                        answer.extend_from_slice(c.payload);
                        Ok(())
                    }
                    None => reply.send_fragment(c.kind, c.payload, c.fin),
                },
                Ok(Some(_)) => Ok(()),
                // Many cases end with an error; the suite decides whether that is right.
                Ok(None) | Err(WsError::End(_) | WsError::Io(_)) => return Ok(()),
                Err(error) => Err(error),
            };
            match sent {
                // After our close frame messages may come, but not go.
                Ok(()) | Err(WsError::Send(SendError::Closed)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Ends our direction; the server's is still read. A server that is gone already is found out by reading.
fn half_close(stream: &mut Stream) {
    stream.conn.send_close_notify();
    while stream.conn.wants_write() && stream.conn.write_tls(&mut stream.sock).is_ok() {}
    let _ = stream.sock.shutdown(Shutdown::Write);
}
