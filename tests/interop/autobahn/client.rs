//! The client of the stages: echoes for the suite's server, case by case, and has it write its reports.
//!
//! Core's client over its blocking adapter, over TCP or the stream of rustls.
//!
//! `autobahn_client ws://127.0.0.1:9001 AGENT`; with `wss` the file that CERT names in the environment is the server's
//! certificate.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use embedded_io_adapters::std::FromStd;
use microws::deflate::{Deflater, Inflater, MAX_RING_LEN, Params};
use microws::io::{Error as WsError, blocking::WebSocket};
use microws::{Buffer, Config, Event, SendError, Session};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, agent] = arguments.as_slice() else {
        return Err("usage: autobahn_client ws[s]://HOST:PORT AGENT".into());
    };
    let server = Server::new(url)?;

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

struct Server {
    authority: String,
    /// With `wss`.
    tls: Option<Arc<ClientConfig>>,
}

impl Server {
    fn new(url: &str) -> Result<Self> {
        let (scheme, authority) = url.split_once("://").ok_or("the URL has no scheme")?;
        let tls = match scheme {
            "ws" => None,
            "wss" => Some(Arc::new(trust()?)),
            _ => return Err("the URL begins neither with ws:// nor with wss://".into()),
        };
        Ok(Self { authority: authority.trim_end_matches('/').to_owned(), tls })
    }

    fn dial(&self) -> Result<Stream> {
        let tcp = TcpStream::connect(&self.authority)?;
        // Frames are written as a whole: waiting for more of them gains nothing.
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Stream::Plain(tcp)) };
        let (host, _) = self.authority.rsplit_once(':').ok_or("the URL names no port")?;
        let connection = ClientConnection::new(Arc::clone(tls), ServerName::try_from(host.to_owned())?)?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, tcp))))
    }

    /// One connection: collects the payload into `answer`, or else echoes it, until the connection ends.
    fn visit(&self, target: &str, mut answer: Option<&mut Vec<u8>>) -> Result<()> {
        let stream = FromStd::new(self.dial()?);
        let (mut rx, mut tx) = (vec![0; 65_536], vec![0; 65_536]);
        let (mut ring, mut inflater, mut table) = (vec![0; MAX_RING_LEN], Inflater::new(), vec![0; 8192]);
        let (Some(rx), Some(tx), Some(mut deflater)) =
            (Buffer::from_slice(&mut rx), Buffer::from_slice(&mut tx), Deflater::new(&mut table))
        else {
            return Err("buffers too small".into());
        };
        let rx = rx.inflating_slice(&mut inflater, &mut ring).ok_or("the ring is too small")?;
        // The ring serves this connection alone.
        let params = Params::new().keep_peers_context(true);
        let config = Config::new().request(&self.authority, target).deflate(params);
        let mut socket = WebSocket::new(stream, rx, tx, Session::client(&config, fastrand::fill))
            .half_close(|stream| stream.inner_mut().half_close());
        socket.open()?;
        // Where both compress, a message is compressed whole; otherwise it is sent back as it comes.
        let compresses = socket.session().agreed().is_some();
        let mut message = Vec::new();
        loop {
            let sent = match socket.recv() {
                Ok(Some((Event::Chunk(c), reply))) => match &mut answer {
                    Some(answer) => {
                        answer.extend_from_slice(c.payload);
                        Ok(())
                    }
                    None if compresses => {
                        message.extend_from_slice(c.payload);
                        if c.fin {
                            let whole = std::mem::take(&mut message);
                            reply.send_compressed(&mut deflater, c.kind, &whole)
                        } else {
                            Ok(())
                        }
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

/// Trusts one certificate.
fn trust() -> Result<ClientConfig> {
    let file = std::env::var_os("CERT").ok_or("CERT names no certificate")?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file)?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Ends our direction; the server's is still read. A server that is gone already is found out by reading.
    fn half_close(&mut self) {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => {
                tls.conn.send_close_notify();
                while tls.conn.wants_write() && tls.conn.write_tls(&mut tls.sock).is_ok() {}
                &mut tls.sock
            }
        };
        let _ = tcp.shutdown(Shutdown::Write);
    }
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(room),
            Self::Tls(tls) => tls.read(room),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
