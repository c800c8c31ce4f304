//! Connections with TLS that are opened and closed: what a handshake costs the server.

use std::{error::Error, fmt::Write, net::SocketAddr, time::Duration};

use microws_benches::stats::{Summary, human};

use crate::{
    load,
    process::Process,
    wire::{Tls, Wire},
};

/// Handshakes for each figure.
const COUNT: u32 = 300;

/// Processor time per handshake in one round, the opening of the WebSocket and the end of the connection included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    full: Duration,
    resumed: Duration,
}

/// Measures a server that was started for it.
pub(crate) fn measure(process: &Process, tls: &Tls) -> Result<Cost, Box<dyn Error>> {
    let many = |tls: &Tls, is_resumed: bool| -> Result<Duration, Box<dyn Error>> {
        let before = process.cpu_time()?;
        for _ in 0..COUNT {
            if open(process.address, tls)?.is_resumed() != is_resumed {
                return Err(if is_resumed { "it does not resume" } else { "it resumes" }.into());
            }
        }
        Ok((process.cpu_time()? - before) / COUNT)
    };
    let full = many(&tls.without_resumption(), false)?;
    // The first brings the ticket.
    drop(open(process.address, tls)?);
    Ok(Cost { full, resumed: many(tls, true)? })
}

fn open(address: SocketAddr, tls: &Tls) -> Result<Wire, Box<dyn Error>> {
    Wire::open(address, 0, Some(tls), |stream| load::upgrade(stream, "/", "").map(drop))
}

/// The table: medians over the rounds, by server.
pub(crate) fn markdown(costs: &[(String, Vec<Cost>)]) -> String {
    let mut out = "\n## Handshakes\n\nProcessor time of the server for a connection that is opened, upgraded and closed; \
                   the rate is what one core has time for.\n\n| server | full, µs | per second | resumed, µs | per second \
                   |\n|---|--:|--:|--:|--:|\n"
        .to_owned();
    for (server, costs) in costs {
        let median = |cost: fn(&Cost) -> Duration| {
            Summary::of(costs.iter().map(|it| cost(it).as_secs_f64())).map(|summary| summary.median)
        };
        let _infallible = write!(out, "| {server} |");
        for seconds in [median(|cost| cost.full), median(|cost| cost.resumed)] {
            let _infallible = match seconds {
                Some(seconds) => write!(out, " {} | {} |", human(seconds * 1e6), human(1.0 / seconds)),
                None => write!(out, " n/a | n/a |"),
            };
        }
        out.push('\n');
    }
    out
}
