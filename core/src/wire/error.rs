//! [`ProtocolError`]: what a peer can do wrong once the connection is open.

use core::fmt;

use crate::wire::code::CloseCode;

/// The peer broke RFC 6455, or a limit that the caller set. Final: the connection has failed.
///
/// When it appears, the close frame for it has left `tx`: nothing is left to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set although no extension was negotiated that gives it a meaning there (section 5.2). 1002.
    ReservedBits,
    /// An opcode that means nothing (section 5.2). 1002.
    ReservedOpcode(u8),
    /// A close, ping or pong without FIN (section 5.5). 1002.
    FragmentedControl,
    /// A close, ping or pong of more than 125 bytes (section 5.5). 1002.
    ControlTooLong,
    /// A length in more bytes than it needs (section 5.2). 1002.
    LengthNotMinimal,
    /// A length of 2^63 bytes or more (section 5.2). 1002.
    LengthTooLarge,
    /// An unmasked frame from a client (section 5.1). 1002.
    MaskMissing,
    /// A masked frame from a server (section 5.1). 1002.
    MaskForbidden,
    /// A continuation of no message (section 5.4). 1002.
    UnexpectedContinuation,
    /// A new message between the fragments of another (section 5.4). 1002.
    ExpectedContinuation,
    /// Text, or the reason of a close frame, that is not UTF-8 (sections 5.6, 8.1). 1007.
    InvalidUtf8,
    /// A close frame of one byte, half a code (section 5.5.1). 1002.
    CloseTooShort,
    /// A close code that must not be sent (section 7.4). 1002.
    InvalidCloseCode(u16),
    /// A message longer than the limit that the caller set. 1009.
    MessageTooBig,
    /// A message in more fragments than the limit that the caller set. 1008.
    TooManyFragments,
    /// A compressed message that is no DEFLATE data, or is cut off (RFC 7692 section 7.2.2). 1007: "data within a message
    /// that was not consistent with the type of the message" (section 7.4.1).
    #[cfg(feature = "deflate")]
    InvalidDeflate,
    /// A compressed message that reaches so many bytes back, further than the inflater's ring: lend a larger ring, or
    /// take only peers that keep to it, with [`bounded_only`](crate::deflate::Params::bounded_only). 1009.
    #[cfg(feature = "deflate")]
    RingTooSmall(u16),
}

impl ProtocolError {
    /// The code the connection is failed with (section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 => CloseCode::INVALID_DATA,
            #[cfg(feature = "deflate")]
            Self::InvalidDeflate => CloseCode::INVALID_DATA,
            #[cfg(feature = "deflate")]
            Self::RingTooSmall(_) => CloseCode::MESSAGE_TOO_BIG,
            Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "a reserved bit is set, but no extension was negotiated",
            Self::ReservedOpcode(opcode) => return write!(f, "the reserved opcode 0x{opcode:x}"),
            Self::FragmentedControl => "a fragmented control frame",
            Self::ControlTooLong => "a control frame of more than 125 bytes",
            Self::LengthNotMinimal => "a payload length in more bytes than it needs",
            Self::LengthTooLarge => "a payload length of 2^63 bytes or more",
            Self::MaskMissing => "an unmasked frame from a client",
            Self::MaskForbidden => "a masked frame from a server",
            Self::UnexpectedContinuation => "a continuation frame, but no message is under way",
            Self::ExpectedContinuation => "a new message before the one under way was finished",
            Self::InvalidUtf8 => "text that is not valid UTF-8",
            Self::CloseTooShort => "a close frame with half a close code",
            Self::InvalidCloseCode(code) => {
                return write!(f, "the close code {code}, which must not be sent");
            }
            Self::MessageTooBig => "a message longer than the limit",
            Self::TooManyFragments => "a message in more fragments than the limit",
            #[cfg(feature = "deflate")]
            Self::InvalidDeflate => "a compressed message that is no DEFLATE data",
            #[cfg(feature = "deflate")]
            Self::RingTooSmall(distance) => {
                return write!(
                    f,
                    "a compressed message that reaches {distance} bytes back: the inflater needs a larger ring"
                );
            }
        })
    }
}

impl core::error::Error for ProtocolError {}
