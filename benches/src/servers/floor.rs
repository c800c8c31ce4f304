//! The floor: the bytes themselves sent back, with no protocol at all, by an event loop of the shape that
//! microws's own server has. One receive buffer for all; per readiness one receive and one send; a short read
//! means drained; what the kernel did not take is kept, and until it is gone nothing is read from that client.

use std::{
    io::{ErrorKind, Read, Write},
    mem,
    time::Duration,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use slab::Slab;

use super::Outcome;

const PAGE: usize = 4096;
const LISTENER: Token = Token(usize::MAX);

struct Client {
    stream: TcpStream,
    unsent: Vec<u8>,
}

enum Progress {
    Drained,
    More,
    Gone,
}

impl Client {
    fn readable(&mut self, buffer: &mut [u8]) -> Progress {
        if !self.unsent.is_empty() {
            return Progress::Drained;
        }
        let len = match self.stream.read(buffer) {
            Ok(0) => return Progress::Gone,
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Drained,
            Err(_) => return Progress::Gone,
        };
        let sent = match self.stream.write(&buffer[..len]) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => return Progress::Gone,
        };
        if sent < len {
            self.unsent.extend(&buffer[sent..len]);
            // The room's edge may have passed before the write found none.
            return self.writable();
        }
        if len < buffer.len() { Progress::Drained } else { Progress::More }
    }

    fn writable(&mut self) -> Progress {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(len) => sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Progress::Gone,
            }
        }
        self.unsent.drain(..sent);
        // What came meanwhile has had its edge already.
        if self.unsent.is_empty() { Progress::More } else { Progress::Drained }
    }
}

pub(super) fn serve(listener: std::net::TcpListener) -> Outcome {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients = Slab::<Client>::new();
    let mut buffer = vec![0; 256 * 1024 + PAGE];
    // As microws places its own: half a page past a page boundary, because the kernel's side of the copy mostly begins a page.
    let start = (PAGE + PAGE / 2 - buffer.as_ptr().addr() % PAGE) % PAGE;
    let buffer = &mut buffer[start..][..256 * 1024];
    let (mut again, mut now) = (vec![], vec![]);
    loop {
        match poll.poll(&mut events, (!again.is_empty()).then_some(Duration::ZERO)) {
            // A tracer lets go.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        mem::swap(&mut now, &mut again);
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients)?;
                continue;
            }
            let key = event.token().0;
            let Some(client) = clients.get_mut(key) else { continue };
            let mut progress = Progress::Drained;
            if event.is_writable() && !client.unsent.is_empty() {
                progress = client.writable();
            }
            if event.is_readable() && matches!(progress, Progress::Drained) {
                progress = client.readable(buffer);
                // An end that is queued after data has no edge of its own.
                if event.is_read_closed() && matches!(progress, Progress::Drained) && client.unsent.is_empty()
                {
                    progress = Progress::More;
                }
            }
            settle(key, progress, &poll, &mut clients, &mut again)?;
        }
        for key in now.drain(..) {
            let Some(client) = clients.get_mut(key) else { continue };
            let progress = client.readable(buffer);
            settle(key, progress, &poll, &mut clients, &mut again)?;
        }
    }
}

fn settle(
    key: usize,
    progress: Progress,
    poll: &Poll,
    clients: &mut Slab<Client>,
    again: &mut Vec<usize>,
) -> Outcome {
    match progress {
        Progress::Drained => {}
        Progress::More => again.push(key),
        Progress::Gone => poll.registry().deregister(&mut clients.remove(key).stream)?,
    }
    Ok(())
}

fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Slab<Client>) -> Outcome {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nodelay(true)?;
        let entry = clients.vacant_entry();
        poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE | Interest::WRITABLE)?;
        entry.insert(Client { stream, unsent: Vec::new() });
    }
}
