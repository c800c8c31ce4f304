//! Echoes for the fuzzing server of the Autobahn testsuite, case by case, and has it write its reports.
//!
//! `autobahn-client ws://127.0.0.1:9001 AGENT`

mod common;

use common::{Address, Result, half_close, random};
use embedded_io_adapters::std::FromStd;
use microws::deflate::{Deflater, Inflater, MAX_RING_LEN, Params};
use microws::io::{Error, blocking::WebSocket};
use microws::{Buffer, Config, Event, SendError, Session};

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

/// One connection: collects the payload into `answer`, or else echoes it, until the connection ends.
fn visit(server: &Address, target: &str, mut answer: Option<&mut Vec<u8>>) -> Result<()> {
    let stream = FromStd::new(server.dial()?);
    let (mut rx, mut tx) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut ring, mut inflater, mut table) = (vec![0; MAX_RING_LEN], Inflater::new(), vec![0; 8192]);
    let (Some(rx), Some(tx), Some(mut deflater)) =
        (Buffer::from_slice(&mut rx), Buffer::from_slice(&mut tx), Deflater::new(&mut table))
    else {
        return Err("buffers too small".into());
    };
    let rx = rx.inflating_slice(&mut inflater, &mut ring).ok_or("the ring is too small")?;
    // The ring serves this connection alone.
    let params = Params::new().keep_peers_context(true);
    let config = Config::new().request(&server.authority, target).deflate(params);
    let mut socket = WebSocket::new(stream, rx, tx, Session::client(&config, random))
        .half_close(|stream| half_close(stream.inner()));
    socket.open()?;
    // Where both compress, a message is compressed whole; otherwise it is sent back as it comes.
    let compresses = socket.session().agreed().is_some();
    let mut message = Vec::new();
    loop {
        let sent = match socket.recv() {
            Ok(Some((Event::Chunk(c), reply))) => match &mut answer {
                Some(answer) => {
                    answer.extend_from_slice(c.payload);
                    Ok(())
                }
                None if compresses => {
                    message.extend_from_slice(c.payload);
                    if c.fin {
                        let whole = std::mem::take(&mut message);
                        reply.send_compressed(&mut deflater, c.kind, &whole)
                    } else {
                        Ok(())
                    }
                }
                None => reply.send_fragment(c.kind, c.payload, c.fin),
            },
            Ok(Some(_)) => Ok(()),
            // Many cases end with an error; the fuzzing server decides whether that is right.
            Ok(None) | Err(Error::End(_) | Error::Io(_)) => return Ok(()),
            Err(error) => Err(error),
        };
        match sent {
            // After our close frame messages may come, but not go.
            Ok(()) | Err(Error::Send(SendError::Closed)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
