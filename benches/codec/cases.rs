//! The frames to echo, and the check of what comes back.

use std::rc::Rc;

use microws_benches::frames::{self, Content, PlainHeader};

/// Messages of one kind, as many as fill the buffer, or one if it is larger.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub name: String,
    content: Content,
    /// Bytes of a fragment.
    len: usize,
    /// Fragments of a message.
    fragments: usize,
}

const BUFFER: usize = 64 * 1024;

/// A case's frames, and what they say.
#[derive(Debug)]
pub(crate) struct Input {
    pub wire: Rc<[u8]>,
    /// Opcode and payload of each.
    messages: Vec<(u8, Vec<u8>)>,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![];
        for (content, name) in
            [(Content::Binary, "binary"), (Content::Ascii, "ASCII text"), (Content::Mixed, "multi-byte text")]
        {
            let lens = [0, 20, 125, 1 << 10, 16 << 10, 1 << 20];
            for len in lens.into_iter().filter(|len| *len > 0 || content == Content::Binary) {
                let size = match len {
                    0..1024 => format!("{len} B"),
                    1024..1_048_576 => format!("{} KiB", len >> 10),
                    _ => format!("{} MiB", len >> 20),
                };
                all.push(Self { name: format!("{name} {size}"), content, len, fragments: 1 });
            }
        }
        all.push(Self {
            name: "binary 4 x 256 B fragments".into(),
            content: Content::Binary,
            len: 256,
            fragments: 4,
        });
        all
    }

    pub(crate) fn input(&self) -> Input {
        let mut random = fastrand::Rng::with_seed(self.len as u64);
        let (mut wire, mut messages) = (vec![], vec![]);
        loop {
            let payload = self.content.payload(self.len * self.fragments, &mut random);
            let mut message = vec![];
            for i in 0..self.fragments {
                let opcode = if i == 0 { self.content.opcode() } else { frames::CONTINUATION };
                let fin = if i + 1 == self.fragments { frames::FIN } else { 0 };
                let part = &payload[i * self.len..][..self.len];
                frames::push_masked(&mut message, fin | opcode, random.u32(..).to_ne_bytes(), part);
            }
            if !messages.is_empty() && wire.len() + message.len() > BUFFER {
                return Input { wire: wire.into(), messages };
            }
            wire.extend(message);
            messages.push((self.content.opcode(), payload));
        }
    }
}

impl Input {
    pub(crate) fn count(&self) -> usize {
        self.messages.len()
    }

    /// Whether `output` holds the same messages, in whatever fragments.
    pub(crate) fn check(&self, mut output: &[u8]) -> Result<(), String> {
        for (i, (opcode, expected)) in self.messages.iter().enumerate() {
            let (mut payload, mut fin, mut awaited) = (Vec::<u8>::new(), false, *opcode);
            while !fin {
                let header = PlainHeader::parse(output)?.ok_or_else(|| format!("message {i} is missing"))?;
                if header.first & !frames::FIN != awaited {
                    return Err(format!("message {i} begins with {:#04x}", header.first));
                }
                let end = header.size + usize::try_from(header.len).map_err(|error| error.to_string())?;
                payload.extend(output.get(header.size..end).ok_or_else(|| format!("message {i} is cut"))?);
                output = &output[end..];
                fin = header.first & frames::FIN != 0;
                awaited = frames::CONTINUATION;
            }
            if payload != *expected {
                return Err(format!("message {i} has another payload"));
            }
        }
        if output.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", output.len())) }
    }
}
