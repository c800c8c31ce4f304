//! The whole life of a client on a device: it connects, sends a reading every second, and comes back after everything that
//! can happen, not all at once with the others. It ends where trying again changes nothing.
//!
//! `cargo run -p microws --features embedded-nal-async --example client_life -- ws://127.0.0.1:1740/`

mod common;
#[path = "common/nal.rs"]
mod nal;

use std::time::Duration;

use common::{Result, now, random};
use embassy_futures::select::{Either3, select3};
use embedded_io_async::{Read, Write};
use microws::handshake::Refusal;
use microws::http::Url;
use microws::io::dial::{DialError, Dialer};
use microws::io::{Error, asynch::WebSocket};
use microws::{Backoff, Buffer, Client, Config, End, HandshakeError, Message, Session, Whole};
use nal::Tokio;

/// A server that moves on and on is given up, and waited for.
const MOST_REDIRECTS: u8 = 5;

type Random = fn(&mut [u8]);

fn sleep(milliseconds: u32) -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(milliseconds.into()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let home = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:1740/".into());
    let dialer = Dialer::new(&Tokio, &Tokio, sleep);
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let mut backoff = Backoff::new(500, 60_000);
    let (mut address, mut redirects) = (home.clone(), 0);
    loop {
        // Each attempt begins with nothing of the last one.
        let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
        let url = Url::parse(&address)?;
        let config = Config::new().url(url).max_message_len(4096);
        let session = Session::client(&config, random as Random);
        let mut refusal = Refusal::<256>::new();
        let mut wait = 0;
        match dialer.dial(url, rx, tx, session, |event| refusal.note(&event)).await {
            Ok(mut socket) => {
                println!("connected to {address}");
                redirects = 0;
                let end = work(&mut socket, &mut backoff).await;
                println!("{}", end.as_ref().map_or_else(ToString::to_string, ToString::to_string));
            }
            Err(DialError::Open(Error::End(End::Rejected(error)))) => {
                println!("{error}: {}", error.advice());
                match (error, refusal.location()) {
                    (HandshakeError::Status(301..=308), Some(location))
                        if redirects < MOST_REDIRECTS
                            && Url::parse(location).is_ok_and(|url| !url.is_secure()) =>
                    {
                        redirects = redirects.saturating_add(1);
                        location.clone_into(&mut address);
                        continue;
                    }
                    (HandshakeError::Status(401 | 403 | 404 | 410), _) => return Err(error.into()),
                    _ => wait = refusal.retry_after().unwrap_or(0).min(3600).saturating_mul(1000),
                }
            }
            // The configuration is at fault.
            Err(error @ (DialError::NeedsTls | DialError::Open(Error::End(End::Unsendable(_))))) => {
                return Err(error.into());
            }
            Err(error) => println!("{error}"),
        }
        home.clone_into(&mut address);
        let mut bits = [0; 4];
        random(&mut bits);
        wait = backoff.next_after(u32::from_ne_bytes(bits), wait);
        println!("again in {wait} ms");
        sleep(wait).await;
    }
}

/// What the device is for, until the connection ends. Every deadline is kept, and no verb waits for another.
async fn work<S: Read + Write>(
    socket: &mut WebSocket<'_, S, Client<Random>>,
    backoff: &mut Backoff,
) -> std::result::Result<End, Error<S::Error>> {
    let mut message = Message::<128>::new();
    let mut next = tokio::time::interval(Duration::from_secs(1));
    loop {
        let deadline = sleep(socket.tick(now()).unwrap_or(u32::MAX));
        match select3(socket.recv_message(&mut message), next.tick(), deadline).await {
            Either3::First(received) => match received? {
                Some(Whole::Text(text)) => {
                    println!("the server says {text}");
                    // It works: the next failure is a first one.
                    backoff.reset();
                }
                Some(_) => {}
                None => return Ok(socket.session().end().unwrap_or(End::Eof)),
            },
            // Queued here, written out by the next `recv_message`.
            Either3::Second(_) => socket.sender().send_text(&format!("uptime {} ms", now())).await?,
            Either3::Third(()) => {}
        }
    }
}
