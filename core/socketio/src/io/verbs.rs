//! The handle and its verbs, once; blocking and asynchronous differ in two words.

macro_rules! verbs {
    ($io:ident, $module:ident, [$($async:ident)?], [$($await:tt)*]) => {
        use $io::{Read, Write};
        use microws::io::$module::WebSocket;
        use microws::Endpoint;

        use super::Error;
        use crate::client::{Client, Event, Found, earlier};
        use crate::inbox::Inbox;
        use crate::outgoing::Outgoing;
        use crate::step::End;

        /// A client in one namespace, from the first byte of its WebSocket's opening to its end.
        #[derive(Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct Socket<'a, S, R: Endpoint> {
            inbox: Inbox<'a>,
            sender: Sender<'a, S, R>,
        }

        /// The half of a [`Socket`] that sends. `recv` lends it beside each event, which borrows the inbox alone.
        #[derive(Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct Sender<'a, S, R: Endpoint> {
            socket: WebSocket<'a, S, R>,
            client: Client<'a>,
        }

        impl<'a, S: Read + Write, R: Endpoint> Socket<'a, S, R> {
            /// With a WebSocket, a client and an inbox that nothing was done to.
            pub const fn new(socket: WebSocket<'a, S, R>, client: Client<'a>, inbox: Inbox<'a>) -> Self {
                Self { inbox, sender: Sender { socket, client } }
            }

            /// Waits for the next event, and hands it out with the [`Sender`] to reply with. Writes out and flushes
            /// queued bytes before it waits. `None`: we left the namespace; drop the stream.
            ///
            /// # Errors
            /// [`End`](Error::End): drop the stream, too. Whether [`Io`](Error::Io) is final, the stream knows.
            #[allow(clippy::type_complexity)]
            pub $($async)? fn recv(
                &mut self,
            ) -> Result<Option<(Event<'_>, &mut Sender<'a, S, R>)>, Error<S::Error>> {
                let found = self.drive()$($await)*?;
                Ok(found.map(|found| (found.bind(&self.inbox), &mut self.sender)))
            }

            /// Waits until the namespace is joined. No event comes before that, except those that a
            /// [`Recovery`](crate::Recovery) brings: with one, use [`recv`](Self::recv), because here they are lost.
            ///
            /// # Errors
            /// As [`recv`](Self::recv). Only `recv` hands out the reason of a server that refuses.
            pub $($async)? fn open(&mut self) -> Result<(), Error<S::Error>> {
                while !self.sender.client.is_connected() {
                    if self.drive()$($await)*?.is_none() {
                        return Err(Error::End(End::Left));
                    }
                }
                Ok(())
            }

            $($async)? fn drive(&mut self) -> Result<Option<Found>, Error<S::Error>> {
                let Self { inbox, sender: Sender { socket, client } } = self;
                loop {
                    if let Some(end) = client.aborted(socket.session().state()) {
                        return over(end);
                    }
                    let settled =
                        socket.sender().until_sent(|session, tx| Ok(client.settle(session, tx)))$($await)*;
                    if let Err(error) = settled {
                        return Err(failed(client, error));
                    }
                    if let Some(found) = client.overdue() {
                        return Ok(Some(found));
                    }
                    let end = match socket.recv()$($await)* {
                        Ok(Some((event, _))) => match client.take(event, inbox) {
                            Some(found) => return Ok(Some(found)),
                            None => continue,
                        },
                        Ok(None) => socket.session().end().unwrap_or(microws::End::Eof),
                        Err(microws::io::Error::End(end)) => end,
                        Err(error) => return Err(failed(client, error)),
                    };
                    return over(client.ended(end));
                }
            }

            /// The half that sends.
            pub const fn sender(&mut self) -> &mut Sender<'a, S, R> {
                &mut self.sender
            }

            /// The client, to ask for its state and its end.
            pub const fn client(&self) -> &Client<'a> {
                &self.sender.client
            }

            /// Does what is due at `now`, and returns in how many milliseconds to call it again at the latest: see
            /// [`Client::tick`].
            pub fn tick(&mut self, now: u32) -> Option<u32> {
                let Sender { socket, client } = &mut self.sender;
                earlier(client.due(now), socket.tick(now))
            }

            /// The WebSocket with its stream, to be closed.
            pub fn into_web_socket(self) -> WebSocket<'a, S, R> {
                self.sender.socket
            }
        }

        impl<'a, S: Read + Write, R: Endpoint> Sender<'a, S, R> {
            /// Queues an event without attachments. Arguments are JSON text with commas between them.
            ///
            /// # Errors
            /// [`Send`](Error::Send) as [`Client::send`]; [`Io`](Error::Io) if `tx` had to be written out.
            pub $($async)? fn emit(&mut self, name: &str, args: &str) -> Result<(), Error<S::Error>> {
                self.send(&Outgoing::event(name, args))$($await)*
            }

            /// Queues the acknowledgement of the event that came with this id.
            ///
            /// # Errors
            /// As [`emit`](Self::emit).
            pub $($async)? fn ack(&mut self, id: u32, args: &str) -> Result<(), Error<S::Error>> {
                self.send(&Outgoing::ack(id, args))$($await)*
            }

            /// Queues an event or an acknowledgement, with its attachments: see [`Client::send`].
            ///
            /// # Errors
            /// As [`emit`](Self::emit).
            pub $($async)? fn send(&mut self, outgoing: &Outgoing<'_>) -> Result<(), Error<S::Error>> {
                let Self { socket, client } = self;
                client.check(outgoing)?;
                let sent = socket
                    .sender()
                    .until_sent(|session, tx| {
                        let sent = client.transmit(session, tx, outgoing)?;
                        Ok(sent)
                    })$($await)*;
                sent.map_err(|error| failed(client, error))
            }

            /// Reserves an id to await an acknowledgement under: see [`Client::expect_ack`].
            pub fn expect_ack(&mut self, timeout: u32) -> Option<u32> {
                self.client.expect_ack(timeout)
            }

            /// Leaves the namespace; go on with `recv` until `None`.
            pub const fn disconnect(&mut self) {
                self.client.disconnect();
            }

            /// Writes out queued bytes and flushes the stream.
            ///
            /// # Errors
            /// [`Io`](Error::Io), or [`End`](Error::End) if the stream takes no more.
            pub $($async)? fn flush(&mut self) -> Result<(), Error<S::Error>> {
                let Self { socket, client } = self;
                let flushed = socket.sender().flush()$($await)*;
                flushed.map_err(|error| failed(client, error))
            }
        }

        fn over<T, E>(end: End) -> Result<Option<T>, Error<E>> {
            if end == End::Left { Ok(None) } else { Err(Error::End(end)) }
        }

        fn failed<E>(client: &mut Client<'_>, error: microws::io::Error<E>) -> Error<E> {
            match error {
                microws::io::Error::Io(error) => Error::Io(error),
                microws::io::Error::Send(error) => Error::Send(error.into()),
                microws::io::Error::End(end) => Error::End(client.ended(end)),
                // There are no others.
                _ => Error::End(client.ended(microws::End::Eof)),
            }
        }
    };
}
