//! The page, and the WebSocket that keeps it up to date; nothing here knows the board.

use core::future::pending;

use embassy_futures::select::{Either3, select, select3};
use embassy_net::Stack;
use embassy_net::tcp::{self, TcpSocket};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::watch::Watch;
use embassy_time::{Instant, Timer};
use microws::io::{Error, asynch::WebSocket};
use microws::{Buffer, Config, Event, Session, State};

/// Browsers open several connections for a page.
pub const CLIENTS: usize = 6;
const PORT: u16 = 80;

static PAGE: &[u8] = include_bytes!("lamp.html");
static CONFIG: Config<'_> = Config::new();
/// Whether it is on; the clients and the one who has the LED look at it.
pub static LAMP: Watch<CriticalSectionRawMutex, bool, { CLIENTS + 1 }> = Watch::new_with(false);

/// One client after the other.
#[embassy_executor::task(pool_size = CLIENTS)]
pub async fn serve(stack: Stack<'static>) -> ! {
    let (mut tcp_rx, mut tcp_tx) = ([0; 1024], [0; 1024]);
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    loop {
        let mut socket = TcpSocket::new(stack, &mut tcp_rx, &mut tcp_tx);
        socket.set_nagle_enabled(false);
        if socket.accept(PORT).await.is_ok() {
            // An error ends the connection, whatever it is: the client was told.
            if let Err(error) = converse(&mut socket, Buffer::new(&mut rx), Buffer::new(&mut tx)).await {
                defmt::info!("{}", error);
            }
            socket.close();
            // The last segments get a moment to arrive; a client that is gone gets no more.
            _ = select(socket.flush(), Timer::after_secs(5)).await;
            socket.abort();
        }
    }
}

async fn converse(
    socket: &mut TcpSocket<'_>,
    rx: Buffer<'_>,
    tx: Buffer<'_>,
) -> Result<(), Error<tcp::Error>> {
    let session = Session::server(&CONFIG);
    let mut socket = WebSocket::new(socket, rx, tx, session).half_close(|socket| socket.close());
    let mut lamp = LAMP.receiver().unwrap();
    let mut wants_page = false;
    loop {
        // A client that says nothing is pinged, and given up if it stays silent.
        let wait = socket.tick(Instant::now().as_millis() as u32);
        let deadline = Timer::after_millis(wait.unwrap_or(u32::MAX).into());
        // The first time it returns at once.
        let open = socket.session().state() == State::Open;
        let switched = async { if open { lamp.changed().await } else { pending().await } };
        match select3(socket.recv(), switched, deadline).await {
            // `recv` goes on where it was dropped.
            Either3::First(received) => match received? {
                Some((Event::Request(line), _)) => wants_page = line.path() == "/",
                Some((Event::HeadEnd, reply)) if wants_page => {
                    reply.respond_content(200, &[("Content-Type", "text/html; charset=utf-8")], PAGE).await?;
                }
                Some((Event::Chunk(c), _)) => LAMP.sender().send(c.payload == b"on"),
                Some(_) => {} // the upgrade is accepted, pings are answered, bad requests rejected
                None => return Ok(()),
            },
            // Queued here, written out by the next `recv`.
            Either3::Second(on) => socket.sender().send_text(if on { "on" } else { "off" }).await?,
            Either3::Third(()) => {} // `tick` does what is due
        }
    }
}
