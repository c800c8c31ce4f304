//! The addresses that proxies in front of the server report for their clients, and which proxies are trusted.

mod chain;
mod preamble;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::Config;
use crate::transport::Address;

pub(crate) use chain::Chain;
pub(crate) use preamble::{BadPreamble, Header, read as read_preamble};

/// How a trusted proxy reports the address of its client.
///
/// It is one way only: a proxy that sets one header passes another on as the client has made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAddress {
    /// In the header field `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// In the header field `Forwarded`, RFC 7239.
    Forwarded,
    /// In a PROXY protocol header, version 1 or 2, before everything else on the connection.
    ProxyProtocol,
}

impl ClientAddress {
    /// The name of the header field, if it is one.
    const fn field(self) -> Option<&'static str> {
        match self {
            Self::XForwardedFor => Some("X-Forwarded-For"),
            Self::Forwarded => Some("Forwarded"),
            Self::ProxyProtocol => None,
        }
    }
}

/// Whether a proxy at `ip` is one of `trusted`.
pub(crate) fn is_trusted(trusted: &[IpNet], ip: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&ip))
}

/// Whether a connection from `address` must begin with a header of the PROXY protocol.
pub(crate) fn has_preamble(config: &Config, address: &Address) -> bool {
    config.client_address == ClientAddress::ProxyProtocol
        && address.socket().is_some_and(|address| is_trusted(&config.trusted_proxies, address.ip()))
}
