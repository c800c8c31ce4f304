//! Echoes for the fuzzing server of the Autobahn testsuite, case by case, and has it write its reports.
//!
//! `autobahn-client ws://127.0.0.1:9001 AGENT`

mod common;

use common::{Address, Result, hang_up, random};
use embedded_io_adapters::std::FromStd;
use microws::handshake::client::Request;
use microws::io::Error;
use microws::io::blocking::WebSocket;
use microws::{Buffer, Event};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, agent] = arguments.as_slice() else {
        return Err("usage: autobahn-client ws://HOST:PORT AGENT".into());
    };
    let server: Address = url.parse()?;

    let mut count = Vec::new();
    visit(&server, "/getCaseCount", Some(&mut count))?;
    let cases: usize = std::str::from_utf8(&count)?.parse()?;
    for case in 1..=cases {
        visit(&server, &format!("/runCase?case={case}&agent={agent}"), None)
            .map_err(|error| format!("case {case} of {cases}: {error}"))?;
    }
    visit(&server, &format!("/updateReports?agent={agent}"), None)?;
    println!("{cases} cases run");
    Ok(())
}

/// One connection: collects what comes into `answer`, or else echoes it, until the connection ends.
fn visit(server: &Address, target: &str, mut answer: Option<&mut Vec<u8>>) -> Result<()> {
    let stream = FromStd::new(server.dial()?);
    let (mut rx, mut tx) = (vec![0; 65_536], vec![0; 65_536]);
    let (Some(rx), Some(tx)) = (Buffer::from_slice(&mut rx), Buffer::from_slice(&mut tx)) else {
        return Err("buffers too small".into());
    };
    let request = Request::new(&server.authority, target);
    let mut socket = WebSocket::connect(stream, rx, tx, request, random)?;
    let end = loop {
        match socket.recv() {
            Ok((Event::Chunk(chunk), reply)) => match &mut answer {
                Some(answer) => answer.extend_from_slice(chunk.payload),
                None => {
                    if let Err(error) = reply.send_fragment(chunk.kind, chunk.payload, chunk.fin) {
                        break error;
                    }
                }
            },
            Ok((Event::Close(_), _)) => break Error::Closed,
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    hang_up(socket.into_parts().0.into_inner())?;
    match end {
        // Many cases end so; to judge that is for the fuzzing server.
        Error::Closed | Error::Protocol(_) | Error::Eof | Error::Io(_) => Ok(()),
        error => Err(error.into()),
    }
}
