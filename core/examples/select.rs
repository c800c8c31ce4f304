//! Two tasks as on a device: a sensor that has something to say now and then, and the one that owns the
//! socket, which takes from the sensor's channel while it receives. Nothing waits for anything else.
//!
//! `cargo run -p microws --features embedded-io-async --example select -- ws://127.0.0.1:1740/`

mod common;

use std::time::Duration;

use common::{Address, Result, hang_up, random};
use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::handshake::client::Request;
use microws::io::asynch::WebSocket;
use microws::{Buffer, CloseCode, Event};
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
    let request = Request::new(&server.authority, &server.target);
    let mut socket = WebSocket::connect(FromTokio::new(stream), rx, tx, request, random)
        .await?
        // What the server says is short: in one piece, then.
        .limits(|connection| connection.max_message_len(200).whole_up_to(200));
    let mut measuring = true;
    loop {
        let reading = async { if measuring { readings.recv().await } else { std::future::pending().await } };
        match select(socket.recv(), reading).await {
            Either::First(received) => match received?.0 {
                Event::Chunk(chunk) => println!("the server says {}", String::from_utf8_lossy(chunk.payload)),
                Event::Close(close) => {
                    println!("closed: {}", close.code);
                    break;
                }
                _ => {}
            },
            Either::Second(Some(millivolts)) => {
                // Queued here, written out by `recv` in the next turn.
                socket.sender().send_text(&format!("{millivolts} mV")).await?;
            }
            Either::Second(None) => {
                socket.sender().close(CloseCode::NORMAL, "measured").await?;
                measuring = false;
            }
        }
    }
    hang_up(socket.into_parts().0.into_inner().into_std()?)
}
