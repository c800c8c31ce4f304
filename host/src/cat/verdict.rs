//! How it ended, as an exit status and in words.

use std::fmt;

use microws::{CloseCode, HandshakeError, ProtocolError};

/// How it ended. Statuses are for scripts: a number keeps its meaning.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Both close frames were exchanged, with a normal code or the one that we sent first.
    Closed,
    /// The input can't be read or sent, or the output can't be written.
    Own(String),
    /// The arguments ask for what can't be sent.
    Usage(String),
    /// There is no connection to the server.
    Unreachable(String),
    /// The opening handshake failed.
    Handshake(HandshakeError),
    /// The opening handshake took too long.
    HandshakeOverdue,
    /// The server closed with a code that says that something went wrong.
    ClosedBy(CloseCode),
    /// The server closed before all was measured.
    TooEarly,
    /// The server broke the protocol.
    Broken(ProtocolError),
    /// The server sent so many bytes after its close frame.
    AfterClose(usize),
    /// The connection ended without a close frame.
    Lost(String),
    /// The server said nothing, or took nothing, for too long.
    Silent(String),
}

/// The end of `--help`.
pub(crate) const STATUSES: &str = "\
Exit status:
  0    closed normally: with 1000 or without a code, or the server answered our close frame
  1    the input can't be read or is no UTF-8 text, or the output can't be written
  2    wrong arguments
  3    no connection: unknown name, refused, timed out, no TLS, certificate not trusted
  4    the opening handshake failed
  5    closed by the server with another code, or before the end of --rtt
  6    the server broke the protocol
  7    the connection was lost without a close frame
  8    the server was silent for too long
  130  ended at once by a second Ctrl-C (143 by a second SIGTERM)";

impl Verdict {
    /// The exit status.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Own(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Handshake(_) | Self::HandshakeOverdue => 4,
            Self::ClosedBy(_) | Self::TooEarly => 5,
            Self::Broken(_) | Self::AfterClose(_) => 6,
            Self::Lost(_) => 7,
            Self::Silent(_) => 8,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed normally"),
            Self::Own(text) | Self::Usage(text) | Self::Unreachable(text) | Self::Silent(text) => {
                f.write_str(text)
            }
            Self::Handshake(error) => write!(f, "the opening handshake failed: {error}"),
            Self::HandshakeOverdue => f.write_str("the opening handshake took too long"),
            Self::ClosedBy(code) => write!(f, "the server closed with {code}"),
            Self::TooEarly => f.write_str("the server closed before all round trips were done"),
            Self::Broken(error) => {
                let (section, code) = (section(*error), error.close_code());
                write!(
                    f,
                    "the server broke the protocol: {error} (RFC 6455 section {section}); closed with {code}"
                )
            }
            Self::AfterClose(bytes) => {
                write!(
                    f,
                    "the server broke the protocol: {bytes} bytes after its close frame (RFC 6455 section 5.5.1)"
                )
            }
            Self::Lost(cause) => write!(f, "the connection was lost without a close frame: {cause}"),
        }
    }
}

/// The section of RFC 6455 that forbids it.
const fn section(error: ProtocolError) -> &'static str {
    match error {
        ProtocolError::ReservedBits
        | ProtocolError::ReservedOpcode(_)
        | ProtocolError::LengthNotMinimal
        | ProtocolError::LengthTooLarge => "5.2",
        ProtocolError::FragmentedControl | ProtocolError::ControlTooLong => "5.5",
        ProtocolError::UnexpectedContinuation | ProtocolError::ExpectedContinuation => "5.4",
        ProtocolError::InvalidUtf8 => "8.1",
        ProtocolError::CloseTooShort => "5.5.1",
        ProtocolError::InvalidCloseCode(_) => "7.4",
        _ => "5.1",
    }
}
