//! WebSocket over fixed buffers.
#![no_std]
