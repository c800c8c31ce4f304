//! Two tasks as on a device: a sensor that measures now and then, and the one that owns the socket, which takes from
//! the sensor's channel while it receives. Nothing waits for anything else, and every deadline is kept.
//!
//! `cargo run -p microws --features embedded-io-async --example select -- ws://127.0.0.1:1740/`

mod common;

use std::time::Duration;

use common::{Address, Result, half_close, now, random};
use embassy_futures::join::join;
use embassy_futures::select::{Either3, select3};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::asynch::WebSocket;
use microws::{Buffer, CloseCode, Config, Event, Session};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:1740/".into());
    // Few places: a sensor faster than the network waits, and no memory grows.
    let (sender, readings) = channel(4);
    join(sensor(sender), network(url.parse()?, readings)).await.1
}

/// Measures ten times.
async fn sensor(sender: Sender<u16>) {
    for millivolts in (1200..).step_by(7).take(10) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if sender.send(millivolts).await.is_err() {
            return; // the connection has ended
        }
    }
}

async fn network(server: Address, mut readings: Receiver<u16>) -> Result<()> {
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    // The server's messages are short: in one piece, then.
    let config =
        Config::new().request(&server.authority, &server.target).max_message_len(200).whole_up_to(200);
    let mut socket = WebSocket::new(FromTokio::new(stream), rx, tx, Session::client(&config, random))
        .half_close(|stream| half_close(stream.inner()));
    socket.open().await?;
    let mut measuring = true;
    loop {
        let reading = async { if measuring { readings.recv().await } else { std::future::pending().await } };
        let timer = tokio::time::sleep(Duration::from_millis(socket.tick(now()).unwrap_or(u32::MAX).into()));
        match select3(socket.recv(), reading, timer).await {
            // `recv` goes on where it was dropped.
            Either3::First(received) => match received? {
                Some((Event::Chunk(c), _)) => {
                    println!("the server says {}", String::from_utf8_lossy(c.payload))
                }
                Some(_) => {}
                None => return Ok(()),
            },
            // Queued here, written out by the next `recv`.
            Either3::Second(Some(millivolts)) => {
                socket.sender().send_text(&format!("{millivolts} mV")).await?
            }
            Either3::Second(None) => {
                socket.sender().close(CloseCode::NORMAL, "measured").await?;
                measuring = false;
            }
            Either3::Third(()) => {} // `tick` does what is due
        }
    }
}
