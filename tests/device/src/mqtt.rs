//! A sensor as a client of MQTT over a WebSocket: publishes readings, obeys commands. rust-mqtt speaks to a stream of
//! bytes and knows nothing of what carries it.

use core::num::NonZero;

use embassy_futures::select::{Either, select};
use embedded_io_async::{Error as _, ErrorKind};
use microws::io::asynch::{ByteStream, WebSocket};
use microws::io::{Error, StreamError};
use microws::{Buffer, Client, Config, End, Session};
use microws_device::sensor::{INTERVAL, reading};
use rust_mqtt::Bytes;
use rust_mqtt::buffer::BumpBuffer;
use rust_mqtt::client::event::Event;
use rust_mqtt::client::options::{
    ConnectOptions, DisconnectOptions, PublicationOptions, SubscriptionOptions, TopicReference,
};
use rust_mqtt::client::{self, MqttError};
use rust_mqtt::config::KeepAlive;
use rust_mqtt::types::{MqttString, TopicFilter, TopicName};
use smoltcp::iface::SocketHandle;
use smoltcp::time::{Duration, Instant};

use crate::client::Random;
use crate::debugger;
use crate::lent::{Lent, TcpStream};

/// What the WebSocket has in each direction: an MQTT packet of any length goes through it.
pub const BUFFER_LEN: usize = 256;
/// What the client keeps of one packet of the broker's.
pub const PACKET_LEN: usize = 256;

const ID: &str = "sensor-1";
const READINGS: &str = "sensors/1/readings";
const COMMANDS: &str = "sensors/1/commands";
/// Milliseconds in which the broker must say something, and finish a packet that it has begun.
const PATIENCE: u32 = 10_000;
/// Readings tell the broker that the device is there.
const LONGEST_INTERVAL: u32 = 20_000;
/// Seconds after which the broker may give the device up.
const KEEP_ALIVE: KeepAlive = KeepAlive::Seconds(NonZero::new(30).unwrap());

type Socket<'l, 'n, 's> = WebSocket<'l, TcpStream<'l, 'n, 's>, Client<Random>>;
type Bytestream<'l, 'n, 's> = ByteStream<'l, TcpStream<'l, 'n, 's>, Client<Random>>;
/// One subscription, two messages of the broker's and one reading under way, and nothing that we make no use of.
type Mqtt<'b, 'l, 'n, 's> =
    client::Client<'b, 'b, Bytestream<'l, 'n, 's>, BumpBuffer<'b>, 1, 2, 1, 0, 0, 0, 0>;

/// Why a visit to the broker did not end as agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Failure {
    /// The WebSocket was not opened.
    NotOpened(ErrorKind),
    /// The stream of bytes failed.
    Network(ErrorKind),
    /// The broker, or a packet that has no room.
    Mqtt,
    /// The broker said nothing for too long.
    Overdue,
}

impl<const N: usize> From<MqttError<'_, N>> for Failure {
    fn from(error: MqttError<'_, N>) -> Self {
        match error {
            MqttError::Network(kind) => Self::Network(kind),
            _ => Self::Mqtt,
        }
    }
}

impl From<Error<ErrorKind>> for Failure {
    fn from(error: Error<ErrorKind>) -> Self {
        Self::NotOpened(StreamError::from(error).kind())
    }
}

/// The sensor, over all its visits.
pub struct Sensor {
    /// How many readings the broker has acknowledged; the next one has this number.
    pub acknowledged: u32,
    /// Milliseconds from one reading to the next.
    interval: u32,
    next: Instant,
    /// When the broker said something last, in this visit.
    heard: Option<Instant>,
    /// A reading is under way.
    waits: bool,
    stopped: bool,
}

impl Sensor {
    pub const fn new() -> Self {
        let (next, heard) = (Instant::ZERO, None);
        Self { acknowledged: 0, interval: INTERVAL, next, heard, waits: false, stopped: false }
    }

    /// Whether the visit that failed had come as far as to be connected; the next one begins anew.
    pub fn reset(&mut self) -> bool {
        self.waits = false;
        self.heard.take().is_some()
    }

    fn obey(&mut self, command: &[u8]) {
        let interval =
            command.strip_prefix(b"interval ").and_then(|ms| core::str::from_utf8(ms).ok()?.parse().ok());
        match (command, interval) {
            (b"stop", _) => self.stopped = true,
            (_, Some(interval)) => self.interval = u32::min(interval, LONGEST_INTERVAL),
            _ => defmt::warn!("no such command"),
        }
    }
}

impl Default for Sensor {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens the WebSocket of `config` on a TCP connection that was made, and is the sensor until it is told to stop.
pub async fn visit(
    lent: &Lent<'_, '_>,
    handle: SocketHandle,
    config: &Config<'_>,
    buffers: &mut [[u8; BUFFER_LEN]; 2],
    packet: &mut [u8; PACKET_LEN],
    sensor: &mut Sensor,
) -> Result<(), Failure> {
    let [rx, tx] = buffers;
    let session = Session::client(config, debugger::fill_random as Random);
    let stream = TcpStream::new(lent, handle);
    let mut socket: Socket<'_, '_, '_> =
        WebSocket::new(stream, Buffer::new(rx), Buffer::new(tx), session).half_close(TcpStream::half_close);
    socket.open_with(|milliseconds| lent.sleep(milliseconds), |_| {}).await?;

    let mut packet = BumpBuffer::new(packet);
    let mut mqtt = Mqtt::new(&mut packet);
    lent.within(PATIENCE, begin(&mut mqtt, ByteStream::new(socket))).await.ok_or(Failure::Overdue)??;
    defmt::info!("connected");
    sensor.heard = Some(lent.now());
    while !sensor.stopped {
        go_on(lent, &mut mqtt, sensor).await?;
    }
    lent.within(PATIENCE, end(&mut mqtt)).await.ok_or(Failure::Overdue)?
}

/// Connects, and subscribes to the commands.
async fn begin<'l, 'n, 's>(
    mqtt: &mut Mqtt<'_, 'l, 'n, 's>,
    stream: Bytestream<'l, 'n, 's>,
) -> Result<(), Failure> {
    let options = ConnectOptions::new().clean_start().keep_alive(KEEP_ALIVE);
    mqtt.connect(stream, &options, Some(text(ID)?)).await?;
    let commands = TopicFilter::new(text(COMMANDS)?).ok_or(Failure::Mqtt)?;
    mqtt.subscribe(commands, &SubscriptionOptions::new().at_least_once()).await?;
    match mqtt.poll().await? {
        Event::Suback(suback) if suback.reason_code.is_success() => Ok(()),
        _ => Err(Failure::Mqtt),
    }
}

/// Takes a packet of the broker's, or publishes a reading that is due.
#[allow(unsafe_code)]
async fn go_on(
    lent: &Lent<'_, '_>,
    mqtt: &mut Mqtt<'_, '_, '_, '_>,
    sensor: &mut Sensor,
) -> Result<(), Failure> {
    // Readings wait for each other: the broker's acknowledgement is its sign of life.
    let patience = Duration::from_millis(PATIENCE.into());
    let until = if sensor.waits { sensor.heard.unwrap_or(Instant::ZERO) + patience } else { sensor.next };
    // A header that has come in part is kept when this is dropped.
    let header = match select(mqtt.poll_header(), lent.sleep_until(until)).await {
        Either::First(header) => header?,
        Either::Second(()) if sensor.waits => return Err(Failure::Overdue),
        Either::Second(()) => {
            sensor.next = lent.now() + Duration::from_millis(sensor.interval.into());
            sensor.waits = true;
            let reading = reading(sensor.acknowledged, lent.now().total_millis() as u32);
            let topic = TopicReference::Name(TopicName::new(text(READINGS)?).ok_or(Failure::Mqtt)?);
            let options = PublicationOptions::new(topic).at_least_once();
            let publish = mqtt.publish(&options, Bytes::from(reading.as_bytes()));
            lent.within(PATIENCE, publish).await.ok_or(Failure::Overdue)??;
            // It counts from here.
            sensor.heard = Some(lent.now());
            return Ok(());
        }
    };
    match lent.within(PATIENCE, mqtt.poll_body(header)).await.ok_or(Failure::Overdue)?? {
        Event::Publish(publish) => sensor.obey(&publish.message),
        Event::PublishAcknowledged(_) => {
            sensor.waits = false;
            sensor.acknowledged += 1;
        }
        Event::PublishRejected(_) => return Err(Failure::Mqtt),
        _ => {}
    }
    // SAFETY: the event, which alone referred to the buffer, was dropped.
    unsafe { mqtt.buffer_mut().reset() };
    Ok(())
}

/// Says goodbye on both levels.
async fn end(mqtt: &mut Mqtt<'_, '_, '_, '_>) -> Result<(), Failure> {
    let mut stream = mqtt.disconnect(&DisconnectOptions::new()).await?;
    match stream.close().await {
        // A broker may drop the connection after the last packet of MQTT.
        Ok(()) | Err(StreamError::End(End::Eof)) => Ok(()),
        Err(error) => Err(Failure::Network(error.kind())),
    }
}

fn text(text: &str) -> Result<MqttString<'_>, Failure> {
    MqttString::from_str(text).map_err(|_| Failure::Mqtt)
}
