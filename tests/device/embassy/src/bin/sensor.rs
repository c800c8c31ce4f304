//! The sensor of `tests/device/src/bin/client.rs` as one task: subscribes, sends a reading every 100 ms, comes back when
//! the server does.
#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_executor::Spawner;
use embassy_futures::select::{Either3, select, select3};
use embassy_net::tcp::{self, TcpSocket};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use microws::io::{Error, asynch::WebSocket};
use microws::{Backoff, Buffer, CloseCode, Config, Event, MessageKind, SendError, Session, State};
use microws_device::sensor::{INTERVAL, SUBSCRIBE, is_stop, reading, request};
use microws_embassy::{now, start, timer};
use panic_halt as _;

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 2), 9000);
const CONFIG: Config<'_> = request("192.168.1.2:9000");

/// The TCP connection is made within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (stack, mut random) = start(spawner).await;
    let (mut tcp_rx, mut tcp_tx) = ([0; 2048], [0; 2048]);
    let (mut rx, mut tx) = ([0; 512], [0; 526]);
    let mut sensor = Sensor { sent: 0, was_open: false };
    let mut backoff = Backoff::new(100, 10_000);
    stack.wait_config_up().await;
    loop {
        let mut socket = TcpSocket::new(stack, &mut tcp_rx, &mut tcp_tx);
        socket.set_nagle_enabled(false);
        if let Ok(Ok(())) = with_timeout(CONNECT_WITHIN, socket.connect(SERVER)).await {
            let keys = |bytes: &mut [u8]| random.fill_bytes(bytes);
            let visited = sensor.visit(&mut socket, Buffer::new(&mut rx), Buffer::new(&mut tx), keys).await;
            socket.close();
            _ = select(socket.flush(), Timer::after_secs(5)).await;
            socket.abort();
            if visited.is_ok() {
                return;
            }
        }
        if core::mem::take(&mut sensor.was_open) {
            backoff.reset();
        }
        Timer::after_millis(backoff.next(random.next_u32()).into()).await;
    }
}

struct Sensor {
    /// How many readings it has sent, over all connections.
    sent: u32,
    was_open: bool,
}

impl Sensor {
    /// One connection, until the server says that it wants no more.
    async fn visit(
        &mut self,
        socket: &mut TcpSocket<'_>,
        rx: Buffer<'_>,
        tx: Buffer<'_>,
        keys: impl FnMut(&mut [u8]),
    ) -> Result<(), Error<tcp::Error>> {
        let session = Session::client(&CONFIG, keys);
        let mut socket = WebSocket::new(socket, rx, tx, session).half_close(|socket| socket.close());
        let mut next = Instant::MAX;
        loop {
            let timer = timer(socket.tick(now()));
            // `recv` goes on where it was dropped.
            match select3(socket.recv(), timer, Timer::at(next)).await {
                Either3::First(received) => match received? {
                    Some((Event::Open, line)) => {
                        line.send_text(SUBSCRIBE).await?;
                        (self.was_open, next) = (true, Instant::now());
                    }
                    Some((Event::Chunk(chunk), line)) if is_stop(&chunk) => {
                        next = Instant::MAX;
                        match line.close(CloseCode::NORMAL, "done").await {
                            Ok(()) | Err(Error::Send(SendError::Closed)) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    Some(_) => {}
                    None => return Ok(()),
                },
                Either3::Second(()) => {} // `tick` does what is due
                Either3::Third(()) => {
                    next += Duration::from_millis(INTERVAL.into());
                    if socket.session().state() != State::Open {
                        next = Instant::MAX;
                    // The server does not take them fast enough: this one is left out.
                    } else if socket.sender().queued() == 0 {
                        let reading = reading(self.sent, now());
                        socket.sender().send(MessageKind::Text, reading.as_bytes()).await?;
                        self.sent += 1;
                    }
                }
            }
        }
    }
}
