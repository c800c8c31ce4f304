//! A WebSocket on the command line: sends lines from stdin, prints what comes.
//!
//! `cargo run -p microws --features embedded-io-async --example wscat -- ws://127.0.0.1:1740/`

mod common;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::{Address, Result, hang_up, random};
use embassy_futures::select::{Either, select};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::handshake::client::{Item, Request};
use microws::io::asynch::{Connect, WebSocket};
use microws::{Buffer, Chunk, CloseCode, Event, MessageKind, Role, State};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Connects to a WebSocket server, sends each line of stdin as a text message, prints what comes:
/// text as it is, binary messages in hex.
#[derive(Parser)]
struct Arguments {
    /// ws://HOST[:PORT][/PATH][?QUERY]
    url: Address,
    /// Send a ping first and print the pong
    #[arg(long)]
    ping: bool,
    /// The close code to send when stdin ends
    #[arg(long, value_name = "CODE", default_value_t = 1000)]
    close: u16,
    /// A subprotocol to offer; the best first
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// The Origin field, as a browser would send it
    #[arg(long)]
    origin: Option<String>,
    /// A further header field
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    header: Vec<(String, String)>,
}

fn field(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wscat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let close = CloseCode(arguments.close);
    if !close.is_sendable() {
        return Err(format!("the close code {close} can't be sent").into());
    }
    let server = &arguments.url;
    let stream = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|error| format!("{}:{}: {error}", server.host, server.port))?;
    stream.set_nodelay(true)?;

    let (mut rx, mut tx) = ([0; 4096], [0; 4096]);
    let subprotocols: Vec<&str> = arguments.subprotocol.iter().map(String::as_str).collect();
    let fields: Vec<_> = arguments.header.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = Request {
        origin: arguments.origin.as_deref(),
        subprotocols: &subprotocols,
        fields: &fields,
        ..Request::new(&server.authority, &server.target)
    };
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut opening = Connect::new(FromTokio::new(stream), rx, tx, request, random);
    let mut refused = false;
    while let Some(item) = opening.next().await? {
        match item {
            Item::Start { status, reason } if status != 101 => {
                eprintln!("{status} {}", String::from_utf8_lossy(reason));
                refused = true;
            }
            // Where to go, or what to bring.
            Item::Field(field) if refused && (field.is("Location") || field.is("WWW-Authenticate")) => {
                let name = String::from_utf8_lossy(field.name);
                eprintln!("{name}: {}", String::from_utf8_lossy(field.value));
            }
            _ => {}
        }
    }
    let mut socket = opening.connect().await?;
    if let Some(name) = opening.subprotocol() {
        eprintln!("subprotocol: {name}");
    }
    if arguments.ping {
        socket.sender().ping(b"wscat").await?;
    }
    talk(&mut socket, close).await?;
    hang_up(socket.into_parts().0.into_inner().into_std()?)
}

/// Until both sides have closed.
async fn talk<R: Role>(socket: &mut WebSocket<'_, FromTokio<TcpStream>, R>, code: CloseCode) -> Result<()> {
    let mut lines = stdin_lines();
    let mut printer = Printer::default();
    loop {
        let open = socket.state() == State::Open;
        // While the user thinks, messages come; once we have closed, the peer has five seconds.
        let other = async {
            if open {
                lines.recv().await
            } else {
                tokio::time::sleep(Duration::from_secs(5)).await;
                None
            }
        };
        match select(socket.recv(), other).await {
            Either::First(received) => match received?.0 {
                Event::Chunk(chunk) => printer.print(&chunk)?,
                Event::Pong(payload) => eprintln!("pong: {}", String::from_utf8_lossy(payload)),
                Event::Ping(_) => {} // is answered already
                Event::Close(close) => {
                    eprintln!("{}", format!("closed: {} {}", close.code, close.reason()).trim_end());
                    return Ok(());
                }
            },
            Either::Second(Some(line)) => socket.sender().send_text(&line?).await?,
            Either::Second(None) if open => socket.sender().close(code, "").await?,
            Either::Second(None) => return Err("no close frame came within five seconds".into()),
        }
    }
}

/// A thread reads, for stdin can't be read without waiting.
fn stdin_lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Prints messages as they come, a line for each.
#[derive(Default)]
struct Printer {
    amid: bool,
}

impl Printer {
    fn print(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match chunk.kind {
            MessageKind::Text => out.write_all(chunk.payload)?,
            MessageKind::Binary => {
                for byte in &*chunk.payload {
                    write!(out, "{}{byte:02x}", if self.amid { " " } else { "" })?;
                    self.amid = true;
                }
            }
        }
        if chunk.fin {
            self.amid = false;
            writeln!(out)?;
        }
        out.flush()
    }
}
