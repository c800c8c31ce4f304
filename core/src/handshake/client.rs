//! The connecting side.
