//! What the targets share: an input is eight bytes that choose sizes, limits and cuts, and what comes
//! from the peer behind them.

use microws::{Connection, MIN_CAPACITY, Role};
use microws_tests::{Cuts, Drive, Seen, Side, frames, messages};

/// The first eight bytes of an input.
#[derive(Debug, Clone, Copy)]
pub struct Choice([u8; 8]);

impl Choice {
    /// The choice and what the peer sends; `None` if the input is too short.
    pub fn split(input: &[u8]) -> Option<(Self, &[u8])> {
        let (choice, peer) = input.split_first_chunk()?;
        Some((Self(*choice), peer))
    }

    /// The size of a buffer, the smallest one often.
    fn size(byte: u8) -> usize {
        match byte {
            0..=63 => MIN_CAPACITY,
            64..=191 => MIN_CAPACITY + usize::from(byte - 64),
            _ => 4 * usize::from(byte),
        }
    }

    pub fn rx(self) -> usize {
        Self::size(self.0[0])
    }

    pub fn tx(self) -> usize {
        Self::size(self.0[1])
    }

    pub fn reads(self) -> Cuts {
        match self.0[2] {
            0 => Cuts::Every(1),
            seed => Cuts::random(u64::from(seed), 1 + usize::from(self.0[3])),
        }
    }

    pub fn writes(self) -> Cuts {
        Cuts::random(u64::from(!self.0[2]), 1 + usize::from(self.0[4]))
    }

    pub fn lazy(self) -> bool {
        self.0[5] & 1 != 0
    }

    /// The longest head in bytes and its most fields, if not the default.
    pub fn head_limits(self) -> Option<(u32, u16)> {
        (self.0[6] != 0).then(|| (u32::from(self.0[6]) * 16, u16::from(self.0[7])))
    }

    /// The connection with limits, each off by default.
    fn limit<R: Role>(self, mut connection: Connection<R>) -> Connection<R> {
        if self.0[5] & 2 != 0 {
            connection = connection.max_message_len(u64::from(self.0[6]) * 8);
        }
        if self.0[5] & 4 != 0 {
            connection = connection.max_fragments(u32::from(self.0[7]));
        }
        if self.0[5] & 8 != 0 {
            connection = connection.whole_up_to(u32::from(self.0[7]) * 4);
        }
        connection
    }
}

/// Frames in the role of `S`: whole or cut gives the same, and the echo as well. What must hold at
/// each step is looked after by [`Drive`].
pub fn frames_of<S: Side>(input: &[u8]) {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let open = || choice.limit(S::open());
    // What is whole depends on the size of rx, so it is the same in both runs.
    let whole = || Drive { rx: choice.rx(), ..Drive::default() };
    let cut = || Drive {
        rx: choice.rx(),
        tx: choice.tx(),
        reads: choice.reads(),
        writes: choice.writes(),
        lazy: choice.lazy(),
    };
    let listened = whole().listen(&mut open(), peer);
    assert_eq!(cut().listen(&mut open(), peer), listened);
    // Every output is whole frames, masked as the role demands.
    let sent = S::sent(&listened.output);
    // No frame follows a close frame.
    assert!(sent.iter().rev().skip(1).all(|(b0, _)| *b0 != 0x88));
    // Every ping before a close of ours has its pong.
    let pings =
        listened.events.iter().filter_map(|event| if let Seen::Ping(p) = event { Some(p) } else { None });
    let pongs = sent.iter().filter(|(b0, _)| *b0 == 0x8a).map(|(_, payload)| payload);
    assert!(pings.eq(pongs));

    let echoed = whole().echo(&mut open(), peer);
    let cut = cut().echo(&mut open(), peer);
    assert_eq!((&cut.events, cut.end), (&echoed.events, echoed.end));
    assert_eq!((&echoed.events, echoed.end), (&listened.events, listened.end));
    assert_eq!(messages(&frames(&cut.output)), messages(&frames(&echoed.output)));
}
