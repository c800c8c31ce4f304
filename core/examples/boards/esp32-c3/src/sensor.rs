//! What the sensor does with its network: for another board, only the source of the readings is another one.

use core::fmt::Write;

use embassy_futures::select::{Either3, select3};
use embassy_net::dns::DnsSocket;
use embassy_net::tcp::client::{TcpClient, TcpClientState, TcpConnection};
use embassy_net::{Stack, tcp};
use embassy_time::{Duration, Instant, Ticker, Timer};
use esp_hal::rng::Rng;
use esp_hal::tsens::TemperatureSensor;
use esp_println::println;
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
type Random = fn(&mut [u8]);

fn random(bytes: &mut [u8]) {
    Rng::new().read(bytes);
}

/// Connects again and again.
pub async fn run(stack: Stack<'_>, sensor: &TemperatureSensor<'_>) -> ! {
    let state = TcpClientState::new();
    let (tcp, dns) = (TcpClient::<1, 1024, 1024>::new(stack, &state), DnsSocket::new(stack));
    let dialer = Dialer::new(&tcp, &dns, |ms: u32| Timer::after_millis(ms.into()));
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let mut backoff = Backoff::new(500, 60_000);
    loop {
        stack.wait_config_up().await;
        // Each attempt begins with nothing of the last one.
        let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
        let session = Session::client(&CONFIG, random as Random);
        let mut refusal = Refusal::<128>::new();
        match dialer.dial(URL, rx, tx, session, |event| refusal.note(&event)).await {
            Ok(mut socket) => match work(&mut socket, sensor, &mut backoff).await {
                Ok(end) => println!("{end}"),
                Err(error) => println!("{error}"),
            },
            Err(error) => println!("{error}"),
        }
        // A server that is overloaded may say when to come back.
        let least = refusal.retry_after().unwrap_or(0).min(3600) * 1000;
        let wait = backoff.next_after(Rng::new().random(), least);
        println!("again in {wait} ms");
        Timer::after_millis(wait.into()).await;
    }
}

/// What the device is for, until the connection ends.
async fn work(
    socket: &mut WebSocket<'_, Connection<'_>, Client<Random>>,
    sensor: &TemperatureSensor<'_>,
    backoff: &mut Backoff,
) -> Result<End, Error<tcp::Error>> {
    println!("connected");
    let mut message = Message::<128>::new();
    let mut second = Ticker::every(Duration::from_secs(1));
    loop {
        // A server that says nothing is pinged, and given up if it stays silent.
        let wait = socket.tick(Instant::now().as_millis() as u32);
        let deadline = Timer::after_millis(wait.unwrap_or(u32::MAX).into());
        match select3(socket.recv_message(&mut message), second.next(), deadline).await {
            // `recv_message` goes on where it was dropped.
            Either3::First(received) => match received? {
                Some(Whole::Text(text)) => {
                    println!("the server says {text}");
                    // It works: the next failure is a first one.
                    backoff.reset();
                }
                Some(_) => {}
                None => return Ok(socket.session().end().unwrap_or(End::Eof)),
            },
            Either3::Second(()) => {
                let mut reading = heapless::String::<32>::new();
                _ = write!(reading, "{:.1} °C", sensor.get_temperature().to_celsius());
                // Queued here, written out by the next `recv_message`.
                socket.sender().send_text(&reading).await?;
            }
            Either3::Third(()) => {} // `tick` does what is due
        }
    }
}
