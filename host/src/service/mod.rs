//! What clients are served with.

mod echo;
mod faults;
mod page;
mod policy;
mod probe;
mod request;

pub(crate) use echo::Echo;
