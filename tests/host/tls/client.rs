//! A client with TLS that a test controls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use microws_tests::frames::frame;
use microws_tests::process::{Echo, TIMEOUT};
use microws_tests::raw::{KEY, REQUEST};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

/// Trusts the certificate in `pem`; speaks these versions.
pub(crate) fn config(pem: &str, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(super::der(pem)).unwrap();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

pub(crate) struct Client {
    pub(crate) tcp: TcpStream,
    pub(crate) tls: ClientConnection,
    /// Bytes of each write to the stream, at most.
    pub(crate) cut: usize,
}

impl Client {
    /// Connected, without a byte of TLS yet.
    pub(crate) fn new(echo: &Echo, config: &Arc<ClientConfig>, name: &'static str) -> Self {
        let tcp = TcpStream::connect(echo.address()).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(TIMEOUT)).unwrap();
        let tls = ClientConnection::new(Arc::clone(config), ServerName::try_from(name).unwrap()).unwrap();
        Self { tcp, tls, cut: usize::MAX }
    }

    /// An open WebSocket.
    pub(crate) fn open(echo: &Echo, config: &Arc<ClientConfig>) -> Self {
        let mut client = Self::new(echo, config, "localhost");
        client.upgrade();
        client
    }

    pub(crate) fn upgrade(&mut self) {
        self.send(REQUEST).unwrap();
        let head = self.head().unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    /// Does the handshake, if that is still to do.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.flush()?;
            if self.tls.is_handshaking() {
                self.fill()?;
            }
        }
        self.flush()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.shake_hands()?;
        for part in bytes.chunks(16 * 1024) {
            self.tls.writer().write_all(part)?;
            self.flush()?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes)?;
        }
        bytes.chunks(self.cut).try_for_each(|part| self.tcp.write_all(part))
    }

    /// Takes in what comes next.
    fn fill(&mut self) -> io::Result<()> {
        if self.tls.read_tls(&mut self.tcp)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.tls.process_new_packets().map_err(io::Error::other)?;
        Ok(())
    }

    /// Some bytes; none at the end that the server has announced.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        self.shake_hands()?;
        let mut bytes = vec![0; 64 * 1024];
        loop {
            match self.tls.reader().read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.fill()?,
                read => {
                    bytes.truncate(read?);
                    return Ok(bytes);
                }
            }
        }
    }

    pub(crate) fn bytes(&mut self, n: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while all.len() < n {
            let some = self.some()?;
            if some.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            all.extend(some);
        }
        assert_eq!(all.len(), n, "more came");
        Ok(all)
    }

    /// An answer's head, when nothing comes after it.
    pub(crate) fn head(&mut self) -> io::Result<String> {
        let mut all = Vec::new();
        while !all.ends_with(b"\r\n\r\n") {
            let some = self.some()?;
            if some.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            all.extend(some);
        }
        Ok(String::from_utf8(all).unwrap())
    }

    /// All that comes until the end that the server announces.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.some()? {
                some if some.is_empty() => return Ok(all),
                some => all.extend(some),
            }
        }
    }

    /// Sends a binary message and gets it back.
    pub(crate) fn echo(&mut self, payload: &[u8]) {
        self.send(&frame(0x82, KEY, payload)).unwrap();
        let back = frame(0x82, None, payload);
        assert!(self.bytes(back.len()).unwrap() == back, "another message came back");
    }

    /// Ends the stream without close_notify.
    pub(crate) fn cut_off(&self) {
        self.tcp.shutdown(Shutdown::Write).unwrap();
    }
}
