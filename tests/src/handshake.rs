//! The opening handshake in either role over a transport that cuts.

use microws::handshake::{ClientHandshake, ServerHandshake, reject};
use microws::{Buffer, Config, Event, HandshakeError};

use crate::drive::Cuts;

/// What came of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The items in words: `GET /`, `Name: value`, `long Name`, `end`.
    pub items: Vec<String>,
    /// The subprotocol agreed to, or why there is no connection.
    pub verdict: Result<Option<String>, HandshakeError>,
    /// What the server answers, or the client has asked.
    pub output: Vec<u8>,
    /// The bytes after the head: the first frames. Empty after an error.
    pub after: Vec<u8>,
}

impl Outcome {
    /// The output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.output).unwrap()
    }
}

/// How a head is received.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub rx: usize,
    pub reads: Cuts,
    /// The longest head in bytes and its most fields, if not the default.
    pub limits: Option<(u32, u16)>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self { rx: 4096, reads: Cuts::Whole, limits: None }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A line of a head in words.
fn line(event: &Event<'_>) -> String {
    match event {
        Event::Request(line) => format!("{} {}", line.method(), line.target()),
        Event::Status(line) => format!("{} {}", line.status(), lossy(line.reason())),
        Event::Field(field) => format!("{}: {}", lossy(field.name()), lossy(field.value())),
        Event::LongField(name) => format!("long {}", lossy(name)),
        Event::HeadEnd => "end".to_owned(),
        other => panic!("{other:?}"),
    }
}

impl Exchange {
    fn limit<'c>(&self, config: Config<'c>) -> Config<'c> {
        match self.limits {
            Some((len, fields)) => config.max_head(len, fields),
            None => config,
        }
    }

    /// A server with the subprotocols `supported` gets `input`: it accepts or rejects it.
    pub fn serve(self, supported: &[&str], input: &[u8]) -> Outcome {
        let config = self.limit(Config::new().subprotocols(supported));
        let mut handshake = ServerHandshake::new(&config);
        let (items, read) = self.read_items(input, |rx| handshake.receive(rx));
        let mut tx = [0; 512];
        let mut tx = Buffer::new(&mut tx);
        let verdict = handshake.check().map(|()| {
            handshake.accept(&mut tx, &[]).unwrap();
            handshake.subprotocol().map(str::to_owned)
        });
        if let Err(error) = verdict {
            assert_eq!(handshake.accept(&mut tx, &[]), Err(microws::SendError::NotNow));
            reject(&mut tx, error).unwrap();
        }
        Outcome {
            items,
            verdict: read.clone().and(verdict),
            output: tx.filled().to_vec(),
            after: read.unwrap_or_default(),
        }
    }

    /// A client makes the request of `config` with the nonce of RFC 6455's example, and gets `input`.
    pub fn connect(self, config: Config<'_>, input: &[u8]) -> Outcome {
        let config = self.limit(config);
        let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
        let mut tx = vec![0; 16_384];
        let mut tx = Buffer::from_slice(&mut tx).unwrap();
        assert_eq!(handshake.send(&mut tx), Ok(true));
        let (items, read) = self.read_items(input, |rx| handshake.receive(rx));
        let verdict = handshake.check().map(|()| handshake.subprotocol().map(str::to_owned));
        Outcome {
            items,
            verdict: read.clone().and(verdict),
            output: tx.filled().to_vec(),
            after: read.unwrap_or_default(),
        }
    }

    /// [`read`](Self::read), with the items in words.
    fn read_items(
        self,
        input: &[u8],
        mut receive: impl for<'b> FnMut(&'b mut Buffer<'_>) -> Result<Option<Event<'b>>, HandshakeError>,
    ) -> (Vec<String>, Result<Vec<u8>, HandshakeError>) {
        let mut items = Vec::new();
        let read = self.read(input, |rx| {
            Ok(receive(rx)?.map(|event| {
                items.push(line(&event));
                event == Event::HeadEnd
            }))
        });
        // `read` asks for the end twice.
        items.dedup_by(|a, b| a == "end" && b == "end");
        (items, read)
    }

    /// Calls `receive` until it returns that this was the last item or has no input left
    /// (`Incomplete`); the result is the bytes after the head.
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
                    let after = [rx.filled(), input].concat();
                    // The end is said again, and nothing after it is touched.
                    let waiting = rx.len();
                    assert_eq!(receive(&mut rx), Ok(Some(true)));
                    assert_eq!(rx.len(), waiting);
                    return Ok(after);
                }
                Ok(None) => {
                    assert!(rx.free() > 0, "wants more in a buffer that is full");
                    if input.is_empty() {
                        return Err(HandshakeError::Incomplete);
                    }
                    self.reads.feed(&mut input, &mut rx);
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
