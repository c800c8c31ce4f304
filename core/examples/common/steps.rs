//! What the `client_*` examples do with an echo server, step by step; the same for each of them.
#![allow(clippy::arithmetic_side_effects, reason = "no device runs this")]

use std::fmt;

use microws::{Event, MessageKind};

use super::{Address, Result};

const USAGE: &str = "ws://HOST:PORT/PATH [STEP...]
  N       sends a binary message of N bytes and compares its echo
  tN      the same with text
  N/M     in M fragments
  ping    sends a ping and waits for the pong
  X       sends the text X and waits for any answer, or the close that it may ask for
The buffers have 512 bytes each, whatever N is.";

/// One thing to do, and the answer to wait for.
#[derive(Debug)]
pub enum Step {
    Echo { kind: MessageKind, payload: Vec<u8>, fragments: usize },
    Ping,
    Say(String),
}

/// Where to connect to and what to do there, from the command line.
pub fn arguments() -> Result<(Address, Vec<Step>)> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().filter(|first| first.starts_with("ws")).ok_or(USAGE)?;
    let mut steps: Vec<Step> = arguments.map(|step| Step::of(&step)).collect();
    if steps.is_empty() {
        steps = ["t12", "100000", "1000/3", "ping"].map(Step::of).into();
    }
    Ok((url.parse()?, steps))
}

impl Step {
    fn of(argument: &str) -> Self {
        if argument == "ping" {
            return Self::Ping;
        }
        let (len, fragments) = argument.split_once('/').unwrap_or((argument, "1"));
        let (kind, len) = match len.strip_prefix('t') {
            Some(len) => (MessageKind::Text, len),
            None => (MessageKind::Binary, len),
        };
        match (len.parse(), fragments.parse()) {
            (Ok(len), Ok(fragments)) => {
                let payload = match kind {
                    MessageKind::Text => text(len).into_bytes(),
                    MessageKind::Binary => (0..len).map(|i| (i * 31 + i / 251) as u8).collect(),
                };
                Self::Echo { kind, payload, fragments }
            }
            _ => Self::Say(argument.to_owned()),
        }
    }

    /// The message to send, in its fragments: payload and whether it is the last. None for a ping.
    pub fn fragments(&self) -> (MessageKind, Vec<(&[u8], bool)>) {
        match self {
            Self::Echo { kind, payload, fragments } => {
                let len = payload.len().div_ceil((*fragments).max(1)).max(1);
                let mut pieces: Vec<_> = payload.chunks(len).map(|piece| (piece, false)).collect();
                match pieces.last_mut() {
                    Some((_, fin)) => *fin = true,
                    None => pieces.push((&[], true)),
                }
                (*kind, pieces)
            }
            Self::Say(text) => (MessageKind::Text, vec![(text.as_bytes(), true)]),
            Self::Ping => (MessageKind::Binary, Vec::new()),
        }
    }
}

/// `len` bytes with characters of all lengths.
fn text(len: usize) -> String {
    let mut text = String::with_capacity(len);
    for next in "Grüße, 世界! 🎉 ".chars().cycle() {
        if text.len() + next.len_utf8() > len {
            break;
        }
        text.push(next);
    }
    while text.len() < len {
        text.push('.');
    }
    text
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echo { kind, payload, fragments } => {
                write!(f, "{kind:?} of {} bytes in {fragments} fragment(s)", payload.len())
            }
            Self::Ping => f.write_str("ping"),
            Self::Say(text) => write!(f, "{text:?}"),
        }
    }
}

/// What has come of the answer to a step.
#[derive(Debug)]
pub struct Answer<'s> {
    step: &'s Step,
    come: usize,
    text: Vec<u8>,
}

impl<'s> Answer<'s> {
    pub fn new(step: &'s Step) -> Self {
        Self { step, come: 0, text: Vec::new() }
    }

    /// Looks at an event; true if the step is done by it.
    pub fn take(&mut self, event: &Event<'_>) -> Result<bool> {
        match (self.step, event) {
            (Step::Echo { kind, payload, .. }, Event::Chunk(chunk)) => {
                let expected = payload.get(self.come..self.come + chunk.payload.len());
                if chunk.kind != *kind || expected != Some(&*chunk.payload) {
                    return Err(format!("{}: the echo differs after byte {}", self.step, self.come).into());
                }
                self.come += chunk.payload.len();
                if chunk.fin && self.come < payload.len() {
                    return Err(format!("{}: the echo has {} bytes", self.step, self.come).into());
                }
                if chunk.fin {
                    println!("{}: echoed", self.step);
                }
                Ok(chunk.fin)
            }
            (Step::Say(_), Event::Chunk(chunk)) => {
                self.text.extend_from_slice(chunk.payload);
                if chunk.fin {
                    println!("{}: {}", self.step, String::from_utf8_lossy(&self.text));
                }
                Ok(chunk.fin)
            }
            (Step::Ping, Event::Pong(b"are you there?")) => {
                println!("{}: pong", self.step);
                Ok(true)
            }
            (Step::Say(_), Event::Close(close)) => {
                println!("{}: closed by the server: {} {}", self.step, close.code, close.reason());
                Ok(true)
            }
            (step, Event::Close(close)) => {
                Err(format!("{step}: closed by the server: {}", close.code).into())
            }
            _ => Ok(false),
        }
    }
}
