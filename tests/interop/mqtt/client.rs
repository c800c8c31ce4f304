//! An MQTT client of other hands, which knows streams only, over a WebSocket with buffers of 256 bytes: it subscribes and
//! publishes, and the stream is cut in the middle of a packet.
//!
//! `mqtt ws://HOST:PORT/mqtt TOPIC`: prints a line for everything that went well.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use embedded_io_adapters::tokio_1::FromTokio;
use microws::http::Url;
use microws::io::asynch::{ByteStream, WebSocket};
use microws::{Buffer, Config, End, Session};
use rust_mqtt::Bytes;
use rust_mqtt::buffer::AllocBuffer;
use rust_mqtt::client::event::Event;
use rust_mqtt::client::options::{
    ConnectOptions, DisconnectOptions, PublicationOptions, SubscriptionOptions, TopicReference,
};
use rust_mqtt::client::{Client, MqttError};
use rust_mqtt::types::{MqttString, TopicFilter, TopicName};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Stream<'a> = ByteStream<'a, FromTokio<tokio::net::TcpStream>, microws::Client<fn(&mut [u8])>>;
type Mqtt<'b, 'a> = Client<'b, 'b, Stream<'a>, AllocBuffer, 1, 4, 4, 1, 4, 0, 0>;

/// Keys for a test; nobody looks at this traffic.
fn random(bytes: &mut [u8]) {
    bytes.fill_with(|| fastrand::u8(..));
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, topic] = &arguments[..] else { return Err("ws://HOST:PORT/mqtt TOPIC".into()) };
    let url = Url::parse(url)?;
    let config = Config::new().url(url).subprotocols(&["mqtt"]);
    let there = format!("{}:{}", url.host(), url.port());

    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let stream = open(&there, &config, Buffer::new(&mut rx), Buffer::new(&mut tx)).await?;
    assert_eq!(stream.session().subprotocol(), Some("mqtt"));
    let mut buffer = AllocBuffer;
    let mut mqtt = Mqtt::new(&mut buffer);
    let id = text("microws")?;
    mqtt.connect(stream, &ConnectOptions::new().clean_start(), Some(id)).await.map_err(told)?;
    println!("connected");
    subscribe(&mut mqtt, topic).await?;
    for (len, quality) in [(0, 0), (1, 1), (125, 2), (126, 0), (1_000, 1), (70_000, 2)] {
        let sent: Vec<u8> = (0..len).map(|i: u32| b'a' + (i % 26) as u8).collect();
        let reference = TopicReference::Name(TopicName::new(text(topic)?).ok_or("no topic name")?);
        let publication = match quality {
            0 => PublicationOptions::new(reference),
            1 => PublicationOptions::new(reference).at_least_once(),
            _ => PublicationOptions::new(reference).exactly_once(),
        };
        mqtt.publish(&publication, Bytes::from(&sent[..])).await.map_err(told)?;
        let (mut came, mut done) = (false, quality == 0);
        while !(came && done) {
            match mqtt.poll().await.map_err(told)? {
                Event::Publish(publish) => {
                    if *publish.message != sent[..] {
                        return Err(format!("{len} bytes came back as {}", publish.message.len()).into());
                    }
                    came = true;
                }
                Event::PublishAcknowledged(_) | Event::PublishComplete(_) => done = true,
                _ => {}
            }
        }
        println!("published and received {len} bytes, quality of service {quality}");
    }
    mqtt.ping().await.map_err(told)?;
    while !matches!(mqtt.poll().await.map_err(told)?, Event::Pingresp) {}
    println!("answered a ping");
    let mut stream = mqtt.disconnect(&DisconnectOptions::new()).await.map_err(told)?;
    match stream.close().await {
        // A broker may drop the connection after the last packet of MQTT.
        Ok(()) | Err(microws::io::StreamError::End(End::Eof)) => println!("disconnected"),
        Err(error) => return Err(error.into()),
    }
    drop(mqtt);

    let relay = cut_in_a_packet(there)?;
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let stream = open(&relay, &config, Buffer::new(&mut rx), Buffer::new(&mut tx)).await?;
    let mut buffer = AllocBuffer;
    let mut mqtt = Mqtt::new(&mut buffer);
    let id = text("microws-cut")?;
    mqtt.connect(stream, &ConnectOptions::new().clean_start(), Some(id)).await.map_err(told)?;
    let own = format!("{topic}/cut");
    subscribe(&mut mqtt, &own).await?;
    let reference = TopicReference::Name(TopicName::new(text(&own)?).ok_or("no topic name")?);
    mqtt.publish(&PublicationOptions::new(reference), Bytes::from(CUT)).await.map_err(told)?;
    match mqtt.poll().await {
        Err(MqttError::Network(kind)) => println!("cut in the middle of a packet: {kind:?}"),
        other => return Err(format!("cut in the middle of a packet: {other:?}").into()),
    }
    Ok(())
}

async fn open<'a>(there: &str, config: &'a Config<'a>, rx: Buffer<'a>, tx: Buffer<'a>) -> Result<Stream<'a>> {
    let stream = tokio::net::TcpStream::connect(there).await?;
    stream.set_nodelay(true)?;
    let session = Session::client(config, random as fn(&mut [u8]));
    let mut socket = WebSocket::new(FromTokio::new(stream), rx, tx, session);
    socket.open().await?;
    Ok(ByteStream::new(socket))
}

async fn subscribe(mqtt: &mut Mqtt<'_, '_>, topic: &str) -> Result<()> {
    let filter = TopicFilter::new(text(topic)?).ok_or("no topic filter")?;
    mqtt.subscribe(filter, &SubscriptionOptions::new().exactly_once()).await.map_err(told)?;
    match mqtt.poll().await.map_err(told)? {
        Event::Suback(suback) if suback.reason_code.is_success() => println!("subscribed"),
        other => return Err(format!("no subscription: {other:?}").into()),
    }
    Ok(())
}

fn text(text: &str) -> Result<MqttString<'_>> {
    MqttString::from_str(text).map_err(|error| told(error).into())
}

/// The error borrows the client.
fn told(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

/// The message that is cut, and where.
const CUT: &[u8] = b"the first half|the second half";

/// A relay to `there` that takes away everything from the broker after the first half of [`CUT`]; its address.
fn cut_in_a_packet(there: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || -> std::io::Result<()> {
        let (mut client, _) = listener.accept()?;
        let mut broker = TcpStream::connect(there)?;
        let (mut from, mut to) = (client.try_clone()?, broker.try_clone()?);
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut last, mut byte) = (Vec::new(), [0]);
        while broker.read(&mut byte)? > 0 {
            last.push(byte[0]);
            client.write_all(&byte)?;
            if last.ends_with(b"half|") {
                break;
            }
        }
        client.shutdown(Shutdown::Both)?;
        broker.shutdown(Shutdown::Both)
    });
    Ok(address)
}
