//! A WebSocket on the command line: sends lines from stdin, prints the messages that come.
//!
//! `cargo run -p microws --features embedded-io-async --example wscat -- ws://127.0.0.1:1740/`

mod common;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::{Address, Result, half_close, now, random};
use embassy_futures::select::{Either3, select3};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::asynch::WebSocket;
use microws::{Buffer, Chunk, CloseCode, Config, Event, MessageKind, Session};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Connects to a WebSocket server, sends each line of stdin as a text message, prints the messages that come:
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
    // The request has one Host field: whoever gives one knows better.
    let is_host = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("Host");
    let (hosts, fields): (Vec<_>, Vec<_>) =
        arguments.header.iter().map(|(name, value)| (&**name, &**value)).partition(is_host);
    let host = hosts.last().map_or(&*server.authority, |(_, value)| value);
    let mut config = Config::new().request(host, &server.target).subprotocols(&subprotocols).fields(&fields);
    if let Some(origin) = &arguments.origin {
        config = config.origin(origin);
    }
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut socket = WebSocket::new(FromTokio::new(stream), rx, tx, Session::client(&config, random))
        .half_close(|stream| half_close(stream.inner()));

    let mut lines = stdin_lines();
    let mut printer = Printer::default();
    let (mut open, mut rejected) = (false, false);
    loop {
        let line = async { if open { lines.recv().await } else { std::future::pending().await } };
        let timer = tokio::time::sleep(Duration::from_millis(socket.tick(now()).unwrap_or(u32::MAX).into()));
        match select3(socket.recv(), line, timer).await {
            Either3::First(received) => match received? {
                Some((Event::Status(line), _)) if line.status() != 101 => {
                    eprintln!("{} {}", line.status(), String::from_utf8_lossy(line.reason()));
                    rejected = true;
                }
                // Where to go, or what to bring.
                Some((Event::Field(field), _))
                    if rejected && (field.is("Location") || field.is("WWW-Authenticate")) =>
                {
                    let name = String::from_utf8_lossy(field.name());
                    eprintln!("{name}: {}", String::from_utf8_lossy(field.value()));
                }
                Some((Event::Open, reply)) => {
                    open = true;
                    if arguments.ping {
                        reply.ping(b"wscat").await?;
                    }
                    if let Some(name) = socket.session().subprotocol() {
                        eprintln!("subprotocol: {name}");
                    }
                }
                Some((Event::Chunk(chunk), _)) => printer.print(&chunk)?,
                Some((Event::Pong(payload), _)) => eprintln!("pong: {}", String::from_utf8_lossy(payload)),
                Some((Event::Close(close), _)) => {
                    open = false;
                    eprintln!("{}", format!("closed: {} {}", close.code, close.reason()).trim_end());
                }
                Some(_) => {}
                None => return Ok(()),
            },
            Either3::Second(Some(line)) => socket.sender().send_text(&line?).await?,
            Either3::Second(None) => {
                open = false;
                socket.sender().close(close, "").await?;
            }
            Either3::Third(()) => {} // `tick` does what is due
        }
    }
}

/// A thread reads, because stdin can't be read without waiting.
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
    in_message: bool,
}

impl Printer {
    fn print(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match chunk.kind {
            MessageKind::Text => out.write_all(chunk.payload)?,
            MessageKind::Binary => {
                for byte in &*chunk.payload {
                    write!(out, "{}{byte:02x}", if self.in_message { " " } else { "" })?;
                    self.in_message = true;
                }
            }
        }
        if chunk.fin {
            self.in_message = false;
            writeln!(out)?;
        }
        out.flush()
    }
}
