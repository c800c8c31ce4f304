//! The server of the stage, over `tungstenite`; see run.

use std::error::Error;
use std::net::{TcpListener, TcpStream};

use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::{CloseFrame, frame::Frame};
use tungstenite::{Error as WsError, Message};

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || {
            if let Err(error) = talk(stream) {
                println!("error {error}");
            }
        });
    }
    Ok(())
}

fn talk(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    let mut socket = tungstenite::accept(stream)?;
    let mut closed = "without a close frame".to_owned();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => match text.as_str() {
                "ping me" => socket.send(Message::Ping("are you there?".into()))?,
                "fragments" => {
                    let fragment = |text: &'static str, data, fin| {
                        Message::Frame(Frame::message(text, OpCode::Data(data), fin))
                    };
                    socket.send(fragment("one, ", Data::Text, false))?;
                    socket.send(fragment("two, ", Data::Continue, false))?;
                    socket.send(Message::Ping("between".into()))?;
                    socket.send(fragment("three", Data::Continue, true))?;
                }
                "close me" => {
                    socket
                        .close(Some(CloseFrame { code: CloseCode::from(4001), reason: "as asked".into() }))?;
                }
                _ => socket.send(Message::Text(text))?,
            },
            Ok(message @ Message::Binary(_)) => socket.send(message)?,
            Ok(Message::Pong(payload)) if payload == "are you there?" => {
                socket.send(Message::text("ponged are you there?"))?;
            }
            Ok(Message::Close(Some(frame))) => closed = format!("{} {}", u16::from(frame.code), frame.reason),
            Ok(_) => {}
            Err(WsError::ConnectionClosed) => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("closed {closed}");
    Ok(())
}
