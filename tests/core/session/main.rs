//! The session and its adapters: an endpoint's whole life, driven by hand, blocking, async and polled, in both
//! roles.

mod by_hand;
mod bytes;
mod hold;
mod http;
mod opening;
mod page;
mod prepared;
mod records;
mod scripts;
mod sending;
mod shorter_way;
mod streams;
mod styles;
mod upgraded;
mod whole;

mod bad_requests;
mod broken_streams;
mod deadlines;
mod deadlines_fair;
mod dial;
mod endings;
mod every_cut;
