//! The servers: built, and what starts them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use microws_benches::servers;

use crate::{Outcome, arguments::Arguments, check::Protocol, wire::Tls};

/// A server to start.
pub(crate) struct Contender {
    pub name: String,
    pub protocol: Protocol,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The same server with its allocations counted: a program and its arguments.
    pub counted: Option<(PathBuf, Vec<String>)>,
}

/// Build the servers as a user gets them; the directory that they are in.
pub(crate) fn build(arguments: &Arguments) -> Outcome<PathBuf> {
    let own = env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("not run from a target directory")?;
    let peers = "-p microws-benches --example echo-server";
    let all = match arguments.deflate {
        false if arguments.socketio => vec![
            "-p microws-host -p microws-benches --bins --example socketio-server --features microws-benches/socketio"
                .into(),
        ],
        false => {
            let mut all = vec!["-p microws-host --bins".into(), "-p microws-benches --examples".into()];
            if arguments.newer {
                all.push(format!("{peers}-newer --example echo-server-newer-counted --features newer"));
            }
            all
        }
        true => vec![
            "-p microws-host --bins".into(),
            format!("{peers} --features deflate"),
            format!("{peers}-zlib --features soketto-deflate"),
        ],
    };
    for what in all {
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .args(["build", "--release", "--target-dir"])
            .arg(target)
            .args(what.split(' '))
            .status()?;
        if !status.success() {
            return Err("the servers do not build".into());
        }
    }
    Ok(target.join("release"))
}

/// As it is, or with "tls" or "deflate".
pub(crate) fn build_uwebsockets(programs: &Path, with: Option<&str>) -> Outcome<String> {
    let directory = programs.with_file_name("uwebsockets");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("uwebsockets/build.sh");
    if !Command::new(script).arg(&directory).args(with).status()?.success() {
        return Err("uWebSockets does not build".into());
    }
    let name = with.map_or("uwebsockets-echo".into(), |with| format!("uwebsockets-echo-{with}"));
    Ok(directory.join(name).display().to_string())
}

/// A peer of Rust with the arguments that it is started with.
fn peer(programs: &Path, program: &str, arguments: &[&str]) -> Contender {
    let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Contender {
        name: arguments.iter().map(|argument| argument.trim_start_matches('-')).collect::<Vec<_>>().join("-"),
        protocol: if arguments[0] == "floor" { Protocol::Raw } else { Protocol::WebSocket },
        program: programs.join("examples").join(program),
        counted: Some((programs.join("examples").join(format!("{program}-counted")), arguments.clone())),
        arguments,
    }
}

pub(crate) fn contenders(
    arguments: &Arguments,
    programs: &Path,
    tls: Option<&Tls>,
) -> Outcome<Vec<Contender>> {
    // Everything is seen beside the floor: it comes first.
    let mut all = vec![peer(programs, "echo-server", &["floor"])];
    all.push(Contender {
        program: programs.join("microws-echo"),
        arguments: ["--listen", "127.0.0.1:0", "-q"].map(String::from).to_vec(),
        ..peer(programs, "echo-server", &["microws"])
    });
    let others = servers::NAMES.iter().filter(|name| !["floor", "microws"].contains(name));
    all.extend(others.map(|name| peer(programs, "echo-server", &[*name])));
    if arguments.newer {
        for name in servers::NAMES_NEWER {
            all.push(peer(programs, "echo-server-newer", &[*name]));
        }
        for name in servers::WITHOUT_NODELAY.iter().filter(|_| arguments.nodelay) {
            all.push(peer(programs, "echo-server-newer", &[*name, "--nodelay"]));
        }
    }
    let mut further = arguments.also.clone();
    if arguments.uwebsockets {
        further.push(format!("uWebSockets={}", build_uwebsockets(programs, tls.map(|_| "tls"))?));
    }
    for further in &further {
        let (name, program) = further.split_once('=').ok_or("--also takes NAME=PROGRAM")?;
        all.push(Contender {
            name: name.into(),
            protocol: Protocol::WebSocket,
            program: program.into(),
            arguments: vec![],
            counted: None,
        });
    }
    if let Some(tls) = tls {
        let path = |path: &Path| path.display().to_string();
        for contender in &mut all {
            let files = ["--tls-cert".into(), path(&tls.certificate), "--tls-key".into(), path(&tls.key)];
            if let Some((_, arguments)) = &mut contender.counted {
                arguments.extend(files.clone());
            }
            contender.arguments.extend(files);
        }
    }
    Ok(all)
}

/// Only the servers that are named, if any are.
pub(crate) fn choose(all: &mut Vec<Contender>, names: &[String]) -> Outcome {
    for name in names {
        if !all.iter().any(|contender| contender.name == *name) {
            return Err(format!("no server is called {name}").into());
        }
    }
    all.retain(|contender| {
        let named = names.is_empty() || names.contains(&contender.name);
        named || contender.protocol == Protocol::Raw
    });
    Ok(())
}
