//! The stream of bytes to one client, which never blocks.
//!
//! Only this module knows readiness, which comes as edges, and TLS. It holds the bytes that the kernel did not take; with
//! TLS those are ciphertext.

mod address;
mod buffers;
mod layer;
mod listener;
mod outbox;
mod pieces;
mod pool;
mod queue;
mod start;
mod stream;
#[cfg(feature = "tls")]
mod tls;

use std::io;

use mio::{Registry, Token};

pub(crate) use address::Address;
pub(crate) use buffers::{Buffers, LARGE};
pub(crate) use layer::ReadError;
pub(crate) use listener::Listener;
#[cfg(test)]
use pieces::PIECE;
pub(crate) use pool::Pool;
pub(crate) use queue::Queue;
pub(crate) use start::Start;

use layer::Layer;
use outbox::Outbox;
use stream::Stream;

/// How long a client may take nothing, in milliseconds, before it is read further. Until then it waits for its own
/// replies, as TCP means it to: memory that is read again at once is cheap, and other clients are served meanwhile.
const READ_AGAIN_AFTER: u64 = 20;

/// The stream to one client.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: Stream,
    outbox: Option<Box<Outbox>>,
    /// The stream may hold bytes that were not read.
    unread: bool,
    /// The client ended its direction. No further event comes: that end must be read.
    read_closed: bool,
    output: Output,
    /// What is between the stream's bytes and the session's: nothing, once the connection is known to be a plain one.
    layer: Option<Box<Layer>>,
}

/// What becomes of the bytes that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// They go as fast as the kernel takes them.
    AtOnce,
    /// One goes after so many milliseconds, and the next after as many more.
    Slow(u8),
    /// They are thrown away.
    Muted,
}

impl Transport {
    fn new(stream: Stream, start: Start) -> Self {
        let layer = Layer::new(start).map(Box::new);
        Self { stream, outbox: None, unread: false, read_closed: false, output: Output::AtOnce, layer }
    }

    /// Has events come as `token`; `address` is the client's.
    pub(crate) fn register(&self, registry: &Registry, token: Token, address: &Address) -> io::Result<()> {
        self.stream.register(registry, token, address.is_tcp())
    }

    /// An event came.
    pub(crate) const fn ready(&mut self, readable: bool, read_closed: bool) {
        self.unread |= readable || read_closed;
        self.read_closed |= read_closed;
    }

    /// Whether there may be something to read, and no replies wait; or they have waited for so long that the client
    /// seems to send all it has before it reads, and there is room for more of them.
    #[inline]
    pub(crate) fn may_read(&self, pool: &Pool, now: u64) -> bool {
        self.unread && self.outbox.as_ref().is_none_or(|outbox| may_queue(outbox, pool, now))
    }

    /// Whether there is something to read, no replies wait, and the stream's bytes are the session's.
    #[inline]
    pub(crate) const fn is_usual(&self) -> bool {
        self.unread && self.outbox.is_none() && self.layer.is_none()
    }

    /// In how many milliseconds a client is read further whose replies wait.
    pub(crate) fn reads_in(&self, pool: &Pool, now: u64) -> Option<u32> {
        let outbox = self.outbox.as_ref().filter(|outbox| self.unread && pool.may_queue(outbox.len()))?;
        Some((outbox.since() + READ_AGAIN_AFTER).saturating_sub(now) as u32)
    }

    /// Reads once; 0 is the client's end of the stream, `None` says that nothing is there.
    #[inline]
    pub(crate) fn read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        let read = self.stream.read(room)?;
        self.unread = match read {
            // A short read has emptied it, unless the end of the stream comes after.
            Some(n @ 1..) => n == room.len() || self.read_closed,
            Some(0) | None => false,
        };
        Ok(read)
    }

    /// Writes two slices, one after the other, from where they are. What the kernel does not take goes to
    /// the outbox, after the bytes that are there already.
    #[inline]
    pub(crate) fn write(&mut self, first: &[u8], second: &[u8], pool: &mut Pool, now: u64) -> io::Result<()> {
        if self.layer.is_some() {
            return self.write_layered(first, second, pool, now);
        }
        self.write_out(first, second, pool, now)
    }

    #[inline]
    fn write_out(
        &mut self,
        mut first: &[u8],
        mut second: &[u8],
        pool: &mut Pool,
        now: u64,
    ) -> io::Result<()> {
        if self.output == Output::Muted {
            return Ok(());
        }
        while self.outbox.is_none() && self.output == Output::AtOnce {
            let Some(n) = self.stream.write(first, second)? else { break };
            if n == first.len() + second.len() {
                return Ok(());
            }
            let of_first = n.min(first.len());
            (first, second) = (&first[of_first..], &second[n - of_first..]);
        }
        if first.is_empty() && second.is_empty() {
            return Ok(());
        }
        let outbox = self.outbox.get_or_insert_with(|| pool.take_outbox(now));
        outbox.push(first, pool.pieces());
        outbox.push(second, pool.pieces());
        Ok(())
    }

    /// From now on throws away what is written.
    pub(crate) const fn mute(&mut self) {
        self.output = Output::Muted;
    }

    /// From now on sends a byte after so many milliseconds, and the next after as many more.
    pub(crate) const fn slow_down(&mut self, pace: u8) {
        self.output = Output::Slow(pace);
    }

    /// Has the stream end in a reset when it is dropped.
    pub(crate) fn reset(&self) -> io::Result<()> {
        self.stream.reset()
    }

    /// Whether there is something to do without an event.
    #[inline]
    pub(crate) fn may_go_on(&self, pool: &Pool, now: u64) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.takes_more()) || self.may_read(pool, now)
    }

    /// Writes some of the outbox; whether it is empty now.
    pub(crate) fn flush(&mut self, pool: &mut Pool, now: u64) -> io::Result<bool> {
        let Some(outbox) = &mut self.outbox else { return Ok(true) };
        let stream = &mut self.stream;
        match self.output {
            Output::Slow(pace) if now < outbox.since() + u64::from(pace) => return Ok(false),
            Output::Slow(_) => outbox.write(1, |slices| stream.write_slices(slices), now, pool.pieces())?,
            _ => outbox.write(usize::MAX, |slices| stream.write_slices(slices), now, pool.pieces())?,
        }
        if !outbox.is_empty() {
            return Ok(false);
        }
        if outbox.ends_stream() {
            self.stream.shutdown();
        }
        self.release(pool);
        Ok(true)
    }

    /// Gives the outbox back, written or not.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        if let Some(outbox) = self.outbox.take() {
            pool.give_back_outbox(outbox);
        }
    }

    /// When the kernel last took some of the outbox, in milliseconds since the start; `None` if it is empty.
    pub(crate) fn blocked_since(&self) -> Option<u64> {
        self.outbox.as_ref().map(|outbox| outbox.since())
    }

    /// In how many milliseconds the next byte goes on a stream that is slowed down.
    pub(crate) fn writes_in(&self, now: u64) -> Option<u32> {
        match (&self.outbox, self.output) {
            (Some(outbox), Output::Slow(pace)) => {
                Some((outbox.since() + u64::from(pace)).saturating_sub(now) as u32)
            }
            _ => None,
        }
    }

    /// Whether bytes wait in the outbox.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.outbox.is_some()
    }

    /// Ends our direction of the stream, after the outbox.
    pub(crate) fn shutdown(&mut self, pool: &mut Pool, now: u64) {
        if self.layer.is_some() && !self.end_layer(pool, now) {
            return;
        }
        self.shutdown_stream();
    }

    fn shutdown_stream(&mut self) {
        match &mut self.outbox {
            _ if self.output == Output::Muted => {}
            Some(outbox) => outbox.shut_down_after(),
            None => self.stream.shutdown(),
        }
    }
}

#[inline(never)]
fn may_queue(outbox: &Outbox, pool: &Pool, now: u64) -> bool {
    now >= outbox.since() + READ_AGAIN_AFTER && pool.may_queue(outbox.len())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A transport and its client.
    fn pair() -> (Transport, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (Transport::new(Stream::new(stream.into()), Start::default()), client)
    }

    #[test]
    fn bytes_that_the_kernel_does_not_take_follow_in_order_and_the_end_comes_last() {
        let (mut transport, mut client) = pair();
        let mut pool = Pool::new(1_000_000, 50_000_000);
        let (mut sent, mut now) = (Vec::new(), 0);
        // Beyond what the kernel takes, and then a little more.
        while !transport.is_blocked() || now % 7 != 0 {
            let (first, second) = ([now as u8; 300], vec![!(now as u8); 100_000]);
            transport.write(&first, &second, &mut pool, now).unwrap();
            sent.extend([&first[..], &second].concat());
            now += 1;
        }
        assert!(transport.blocked_since().is_some_and(|since| since < now));
        transport.ready(true, false);
        assert!(!transport.may_read(&pool, now), "the client may read soon");
        assert_eq!(
            transport.reads_in(&pool, now),
            transport.blocked_since().map(|since| (since + READ_AGAIN_AFTER - now) as u32)
        );
        now += READ_AGAIN_AFTER;
        assert!(transport.may_read(&pool, now), "it sends all it has before it reads");
        while pool.pieces().lent() < 1_000_000 {
            transport.write(&[1; 1000], &[], &mut pool, now).unwrap();
            sent.extend([1; 1000]);
        }
        transport.write(&[1; PIECE], &[], &mut pool, now).unwrap();
        sent.extend([1; PIECE]);
        assert!(!transport.may_read(&pool, now), "a client with so many replies unread is not read from");
        transport.shutdown(&mut pool, now);
        let reading = std::thread::spawn(move || {
            let mut came = Vec::new();
            client.read_to_end(&mut came).unwrap();
            came
        });
        while !transport.flush(&mut pool, now).unwrap() {
            std::thread::yield_now();
        }
        assert!(reading.join().unwrap() == sent, "other bytes came");
        assert_eq!(transport.blocked_since(), None);
        assert!(transport.may_read(&pool, now));
        assert_eq!(pool.pieces().lent(), 0);
    }

    #[test]
    fn a_short_read_has_emptied_the_stream_unless_its_end_comes() {
        let (mut transport, client) = pair();
        let pool = Pool::new(1, 1);
        let mut room = [0; 100];
        let mut read = |transport: &mut Transport| loop {
            if let Some(n) = transport.read(&mut room).unwrap() {
                return n;
            }
            std::thread::yield_now();
        };
        let send = |bytes: &[u8]| std::io::Write::write_all(&mut &client, bytes).unwrap();
        assert!(!transport.may_read(&pool, 0));
        send(&[1; 100]);
        transport.ready(true, false);
        assert!(transport.may_read(&pool, 0));
        assert_eq!(read(&mut transport), 100);
        assert!(transport.may_read(&pool, 0), "there may be more");
        send(&[1; 99]);
        assert_eq!(read(&mut transport), 99);
        assert!(!transport.may_read(&pool, 0));
        send(&[1; 50]);
        transport.ready(true, true);
        assert_eq!(read(&mut transport), 50);
        assert!(transport.may_read(&pool, 0), "its end");
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(read(&mut transport), 0);
        assert!(!transport.may_read(&pool, 0));
    }
}
