//! The services for clients.

mod echo;
mod faults;
mod page;
mod policy;
mod probe;
mod request;
mod timed;

pub(crate) use echo::Echo;
pub(crate) use policy::{Refusal, check_origin};
pub(crate) use request::Request;
