//! What the switch does with its network: for another board, only the button, the LED and the random source are others.

use embassy_futures::select::{Either3, select3};
use embassy_net::dns::DnsSocket;
use embassy_net::tcp::client::{TcpClient, TcpClientState, TcpConnection};
use embassy_net::{Stack, tcp};
use embassy_stm32::exti::ExtiInput;
use embassy_stm32::gpio::{Level, Output};
use embassy_stm32::mode::Async;
use embassy_stm32::peripherals::RNG;
use embassy_stm32::rng::Rng;
use embassy_time::{Instant, Timer};
use microws::handshake::Refusal;
use microws::http::Url;
use microws::io::dial::Dialer;
use microws::io::{Error, asynch::WebSocket};
use microws::{Backoff, Buffer, Client, Config, End, Message, Session, Whole};

// Yours:
const URL: Url<'_> = match Url::parse("ws://192.168.1.10:1740/") {
    Ok(url) => url,
    Err(_) => panic!("no WebSocket address"),
};

static CONFIG: Config<'_> = Config::new().url(URL).max_message_len(1024);

type Connection<'n> = TcpConnection<'n, 1, 1024, 1024>;

/// Connects again and again.
pub async fn run(
    stack: Stack<'_>,
    random: &mut Rng<'_, RNG>,
    button: &mut ExtiInput<'_, Async>,
    led: &mut Output<'_>,
) -> ! {
    let state = TcpClientState::new();
    let (tcp, dns) = (TcpClient::<1, 1024, 1024>::new(stack, &state), DnsSocket::new(stack));
    let dialer = Dialer::new(&tcp, &dns, |ms: u32| Timer::after_millis(ms.into()));
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let mut backoff = Backoff::new(500, 60_000);
    loop {
        stack.wait_config_up().await;
        // Each attempt begins with nothing of the last one.
        let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
        let session = Session::client(&CONFIG, |key: &mut [u8]| random.fill_bytes(key));
        let mut refusal = Refusal::<128>::new();
        match dialer.dial(URL, rx, tx, session, |event| refusal.note(&event)).await {
            Ok(mut socket) => match work(&mut socket, button, led, &mut backoff).await {
                Ok(end) => defmt::info!("{}", end),
                Err(error) => defmt::warn!("{}", error),
            },
            Err(error) => defmt::warn!("{}", error),
        }
        // A server that is overloaded may say when to come back.
        let least = refusal.retry_after().unwrap_or(0).min(3600) * 1000;
        let wait = backoff.next_after(random.next_u32(), least);
        defmt::info!("again in {} ms", wait);
        Timer::after_millis(wait.into()).await;
    }
}

/// What the device is for, until the connection ends.
async fn work<R: FnMut(&mut [u8])>(
    socket: &mut WebSocket<'_, Connection<'_>, Client<R>>,
    button: &mut ExtiInput<'_, Async>,
    led: &mut Output<'_>,
    backoff: &mut Backoff,
) -> Result<End, Error<tcp::Error>> {
    defmt::info!("connected");
    let mut message = Message::<32>::new();
    loop {
        // A server that says nothing is pinged, and given up if it stays silent.
        let wait = socket.tick(Instant::now().as_millis() as u32);
        let deadline = Timer::after_millis(wait.unwrap_or(u32::MAX).into());
        match select3(socket.recv_message(&mut message), button.wait_for_rising_edge(), deadline).await {
            // `recv_message` goes on where it was dropped.
            Either3::First(received) => match received? {
                Some(Whole::Text(text @ ("on" | "off"))) => {
                    led.set_level(if text == "on" { Level::High } else { Level::Low });
                    // It works: the next failure is a first one.
                    backoff.reset();
                }
                Some(_) => {}
                None => return Ok(socket.session().end().unwrap_or(End::Eof)),
            },
            // Queued here, written out by the next `recv_message`.
            Either3::Second(()) => {
                socket.sender().send_text(if led.is_set_high() { "off" } else { "on" }).await?
            }
            Either3::Third(()) => {} // `tick` does what is due
        }
    }
}
