//! A client that is only a socket: it sends any bytes, and reads what comes without the code under test.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::frames::{Frame, frame, masked};
use crate::layer::Layer;
use crate::process::TIMEOUT;

/// A request for an upgrade that any server accepts.
pub const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: sN9cRrP/n9NdMgdcy2VJFQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A request for an upgrade of `target` that offers an extension.
pub fn offering(target: &str, extension: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: sN9cRrP/n9NdMgdcy2VJFQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: {extension}\r\n\r\n"
    )
    .into()
}

/// A masking key.
pub const KEY: Option<[u8; 4]> = Some([0x5a, 0x01, 0xfe, 0x80]);

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a field, by its name in the case it was sent in.
    pub fn field(&self, name: &str) -> Option<&str> {
        let is_it = |line: &'_ str| line.split_once(": ").is_some_and(|(field, _)| field == name);
        self.head
            .lines()
            .find(|line| is_it(line))
            .and_then(|line| line.split_once(": "))
            .map(|(_, value)| value)
    }
}

/// A client's socket, and what came but was not asked for yet.
#[derive(Debug)]
pub struct Raw {
    pub stream: TcpStream,
    pub(crate) layer: Option<Box<dyn Layer>>,
    pub(crate) came: Vec<u8>,
}

impl Raw {
    /// # Panics
    /// If it can't connect.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server listens")
    }

    /// # Errors
    /// The system's.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        Self::over(stream)
    }

    /// Connects to a Unix socket.
    ///
    /// # Panics
    /// If it can't connect.
    pub fn connect_unix(path: &Path) -> Self {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.connect(&SockAddr::unix(path).expect("a name")).expect("the server listens");
        Self::over(socket.into()).expect("options of a socket")
    }

    /// Connects with a small receive buffer, so that little is under way to a client that does not read.
    ///
    /// # Panics
    /// If it can't connect.
    pub fn connect_narrow(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        socket.connect(&address.into()).expect("the server listens");
        socket.set_tcp_nodelay(true).expect("an option of TCP");
        Self::over(socket.into()).expect("options of a socket")
    }

    /// Over a connection that is there.
    ///
    /// # Errors
    /// The system's.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, layer: None, came: Vec::new() })
    }

    /// Gives up sooner than tests do by default.
    ///
    /// # Panics
    /// If it is zero.
    pub fn set_timeout(&self, timeout: Duration) {
        self.stream.set_read_timeout(Some(timeout)).expect("a time");
        self.stream.set_write_timeout(Some(timeout)).expect("a time");
    }

    /// # Errors
    /// The server has ended the connection.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    /// # Panics
    /// If the server has ended the connection.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server reads");
    }

    /// Sends a masked frame.
    ///
    /// # Panics
    /// If the server has ended the connection.
    pub fn send_frame(&mut self, b0: u8, payload: &[u8]) {
        self.send(&frame(b0, KEY, payload));
    }

    /// Says that nothing more comes; the answers can still be read.
    ///
    /// # Panics
    /// If the connection is gone.
    pub fn finish(&mut self) {
        self.try_finish().expect("the connection is there");
    }

    /// Ends the connection at once, with a reset.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("an option");
    }

    /// Opens a WebSocket.
    ///
    /// # Panics
    /// If the server does not accept.
    pub fn upgrade(&mut self) {
        self.send(REQUEST);
        self.accepted();
    }

    /// Reads a 101.
    ///
    /// # Panics
    /// If something else comes.
    pub fn accepted(&mut self) -> Answer {
        let answer = self.head().expect("an answer");
        assert_eq!(answer.status, 101, "{answer:?}");
        answer
    }

    /// Reads once; `false` is the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.read(&mut bytes) {
                Ok(n) => {
                    self.came.extend(&bytes[..n]);
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn need(&mut self, n: usize) -> io::Result<()> {
        while self.came.len() < n {
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Reads so many bytes, whatever they mean.
    ///
    /// # Panics
    /// If they do not come.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        self.need(n).expect("bytes");
        self.came.drain(..n).collect()
    }

    /// Reads the head of an answer, without its body.
    ///
    /// # Errors
    /// The connection ended, or nothing came.
    ///
    /// # Panics
    /// If it is no HTTP.
    pub fn head(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(end) = self.came.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.need(self.came.len() + 1)?;
        };
        let head = String::from_utf8(self.came.drain(..end).collect()).expect("a head is ASCII");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        Ok(Answer { status: status.expect("a status"), head, body: String::new() })
    }

    /// Reads an answer and its body; and if the answer says so, the end of the connection, which must be no reset.
    ///
    /// # Errors
    /// The connection was reset, or nothing came.
    ///
    /// # Panics
    /// If it has no length or date, or something follows that must not.
    pub fn answer(&mut self) -> io::Result<Answer> {
        self.answer_with(|len| len)
    }

    /// [`answer`](Self::answer) to a HEAD request: it names a length, and has no body (RFC 9110 section 8.6).
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    ///
    /// # Panics
    /// As there.
    pub fn answer_to_head(&mut self) -> io::Result<Answer> {
        self.answer_with(|_| 0)
    }

    fn answer_with(&mut self, body_len: impl FnOnce(usize) -> usize) -> io::Result<Answer> {
        let mut answer = self.head()?;
        let len = answer.field("Content-Length").and_then(|len| len.parse().ok());
        let len = body_len(len.unwrap_or_else(|| panic!("a length: {answer:?}")));
        let date = answer.field("Date").unwrap_or_default();
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{answer:?}");
        self.need(len)?;
        answer.body = String::from_utf8(self.came.drain(..len).collect()).expect("a body of text");
        match answer.field("Connection") {
            Some("keep-alive") => {}
            Some("close" | "close, Upgrade") => assert_eq!(self.rest()?, b"", "{answer:?}"),
            _ => panic!("a connection option: {answer:?}"),
        }
        Ok(answer)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// The connection ended, or nothing came.
    ///
    /// # Panics
    /// If the server masks, or makes a length longer than needed.
    pub fn try_frame(&mut self) -> io::Result<Frame> {
        self.need(2)?;
        let (b0, b1) = (self.came[0], self.came[1]);
        assert_eq!(b1 & 0x80, 0, "the server masks");
        let (len, size) = match b1 {
            126 => {
                self.need(4)?;
                (u64::from(u16::from_be_bytes([self.came[2], self.came[3]])), 4)
            }
            127 => {
                self.need(10)?;
                (u64::from_be_bytes(self.came[2..10].try_into().expect("eight bytes")), 10)
            }
            len => (u64::from(len), 2),
        };
        assert!(len >= [0, 126, 0x1_0000][(size + 2) / 5], "the length {len} in {size} bytes");
        let end = size + usize::try_from(len).expect("a length");
        self.need(end)?;
        let payload = self.came.drain(..end).skip(size).collect();
        Ok(Frame { b0, key: None, payload })
    }

    /// Reads a frame.
    ///
    /// # Panics
    /// If none comes.
    pub fn frame(&mut self) -> Frame {
        self.try_frame().expect("a frame")
    }

    /// Reads a message, put together from its fragments; control frames between are passed over.
    ///
    /// # Errors
    /// The connection ended, or nothing came.
    pub fn try_message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let (mut opcode, mut message) = (0, Vec::new());
        loop {
            let frame = self.try_frame()?;
            if frame.b0 & 0x08 != 0 {
                if frame.b0 == 0x88 {
                    return Err(ErrorKind::ConnectionAborted.into());
                }
                continue;
            }
            opcode |= frame.b0 & 0x0f;
            message.extend(frame.payload);
            if frame.b0 & 0x80 != 0 {
                return Ok((opcode, message));
            }
        }
    }

    /// Sends a message in one frame and takes its echo.
    ///
    /// # Errors
    /// The connection ended, or nothing came.
    ///
    /// # Panics
    /// If another message comes.
    pub fn try_echo(&mut self, payload: &[u8]) -> io::Result<()> {
        self.try_send(&frame(0x82, KEY, payload))?;
        let (opcode, message) = self.try_message()?;
        assert_eq!(opcode, 2);
        assert!(message == payload, "another message came back");
        Ok(())
    }

    /// Sends a message and takes its echo.
    ///
    /// # Panics
    /// If it does not come.
    pub fn echo(&mut self, payload: &[u8]) {
        self.try_echo(payload).expect("an echo");
    }

    /// Reads exactly these bytes.
    ///
    /// # Errors
    /// The connection ended, nothing came, or other bytes came.
    pub fn try_expect(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.need(bytes.len())?;
        if self.came.drain(..bytes.len()).eq(bytes.iter().copied()) {
            return Ok(());
        }
        Err(io::Error::other("other bytes came"))
    }

    /// Reads the rest up to the end of the connection, which must be no reset.
    ///
    /// # Errors
    /// It was one, or no end came.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.more()? {}
        Ok(std::mem::take(&mut self.came))
    }

    /// Reads frames up to a close frame, then the end of the connection; answers the code, 1005 if
    /// there is none, and the reason.
    ///
    /// # Errors
    /// The connection ended otherwise.
    ///
    /// # Panics
    /// If something follows the close frame.
    pub fn try_closed(&mut self) -> io::Result<(u16, String)> {
        let close = loop {
            let frame = self.try_frame()?;
            if frame.b0 & 0x0f == 8 {
                break frame;
            }
        };
        let rest = self.rest()?;
        assert!(rest.is_empty(), "{} bytes after the close frame", rest.len());
        Ok(match close.payload.as_slice() {
            [hi, lo, reason @ ..] => {
                (u16::from_be_bytes([*hi, *lo]), String::from_utf8_lossy(reason).into_owned())
            }
            _ => (1005, String::new()),
        })
    }

    /// Waits for the closing, as [`try_closed`](Self::try_closed).
    ///
    /// # Panics
    /// If the connection ends otherwise.
    pub fn closed(&mut self) -> (u16, String) {
        self.try_closed().expect("a close frame and the end")
    }
}

/// A close frame's payload.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A masked frame's header with its length in as many bytes as asked for: 1, 2 or 8.
pub fn header_with_length(b0: u8, len: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![b0];
    match size {
        1 => bytes.push(0x80 | len as u8),
        2 => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(len.to_be_bytes());
        }
    }
    bytes.extend(KEY.into_iter().flatten());
    bytes
}

/// The payload as it stands in a frame of [`KEY`].
pub fn masked_payload(payload: &[u8]) -> Vec<u8> {
    masked(KEY, payload)
}
