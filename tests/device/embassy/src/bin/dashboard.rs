//! The dashboard of `tests/device/src/bin/dashboard.rs` with tasks: one for each viewer, and one that measures.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::select::{Either3, select, select3};
use embassy_net::Stack;
use embassy_net::tcp::{self, TcpSocket};
use embassy_sync::blocking_mutex::raw::ThreadModeRawMutex;
use embassy_sync::watch::Watch;
use embassy_time::{Duration, Ticker, Timer, with_timeout};
use heapless::String;
use microws::io::Error;
use microws::io::asynch::{Sender, WebSocket};
use microws::{Buffer, Event, Server, Session, State};
use microws_device::dashboard::{
    Asked, BUFFER_LEN, CONFIG, HTML, INTERVAL, NOT_FOUND, PAGE, TCP_BUFFER_LEN, TEXT, reading,
};
use microws_embassy::{now, start, timer};
use panic_halt as _;

/// Connections: a browser may hold several besides the one that shows readings.
const PLACES: usize = 8;
const PORT: u16 = 1740;
/// What a client may take for a page.
const PATIENCE: Duration = Duration::from_secs(20);

/// The last reading. Every task has a copy and encodes it: a message can't be lent to tasks that wait at different places.
static READING: Watch<ThreadModeRawMutex, String<48>, PLACES> = Watch::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (stack, _) = start(spawner).await;
    // Each task's memory, the buffers of its client included, is a static of its own; there is room for all.
    for _ in 0..PLACES {
        spawner.spawn(serve(stack).unwrap());
    }
    let mut ticker = Ticker::every(Duration::from_millis(INTERVAL.into()));
    loop {
        ticker.next().await;
        READING.sender().send(reading(now()));
    }
}

/// One client after the other.
#[embassy_executor::task(pool_size = PLACES)]
async fn serve(stack: Stack<'static>) -> ! {
    let mut tcp_buffers = [[0; TCP_BUFFER_LEN]; 2];
    let mut buffers = [[0; BUFFER_LEN]; 2];
    loop {
        let [tcp_rx, tcp_tx] = &mut tcp_buffers;
        let mut socket = TcpSocket::new(stack, tcp_rx, tcp_tx);
        socket.set_nagle_enabled(false);
        if socket.accept(PORT).await.is_ok() {
            // An error ends the connection, whatever it is: the client was told.
            _ = view(&mut socket, &mut buffers).await;
            socket.close();
            // The last segments get a moment to arrive; a client that is gone gets no more.
            _ = select(socket.flush(), Timer::after_secs(5)).await;
            socket.abort();
        }
    }
}

async fn view(
    socket: &mut TcpSocket<'_>,
    [rx, tx]: &mut [[u8; BUFFER_LEN]; 2],
) -> Result<(), Error<tcp::Error>> {
    let session = Session::server(&CONFIG);
    let mut socket =
        WebSocket::new(socket, Buffer::new(rx), Buffer::new(tx), session).half_close(|socket| socket.close());
    let Some(mut readings) = READING.receiver() else { return Ok(()) };
    let mut asked = Asked::Nothing;
    loop {
        let timer = timer(socket.tick(now()));
        // `recv` goes on where it was dropped.
        match select3(socket.recv(), timer, readings.changed()).await {
            Either3::First(received) => match received? {
                Some((event, reply)) => {
                    let answered = with_timeout(PATIENCE, answer(event, &mut asked, reply)).await;
                    answered.unwrap_or(Err(Error::Io(tcp::Error::ConnectionReset)))?;
                }
                None => return Ok(()),
            },
            Either3::Second(()) => {} // `tick` does what is due
            Either3::Third(reading) => {
                // One who takes them too slowly misses some.
                if socket.session().state() == State::Open && socket.sender().queued() == 0 {
                    socket.sender().send_text(&reading).await?;
                }
            }
        }
    }
}

async fn answer<'a>(
    event: Event<'_>,
    asked: &mut Asked,
    reply: &mut Sender<'a, &mut TcpSocket<'_>, Server>,
) -> Result<(), Error<tcp::Error>> {
    match (event, *asked) {
        (Event::Request(line), _) => *asked = Asked::of(&line),
        (Event::HeadEnd, Asked::Page) => return reply.respond_content(200, HTML, PAGE).await,
        (Event::HeadEnd, Asked::Nothing) => return reply.respond_and_stay(404, TEXT, NOT_FOUND).await,
        _ => {}
    }
    Ok(())
}
