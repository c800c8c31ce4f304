//! What clients are served with.

mod echo;
mod page;
mod policy;
mod request;

pub(crate) use echo::Echo;
