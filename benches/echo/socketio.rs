//! Events of Socket.IO over WebSocket: what is said, the servers that have it, and their table.

use std::{fmt::Write, path::Path};

use microws_benches::{
    frames::{FIN, push_masked},
    stats::human,
};

use crate::{
    Outcome,
    check::Protocol,
    compressed::install,
    contenders::Contender,
    load,
    report::{OWN, Report, or_dash},
    wire::ReadWrite,
};

/// Engine.IO's question whether somebody is there.
pub(crate) const PING: u8 = b'2';
/// The answer: a text frame of "3", whose key is zero.
pub(crate) const PONG: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

/// How events come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Events {
    /// As the same event.
    Echoed,
    /// As the acknowledgement that they ask for.
    Acknowledged,
}

impl Events {
    /// A packet to send, and the one that must come back.
    pub(crate) fn exchange(self, id: usize, random: &mut fastrand::Rng) -> (Vec<u8>, Vec<u8>) {
        let argument = argument(random);
        match self {
            Self::Echoed => {
                let event = format!(r#"42["message",{argument}]"#).into_bytes();
                (event.clone(), event)
            }
            Self::Acknowledged => (
                format!(r#"42{id}["question",{argument}]"#).into_bytes(),
                format!("43{id}[{argument}]").into_bytes(),
            ),
        }
    }
}

/// A reading of a sensor in some 100 bytes of JSON. Its names are in order and its numbers as short as can be: so every server
/// writes it as it was, also one that has parsed it.
fn argument(random: &mut fastrand::Rng) -> String {
    format!(
        r#"{{"battery":3.{},"ok":true,"sensor":"temperature-{}","time":{},"unit":"celsius","value":{}.{}}}"#,
        random.u8(1..10),
        random.u8(10..100),
        1_760_000_000_000 + random.u64(..1_000_000_000),
        random.u8(10..100),
        random.u8(1..10),
    )
}

/// Opens a session and joins the main namespace.
pub(crate) fn join(stream: &mut dyn ReadWrite) -> Outcome {
    load::upgrade(stream, "/socket.io/?EIO=4&transport=websocket", "")?;
    expect(stream, "0{")?;
    let mut join = vec![];
    push_masked(&mut join, FIN | 1, [0x37, 0xfa, 0x21, 0x3d], b"40");
    stream.write_all(&join)?;
    expect(stream, "40{")
}

/// Reads the next packet, which must begin so; a ping may come before.
fn expect(stream: &mut dyn ReadWrite, start: &str) -> Outcome {
    loop {
        let packet = packet(stream)?;
        if packet == [PING] {
            stream.write_all(PONG)?;
        } else if packet.starts_with(start.as_bytes()) {
            return Ok(());
        } else {
            return Err(format!("{} instead of {start}", String::from_utf8_lossy(&packet)).into());
        }
    }
}

/// Reads a packet in one short frame.
fn packet(stream: &mut dyn ReadWrite) -> Outcome<Vec<u8>> {
    let (mut header, mut long) = ([0; 2], [0; 2]);
    stream.read_exact(&mut header)?;
    if header[1] == 126 {
        stream.read_exact(&mut long)?;
    }
    let len = if header[1] == 126 { u16::from_be_bytes(long) } else { header[1].into() };
    let mut packet = vec![0; len.into()];
    stream.read_exact(&mut packet)?;
    if header[0] != FIN | 1 {
        return Err(format!("{:#04x} instead of text", header[0]).into());
    }
    Ok(packet)
}

/// The released program, and those that its figures stand beside.
pub(crate) fn contenders(programs: &Path) -> Outcome<Vec<Contender>> {
    let (node, server) = install(programs, "socketio")?;
    let own = "--listen 127.0.0.1:0 -q --socketio-news off";
    let all = [
        (OWN, programs.join("microws-echo"), own),
        ("socketioxide", programs.join("examples/socketio-server"), ""),
        ("socket.io (npm)", node, server.as_str()),
    ];
    Ok(all
        .into_iter()
        .map(|(name, program, arguments)| Contender {
            name: name.into(),
            protocol: Protocol::SocketIo,
            program,
            arguments: arguments.split_whitespace().map(String::from).collect(),
            counted: None,
        })
        .collect())
}

/// The report.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = format!(
        "# Socket.IO on loopback\n\n{}\n\nMedians of {} alternating rounds of {} s. Each server is a process on a core of \
         its own, a new one for each figure; the load is on another core, and speaks Socket.IO over WebSocket. An event has \
         one argument, 100 bytes of JSON. CPU is the server's processor time for an event and what comes back, user and \
         kernel; *÷ microws* is CPU beside that of microws in the same round: median (smallest to largest). Times are \
         microseconds.\n\n\
         | sessions x in flight | server | CPU per event | ÷ microws | events per second of CPU | events/s | p50 | p99 |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
        report.machine, report.rounds, report.seconds,
    );
    let own = report.servers.iter().position(|server| server == OWN);
    for (workload, cells) in &report.rows {
        for (server, cell) in report.servers.iter().zip(cells) {
            let ratio = cell.beside(own.map(|own| &cells[own]));
            let [p50, p99] = [0, 1].map(|q| or_dash(cell.summary(|figures| figures.quantiles[q] / 1000.0)));
            let _infallible = writeln!(
                out,
                "| {} | {server} | {} | {ratio} | {} | {} | {p50} | {p99} |",
                workload.name,
                or_dash(cell.cpu().map(|cpu| cpu / 1000.0)),
                or_dash(cell.cpu().map(|cpu| 1e9 / cpu)),
                or_dash(cell.summary(|figures| figures.rate)),
            );
        }
    }
    let _infallible = write!(
        out,
        "\n## Memory\n\n{} sessions that have had one event each and are idle; anonymous memory of the process, the kernel's \
         not counted.\n\n| server | bytes per session | ÷ microws |\n|---|--:|--:|\n",
        human(report.idle_connections as f64)
    );
    let bytes = |i: usize| report.idle.get(i).copied().flatten();
    for (i, server) in report.servers.iter().enumerate() {
        let ratio = bytes(i).zip(own.and_then(bytes)).map(|(bytes, own)| bytes / own);
        let _infallible = writeln!(out, "| {server} | {} | {} |", or_dash(bytes(i)), or_dash(ratio));
    }
    out
}
