//! The opening handshake in either role over a transport that cuts.

use microws::handshake::{client, server};
use microws::{Buffer, HandshakeError};

use crate::drive::Cuts;

/// What came of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaken {
    /// The items in words: `GET /`, `Name: value`, `long Name`, `end`.
    pub items: Vec<String>,
    /// The subprotocol agreed to, or why there is no connection.
    pub verdict: Result<Option<String>, HandshakeError>,
    /// What the server answers, or the client has asked.
    pub output: Vec<u8>,
    /// What comes behind the head: the first frames. Empty after an error.
    pub behind: Vec<u8>,
}

impl Shaken {
    /// The output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.output).unwrap()
    }
}

/// How a head is received.
#[derive(Debug, Clone)]
pub struct Shake {
    pub rx: usize,
    pub reads: Cuts,
    /// The longest head in bytes and its most fields, if not the default.
    pub limits: Option<(u32, u16)>,
}

impl Default for Shake {
    fn default() -> Self {
        Self { rx: 4096, reads: Cuts::Whole, limits: None }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn field(name: &[u8], value: &[u8]) -> String {
    format!("{}: {}", lossy(name), lossy(value))
}

impl Shake {
    /// A server with the subprotocols `supported` gets `input`: it accepts or refuses.
    pub fn serve(self, supported: &[&str], input: &[u8]) -> Shaken {
        let mut handshake = server::Handshake::new(supported);
        if let Some((len, fields)) = self.limits {
            handshake = handshake.limits(len, fields);
        }
        let mut items = Vec::new();
        let read = self.read(input, |rx| {
            let item = handshake.receive(rx)?;
            Ok(item.map(|item| {
                items.push(match item {
                    server::Item::Start { method, target } => format!("{method} {}", target.as_str()),
                    server::Item::Field(f) => field(f.name, f.value),
                    server::Item::LongField(name) => format!("long {}", lossy(name)),
                    server::Item::End => "end".to_owned(),
                    other => panic!("{other:?}"),
                });
                item == server::Item::End
            }))
        });
        // `read` asks for the end twice.
        items.dedup_by(|a, b| a == "end" && b == "end");
        let mut tx = [0; 512];
        let mut tx = Buffer::new(&mut tx);
        let verdict = handshake.upgrade().map(|upgrade| {
            upgrade.accept(&mut tx, &[]).unwrap();
            upgrade.subprotocol().map(str::to_owned)
        });
        if let Err(error) = verdict {
            server::refuse(&mut tx, error).unwrap();
        }
        Shaken {
            items,
            verdict: read.clone().and(verdict),
            output: tx.filled().to_vec(),
            behind: read.unwrap_or_default(),
        }
    }

    /// A client asks with `request` and the nonce of RFC 6455's example, and gets `input`.
    pub fn connect(self, request: client::Request<'_>, input: &[u8]) -> Shaken {
        let mut handshake = client::Handshake::new(request, *b"the sample nonce");
        if let Some((len, fields)) = self.limits {
            handshake = handshake.limits(len, fields);
        }
        let mut tx = vec![0; 16_384];
        let mut tx = Buffer::from_slice(&mut tx).unwrap();
        assert_eq!(handshake.send(&mut tx), Ok(true));
        let mut items = Vec::new();
        let read = self.read(input, |rx| {
            let item = handshake.receive(rx)?;
            Ok(item.map(|item| {
                items.push(match item {
                    client::Item::Start { status, reason } => format!("{status} {}", lossy(reason)),
                    client::Item::Field(f) => field(f.name, f.value),
                    client::Item::LongField(name) => format!("long {}", lossy(name)),
                    client::Item::End => "end".to_owned(),
                    other => panic!("{other:?}"),
                });
                item == client::Item::End
            }))
        });
        items.dedup_by(|a, b| a == "end" && b == "end");
        let verdict =
            handshake.connection(|_: &mut [u8]| {}).map(|_| handshake.subprotocol().map(str::to_owned));
        Shaken {
            items,
            verdict: read.clone().and(verdict),
            output: tx.filled().to_vec(),
            behind: read.unwrap_or_default(),
        }
    }

    /// Calls `receive` until it answers that this was the last item or has no input left
    /// (`Incomplete`); the result is what comes behind the head.
    fn read(
        mut self,
        mut input: &[u8],
        mut receive: impl FnMut(&mut Buffer<'_>) -> Result<Option<bool>, HandshakeError>,
    ) -> Result<Vec<u8>, HandshakeError> {
        let mut storage = vec![0; self.rx];
        let mut rx = Buffer::from_slice(&mut storage).unwrap();
        loop {
            match receive(&mut rx) {
                Ok(Some(false)) => {}
                Ok(Some(true)) => {
                    let behind = [rx.filled(), input].concat();
                    // The end is said again, and nothing behind it is touched.
                    let waiting = rx.len();
                    assert_eq!(receive(&mut rx), Ok(Some(true)));
                    assert_eq!(rx.len(), waiting);
                    return Ok(behind);
                }
                Ok(None) => {
                    assert!(rx.free() > 0, "wants more in a buffer that is full");
                    if input.is_empty() {
                        return Err(HandshakeError::Incomplete);
                    }
                    let spare = rx.spare();
                    let n = self.reads.size().min(spare.len()).min(input.len());
                    let (now, later) = input.split_at(n);
                    spare[..n].copy_from_slice(now);
                    rx.commit(n);
                    input = later;
                }
                Err(error) => {
                    // Errors stay, whatever comes.
                    rx.consume(usize::MAX);
                    assert!(rx.push(b"\r\n\r\n"));
                    assert_eq!(receive(&mut rx), Err(error));
                    return Err(error);
                }
            }
        }
    }
}
