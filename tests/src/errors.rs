//! Lists of all errors.

use microws::handshake::KnownField;
use microws::http::HeadError;
use microws::{HandshakeError, ProtocolError};

/// Every field that the handshake knows.
pub const FIELDS: [KnownField; 11] = [
    KnownField::Host,
    KnownField::Upgrade,
    KnownField::Connection,
    KnownField::Key,
    KnownField::Version,
    KnownField::Protocol,
    KnownField::Extensions,
    KnownField::Accept,
    KnownField::Origin,
    KnownField::ContentLength,
    KnownField::TransferEncoding,
];

/// Every [`HeadError`].
pub const HEAD_ERRORS: [HeadError; 9] = [
    HeadError::BadStartLine,
    HeadError::StartLineTooLong,
    HeadError::HttpVersion,
    HeadError::BadLineEnd,
    HeadError::Folded,
    HeadError::BadField,
    HeadError::HeadTooLong,
    HeadError::TooManyFields,
    HeadError::FieldTooLong,
];

/// Every [`HandshakeError`], those about a field with each field.
pub fn handshake_errors() -> Vec<HandshakeError> {
    use HandshakeError::*;
    let mut errors = vec![
        Incomplete,
        Body,
        BodyTooLong,
        LengthRequired,
        Method,
        NoUpgrade,
        WebSocketVersion,
        Status(404),
        WrongAccept,
        UnofferedSubprotocol,
        UnofferedExtension,
    ];
    errors.extend(HEAD_ERRORS.map(Head));
    for field in FIELDS {
        errors.extend([FieldTooLong(field), Repeated(field), Missing(field), Invalid(field)]);
    }
    errors
}

/// Every [`ProtocolError`].
pub const PROTOCOL_ERRORS: [ProtocolError; 15] = [
    ProtocolError::ReservedBits,
    ProtocolError::ReservedOpcode(3),
    ProtocolError::FragmentedControl,
    ProtocolError::ControlTooLong,
    ProtocolError::LengthNotMinimal,
    ProtocolError::LengthTooLarge,
    ProtocolError::MaskMissing,
    ProtocolError::MaskForbidden,
    ProtocolError::UnexpectedContinuation,
    ProtocolError::ExpectedContinuation,
    ProtocolError::InvalidUtf8,
    ProtocolError::CloseTooShort,
    ProtocolError::InvalidCloseCode(1005),
    ProtocolError::MessageTooBig,
    ProtocolError::TooManyFragments,
];
