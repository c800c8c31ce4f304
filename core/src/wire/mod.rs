//! Frames on the wire, RFC 6455 section 5: functions of slices, without state of a connection, buffers or policy.

pub(crate) mod close;
pub(crate) mod code;
pub(crate) mod error;
pub mod frame;
pub(crate) mod mask;
pub(crate) mod utf8;

pub use close::{Close, MAX_REASON_LEN};
pub use code::CloseCode;
pub use error::ProtocolError;
pub use frame::MessageKind;
pub use mask::Mask;
pub use utf8::Validator;
