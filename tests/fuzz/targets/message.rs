//! `Message` fed by a connection, against a plain list of bytes without a bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::{Event, Message, MessageKind, Whole};
use microws_fuzz::Choice;
use microws_tests::{Drive, ServerSide, Side};

const N: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let drive = Drive { rx: choice.rx(), reads: choice.reads(), ..Drive::default() };
    let (mut message, mut model) = (Message::<N>::new(), Vec::new());
    drive.run(&mut ServerSide::open(), peer, |_, event, _| {
        let Event::Chunk(chunk) = event else { return };
        if chunk.first {
            model.clear();
        }
        model.extend_from_slice(chunk.payload);
        let whole = message.push(chunk);
        assert_eq!(whole.is_some(), chunk.fin);
        match whole {
            None => {}
            Some(Whole::Text(text)) => {
                assert_eq!((chunk.kind, text.as_bytes()), (MessageKind::Text, &model[..]));
            }
            Some(Whole::Binary(bytes)) => assert_eq!((chunk.kind, bytes), (MessageKind::Binary, &model[..])),
            Some(Whole::TooLong { kind, len }) => {
                assert_eq!((kind, len), (chunk.kind, model.len() as u64));
                assert!(model.len() > N);
            }
            Some(other) => panic!("{other:?}"),
        }
        assert!(whole.is_none_or(|whole| matches!(whole, Whole::TooLong { .. }) || model.len() <= N));
    });
});
