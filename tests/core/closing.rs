//! The closing handshake, RFC 6455 sections 5.5.1, 7.1 and 7.4, in both roles.

use microws::{CloseCode, Event, MAX_REASON_LEN, ProtocolError, SendError, State, Step};
use microws_tests::{Cuts, Drive, End, Seen, Side, buffer, in_both_roles};

in_both_roles! {
    /// 5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the
    /// endpoint MUST send a Close frame in response", echoing "the status code it received".
    fn a_close_is_answered_with_its_code<S: Side>() {
        for (payload, code, reason) in [
            (&b""[..], 1005, ""),
            (b"\x03\xe8", 1000, ""),
            (b"\x03\xe9bye", 1001, "bye"),
            (b"\x0f\xa0\xe2\x82\xac", 4000, "€"),
        ] {
            let mut connection = S::open();
            let run = Drive::default().listen(&mut connection, &S::incoming(0x88, payload));
            assert_eq!(run.events, [Seen::close(code, reason)]);
            assert_eq!(run.end, End::Closed);
            let sent = S::sent(&run.output);
            assert_eq!(sent.len(), 1);
            assert_eq!(sent[0].0, 0x88);
            // The code comes back; whether the reason does is left to the endpoint.
            assert_eq!(sent[0].1.get(..2), payload.get(..2));
        }
    }

    /// 5.5.1: up to 123 bytes of reason.
    fn a_reason_may_have_123_bytes<S: Side>() {
        let reason = "r".repeat(123);
        let payload = [b"\x03\xe8", reason.as_bytes()].concat();
        let run = Drive { rx: 139, tx: 139, ..Drive::default() }
            .listen(&mut S::open(), &S::incoming(0x88, &payload));
        assert_eq!(run.events, [Seen::close(1000, &reason)]);
        assert_eq!(run.end, End::Closed);
    }

    /// 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
    fn a_close_of_one_byte_fails_the_connection<S: Side>() {
        let run = Drive::default().listen(&mut S::open(), &S::incoming(0x88, b"\x03"));
        assert_eq!(run.end, End::Failed(ProtocolError::CloseTooShort));
        assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xea".to_vec())]);
    }

    /// 7.4.1, 7.4.2 and IANA's registry: which codes may stand in a frame.
    fn every_close_code_is_taken_or_refused_as_the_registry_says<S: Side>() {
        for code in 0..=u16::MAX {
            // 7.4.1: 1004 to 1006 and 1015 "MUST NOT be set as a status code in a Close control frame by an
            // endpoint"; 1016 to 2999 are reserved; 7.4.2: "Status codes in the range 0-999 are not used."
            let may_be_sent = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            let (mut connection, mut rx, mut tx) = (S::open(), buffer_139(), buffer_139());
            let mut rx = microws::Buffer::new(&mut rx);
            let mut tx = microws::Buffer::new(&mut tx);
            assert!(rx.push(&S::incoming(0x88, &code.to_be_bytes())));
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
            let reply = if may_be_sent { code } else { 1002 };
            assert_eq!(S::sent(tx.filled()), [(0x88, reply.to_be_bytes().to_vec())]);
            tx.consume(139);
            match connection.receive(&mut rx, &mut tx) {
                Step::Event(Event::Close(close)) => {
                    assert!(may_be_sent, "{code}");
                    assert_eq!((close.code, close.reason()), (CloseCode(code), ""));
                }
                Step::End(microws::End::Failed(ProtocolError::InvalidCloseCode(bad))) => {
                    assert!(!may_be_sent && bad == code, "{code}");
                }
                other => panic!("{code}: {other:?}"),
            }
            // The same on sending.
            let mut connection = S::open();
            let expected = if may_be_sent || code == 1005 { Ok(()) } else { Err(SendError::InvalidCloseCode) };
            assert_eq!(connection.close(&mut tx, CloseCode(code), ""), expected, "{code}");
            assert_eq!(connection.state(), if expected.is_ok() { State::Closing } else { State::Open });
            let payload = if code == 1005 { vec![] } else { code.to_be_bytes().to_vec() };
            let sent = if expected.is_ok() { vec![(0x88, payload)] } else { vec![] };
            assert_eq!(S::sent(tx.filled()), sent);
        }
    }

    /// 5.5.1, 8.1: the reason is UTF-8.
    fn a_reason_that_is_no_utf8_fails_the_connection<S: Side>() {
        for reason in [&b"\xff"[..], b"ok\xc0\x80", b"cut \xe2\x82"] {
            let payload = [b"\x03\xe8", reason].concat();
            let run = Drive::default().listen(&mut S::open(), &S::incoming(0x88, &payload));
            assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
            assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xef".to_vec())]);
        }
    }

    /// 1.4: "any further data received after a Close frame" is discarded, however it comes.
    fn bytes_after_a_close_are_discarded<S: Side>() {
        let close = S::incoming(0x88, b"\x03\xe8");
        for late in [S::incoming(0x81, b"late"), S::incoming(0x89, b"late"), b"\xff\xff garbage".to_vec(),
            S::incoming(0x88, b"\x03\xe9")]
        {
            let input = [&close[..], &late].concat();
            for reads in [Cuts::Whole, Cuts::Every(1), Cuts::At(close.len() + 1)] {
                let run = Drive { reads, ..Drive::default() }.listen(&mut S::open(), &input);
                assert_eq!(run.events, [Seen::close(1000, "")]);
                assert_eq!(run.end, End::Closed);
                assert_eq!(S::sent(&run.output).len(), 1);
            }
        }
    }

    /// The close frame's payload waits in `rx` while the reply leaves `tx`; bytes that are read meanwhile are
    /// discarded as well.
    fn a_close_waits_for_tx_and_is_read_once<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(256));
        connection.send_text(&mut tx, "on its way").unwrap();
        assert!(rx.push(&S::incoming(0x88, b"\x03\xe9bye")));
        assert_eq!(connection.state(), State::Open);
        while !tx.is_empty() {
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
            assert_eq!(connection.state(), State::Closing);
            assert_eq!(connection.send_text(&mut tx, "no"), Err(SendError::Closed));
            assert!(rx.push(b"x"));
            tx.consume(1);
        }
        let Step::Event(Event::Close(close)) = connection.receive(&mut rx, &mut tx) else {
            panic!("no close");
        };
        assert_eq!((close.code, close.reason()), (CloseCode::GOING_AWAY, "bye"));
        assert_eq!(connection.state(), State::Closed);
        assert!(rx.is_empty());
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::End(microws::End::Closed(CloseCode::GOING_AWAY)));
    }

    /// A close frame is taken at once. Its payload stays in front of `rx` until `tx` is written out, however late that
    /// is and whatever the transport reads meanwhile; those bytes are dropped, so that `rx` always has room.
    fn the_payload_of_a_close_survives_while_tx_drains_late_and_more_bytes_come<S: Side>() {
        let reason = "r€".repeat(40);
        let whole: &[&[u8]] = &[b"", b"\x03\xe8", b"\x03\xe9bye", &[b"\x0f\xa0", &reason.as_bytes()[..120]].concat()];
        let another = S::incoming(0x88, b"\x03\xeaanother");
        let late: [&[u8]; 4] = [&another, b"\x00", b"\xff\xfe\xfd", b"\x81\x05Hello"];
        for payload in whole {
            let (code, text) = match payload {
                [hi, lo, text @ ..] => (u16::from_be_bytes([*hi, *lo]), std::str::from_utf8(text).unwrap()),
                _ => (1005, ""),
            };
            for (rx_len, before, drain, late) in [139, 140, 256]
                .into_iter()
                .flat_map(|rx| [&b""[..], b"taken"].map(|before| (rx, before)))
                .flat_map(|(rx, before)| [1, 7, 139].map(|drain| (rx, before, drain)))
                .flat_map(|(rx, before, drain)| late.map(|late| (rx, before, drain, late)))
            {
                let (mut connection, mut rx, mut tx) = (S::open(), buffer(rx_len), buffer(300));
                // All but the room for one reply is full already.
                assert!(tx.push(&vec![0; 300 - S::LONGEST_REPLY]));
                let waiting = tx.len();
                if !before.is_empty() {
                    // Then the close frame does not begin where the storage does.
                    assert!(rx.push(&S::incoming(0x8a, before)));
                    assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Pong(b"taken"))));
                }
                assert!(rx.push(&S::incoming(0x88, payload)));
                loop {
                    assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
                    assert_eq!((rx.filled(), connection.payload_left()), (*payload, 0));
                    assert_eq!(connection.state(), State::Closing);
                    // The transport takes some of tx and fills all of rx.
                    tx.consume(drain);
                    let room = rx.spare();
                    assert_eq!(room.len(), rx_len - payload.len());
                    for (to, from) in room.iter_mut().zip(late.iter().cycle()) {
                        *to = *from;
                    }
                    rx.commit(rx_len);
                    if tx.is_empty() {
                        break;
                    }
                    // The reply was queued once.
                    assert!(tx.len() <= waiting + S::LONGEST_REPLY);
                }
                let Step::Event(Event::Close(close)) = connection.receive(&mut rx, &mut tx) else {
                    panic!("no close");
                };
                assert_eq!((close.code, close.reason()), (CloseCode(code), text));
                assert!(rx.is_empty() && tx.is_empty());
                for _ in 0..3 {
                    assert!(rx.push(late));
                    let end = microws::End::Closed(CloseCode(code));
                    assert_eq!(connection.receive(&mut rx, &mut tx), Step::End(end));
                    assert!(rx.is_empty() && tx.is_empty());
                }
            }
        }
    }

    /// The same when the peer's close crosses ours, which leaves late.
    fn the_payload_of_a_close_that_crosses_ours_survives_until_ours_has_left<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(256));
        connection.close(&mut tx, CloseCode::GOING_AWAY, "ours").unwrap();
        let ours = tx.filled().to_vec();
        let mut sent = Vec::new();
        assert!(rx.push(&S::incoming(0x88, b"\x0f\xa0theirs")));
        while !tx.is_empty() {
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
            assert_eq!(rx.filled(), b"\x0f\xa0theirs");
            sent.push(tx.filled()[0]);
            tx.consume(1);
            rx.spare().fill(b'x');
            rx.commit(139);
        }
        assert_eq!(sent, ours);
        let Step::Event(Event::Close(close)) = connection.receive(&mut rx, &mut tx) else {
            panic!("no close");
        };
        assert_eq!((close.code, close.reason()), (CloseCode(4000), "theirs"));
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::End(microws::End::Closed(CloseCode(4000))));
    }

    /// Cut anywhere, in the middle of a message and with bytes after it that came in the same read.
    fn the_payload_of_a_close_cut_anywhere_survives_the_bytes_after_it<S: Side>() {
        let close = S::incoming(0x88, b"\x03\xe9\xe2\x82\xac bye");
        for cut in 0..=close.len() {
            let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(256));
            connection.send_text(&mut tx, "wait").unwrap();
            assert!(rx.push(&S::incoming(0x02, b"part")));
            assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Chunk(_))));
            assert!(rx.push(&close[..cut]));
            if cut < close.len() {
                assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
                assert_eq!(rx.filled(), &close[..cut]);
            }
            assert!(rx.push(&close[cut..]));
            assert!(rx.push(&S::incoming(0x80, b"late")));
            while !tx.is_empty() {
                assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
                assert_eq!(rx.filled(), b"\x03\xe9\xe2\x82\xac bye");
                tx.consume(1);
            }
            let Step::Event(Event::Close(close)) = connection.receive(&mut rx, &mut tx) else {
                panic!("no close");
            };
            assert_eq!((close.code, close.reason()), (CloseCode::GOING_AWAY, "€ bye"));
        }
    }

    /// Of a close frame that waits the payload alone is changed in the caller's storage: it is unmasked where it
    /// stands. The header before it and the bytes after it are as they came.
    fn the_storage_around_a_close_that_waits_is_as_it_came<S: Side>() {
        let payload = b"\x03\xe9bye";
        let close = S::incoming(0x88, payload);
        let input = [&close[..], b"\x81\x85 bytes after the close"].concat();
        let (mut connection, mut tx, mut storage) = (S::open(), buffer(139), [0xee; 139]);
        let mut rx = microws::Buffer::new(&mut storage);
        assert!(rx.push(&input));
        for _ in 0..3 {
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
        }
        tx.consume(139);
        assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Close(_))));
        let size = close.len() - payload.len();
        assert_eq!(storage[..size], close[..size]);
        assert_eq!(storage[size..close.len()], *payload);
        assert_eq!(storage[close.len()..input.len()], input[close.len()..]);
        assert!(storage[input.len()..].iter().all(|byte| *byte == 0xee));
    }

    /// 7.1.3: both sides have sent and received one: _The WebSocket Closing Handshake is Started_ by us.
    fn our_close_is_answered_and_then_the_connection_is_closed<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(256));
        connection.close(&mut tx, CloseCode::NORMAL, "enough").unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x88, b"\x03\xe8enough".to_vec())]);
        assert_eq!(connection.state(), State::Closing);
        // No reply yet.
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
        let len = tx.len();
        tx.consume(len);
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
        assert!(rx.push(&S::incoming(0x88, b"\x03\xe8enough")));
        let Step::Event(Event::Close(close)) = connection.receive(&mut rx, &mut tx) else {
            panic!("no close");
        };
        assert_eq!((close.code, close.reason()), (CloseCode::NORMAL, "enough"));
        assert!(tx.is_empty(), "a close was answered twice");
        assert_eq!(connection.state(), State::Closed);
    }

    /// The peer's close that crosses ours needs no reply, but ours must have left.
    fn closes_that_cross_are_not_answered<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(256));
        connection.close(&mut tx, CloseCode::NORMAL, "").unwrap();
        let ours = tx.filled().to_vec();
        assert!(rx.push(&S::incoming(0x88, b"\x03\xe9")));
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
        assert_eq!(tx.filled(), ours);
        tx.consume(ours.len());
        let received = connection.receive(&mut rx, &mut tx);
        assert!(matches!(received, Step::Event(Event::Close(close)) if close.code.0 == 1001));
    }

    /// 5.5.1: messages that were under way still arrive after our close.
    fn messages_still_arrive_after_our_close<S: Side>() {
        let mut connection = S::open();
        let mut tx = buffer(139);
        connection.close(&mut tx, CloseCode::NORMAL, "").unwrap();
        let input = S::script(&[(0x01, b"a"), (0x89, b"?"), (0x80, b"b"), (0x8a, b"!"), (0x88, b"")]);
        let run = Drive::default().echo(&mut connection, &input);
        assert_eq!(run.events, [
            Seen::part(microws::MessageKind::Text, true, false, b"a"),
            Seen::Ping(b"?".to_vec()),
            Seen::part(microws::MessageKind::Text, false, true, b"b"),
            Seen::Pong(b"!".to_vec()),
            Seen::close(1005, ""),
        ]);
        // 5.5.1: nothing follows our close frame, not even a pong.
        assert_eq!(run.output, b"");
        assert_eq!(run.end, End::Closed);
    }

    /// A fault after our close ends the connection without another close frame.
    fn a_fault_after_our_close_sends_no_second_close<S: Side>() {
        let mut connection = S::open();
        connection.close(&mut buffer(139), CloseCode::NORMAL, "").unwrap();
        let run = Drive::default().listen(&mut connection, &S::incoming(0x83, b""));
        assert_eq!(run.end, End::Failed(ProtocolError::ReservedOpcode(3)));
        assert_eq!(run.output, b"");
    }

    /// A close between the peer's fragments is a close.
    fn a_close_inside_a_message_closes<S: Side>() {
        for begun in [&[(0x01u8, &b"a"[..])][..], &[(0x02, b"a"), (0x00, b"")], &[(0x01, b"\xe2")]] {
            let input = [S::script(begun), S::incoming(0x88, b"\x03\xe8")].concat();
            let run = Drive::default().listen(&mut S::open(), &input);
            assert_eq!(run.events.last(), Some(&Seen::close(1000, "")));
            assert_eq!(run.end, End::Closed);
        }
    }

    /// A close between our own fragments is answered there; the rest is refused.
    fn a_close_inside_our_message_is_answered<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(256));
        connection.send_fragment(&mut tx, microws::MessageKind::Text, b"a", false).unwrap();
        assert!(rx.push(&S::incoming(0x88, b"")));
        assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
        assert_eq!(S::sent(tx.filled()), [(0x01, b"a".to_vec()), (0x88, vec![])]);
        assert_eq!(
            connection.send_fragment(&mut tx, microws::MessageKind::Text, b"b", true),
            Err(SendError::Closed)
        );
    }

    /// The failure's close frame waits for room in `tx`, and the error for `tx` to be empty.
    fn a_failure_waits_until_its_close_frame_has_left<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(139));
        // The text before the bad byte is handed out first; the caller answers until tx is full.
        assert!(rx.push(&S::incoming(0x81, b"ok\xff")));
        assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Chunk(_))));
        let filler = vec![b'f'; 139 - if S::MASKS { 8 } else { 4 }];
        connection.send_binary(&mut tx, &filler).unwrap();
        assert_eq!(tx.free(), 0);
        while !tx.is_empty() {
            // What still comes is of no interest, and must not fill `rx`.
            assert!(rx.push(&[b'x'; 200]));
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
            assert!(rx.is_empty());
            tx.consume(1);
        }
        assert_eq!(connection.state(), State::Closing);
        for _ in 0..3 {
            let end = microws::End::Failed(ProtocolError::InvalidUtf8);
            assert_eq!(connection.receive(&mut rx, &mut tx), Step::End(end));
            assert_eq!(connection.state(), State::Closed);
        }
    }

    /// 5.5: what a close of ours may carry.
    fn a_reason_of_ours_has_at_most_123_bytes<S: Side>() {
        assert_eq!(MAX_REASON_LEN, 123);
        let mut tx = buffer(139);
        let refused = S::open().close(&mut tx, CloseCode::NORMAL, &"r".repeat(124));
        assert_eq!(refused, Err(SendError::ControlTooLong));
        assert!(tx.is_empty());
        S::open().close(&mut tx, CloseCode::NORMAL, &"r".repeat(123)).unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x88, [b"\x03\xe8", &[b'r'; 123][..]].concat())]);
    }

    /// 7.1.5: without a code there is no reason.
    fn an_empty_close_has_no_reason<S: Side>() {
        let mut tx = buffer(139);
        let refused = S::open().close(&mut tx, CloseCode::NO_STATUS, "why");
        assert_eq!(refused, Err(SendError::InvalidCloseCode));
        assert!(tx.is_empty());
        S::open().close(&mut tx, CloseCode::NO_STATUS, "").unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x88, vec![])]);
    }

    /// The states in their order, as a browser's readyState has them.
    fn the_states_follow_one_another<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(139));
        assert_eq!(connection.state(), State::Open);
        connection.close(&mut tx, CloseCode::NORMAL, "").unwrap();
        assert_eq!(connection.state(), State::Closing);
        tx.consume(139);
        assert!(rx.push(&S::incoming(0x88, b"")));
        assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Close(_))));
        assert_eq!(connection.state(), State::Closed);
    }
}

fn buffer_139() -> [u8; 139] {
    [0; 139]
}
