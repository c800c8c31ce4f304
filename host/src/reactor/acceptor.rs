//! The listening sockets, and when to accept.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::{Registry, Token};

use super::slots::Slots;
use crate::config::Config;
use crate::context::Context;
use crate::listen::Listen;
use crate::proxy;
use crate::report::Report;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::transport::{Address, Listener, Start};

/// Connections accepted from one socket before the clients that are there are looked after.
const BATCH: usize = 256;

/// The port to listen on if none is given.
const PORT: u16 = 1740;

/// How long to wait before files are tried for again, in milliseconds, unless a client leaves.
const RETRY: u64 = 100;

/// Accepts clients.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listeners: Vec<Listener>,
    #[cfg(feature = "tls")]
    tls: Option<Settings>,
    when: When,
}

/// When to accept next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the kernel says that somebody came.
    OnEvent,
    /// As soon as possible: a client came, or more than a batch.
    Now,
    /// At this time, in milliseconds since the start, or with fewer clients than these: no file descriptor
    /// was free.
    Later { at: u64, clients: usize },
}

impl Acceptor {
    /// Listens on all addresses of `config`; events come as `token`.
    pub(crate) fn bind(config: &Config, registry: &Registry, token: Token) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        let tls = config.tls.as_ref().map(Settings::load).transpose()?;
        let bind = |listen: &Listen| Listener::bind(listen, config, registry, token);
        let named = |listen: &Listen| bind(listen).map_err(|error| refused(listen, &error));
        let mut listeners = config.listen.iter().map(named).collect::<io::Result<Vec<_>>>()?;
        if listeners.is_empty() {
            listeners.push(named(&Listen::Tcp((Ipv4Addr::LOCALHOST, PORT).into()))?);
            let ipv6 = Listen::Tcp((Ipv6Addr::LOCALHOST, PORT).into());
            match bind(&ipv6) {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_without_ipv6(&error) => Report::without_ipv6(&error),
                Err(error) => return Err(refused(&ipv6, &error)),
            }
        }
        Ok(Self {
            listeners,
            #[cfg(feature = "tls")]
            tls,
            when: When::OnEvent,
        })
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(Listener::tcp_address).collect()
    }

    /// What clients connect to.
    pub(crate) fn urls(&self, config: &Config) -> Vec<String> {
        let schemes = config.schemes();
        self.listeners.iter().flat_map(|listener| schemes.iter().map(|scheme| listener.url(scheme))).collect()
    }

    /// The certificate and what belongs to it.
    #[cfg(feature = "tls")]
    pub(crate) const fn tls(&mut self) -> Option<&mut Settings> {
        self.tls.as_mut()
    }

    pub(crate) const fn on_event(&mut self) {
        self.when = When::Now;
    }

    /// Milliseconds until it is time to accept, with so many `clients`; `None` to wait for an event.
    pub(crate) fn due_in(&self, now: u64, clients: usize) -> Option<u64> {
        match self.when {
            When::OnEvent => None,
            When::Later { at, clients: before } if clients >= before => Some(at.saturating_sub(now)),
            When::Now | When::Later { .. } => Some(0),
        }
    }

    /// Accepts the clients that wait, if it is time to.
    pub(crate) fn accept(&mut self, slots: &mut Slots<'_>, registry: &Registry, cx: &mut Context<'_, '_>) {
        if self.due_in(cx.now, slots.len()) != Some(0) {
            return;
        }
        self.when = When::OnEvent;
        let config = cx.config;
        #[cfg(feature = "tls")]
        let tls = self.tls.as_ref();
        let start = |address: &Address| {
            let start = Start::new(proxy::has_preamble(config, address));
            #[cfg(feature = "tls")]
            let start = start.with_tls(tls.map(Settings::config));
            start
        };
        for listener in &mut self.listeners {
            for accepted in 0.. {
                if accepted == BATCH {
                    self.when = When::Now;
                    break;
                }
                match listener.accept(start) {
                    Ok((transport, address)) => slots.on_accept(transport, address, registry, cx),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if is_out_of_files(&error) => {
                        cx.report.out_of_files(cx.now, slots.len(), &error);
                        self.when = When::Later { at: cx.now + RETRY, clients: slots.len() };
                        break;
                    }
                    // The client was gone before it was accepted.
                    Err(error) => cx.report.lost_unseen(&error),
                }
            }
        }
    }

    /// Closes the listening sockets.
    pub(crate) fn stop(&mut self) {
        self.listeners.clear();
        self.when = When::OnEvent;
    }
}

/// The error that names the address.
fn refused(listen: &Listen, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}"))
}

/// EAFNOSUPPORT and EADDRNOTAVAIL.
fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(97 | 99))
}

/// EMFILE, ENFILE, ENOBUFS and ENOMEM: this process's or the system's limit, not the client's fault.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}
