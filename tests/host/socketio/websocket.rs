//! Sessions over a WebSocket.

use microws_tests::frames::frame;
use microws_tests::process::Echo;
use microws_tests::raw::KEY;

use crate::support::{joined_socket, say, socket, text};

#[test]
fn events_come_back_and_those_that_ask_for_it_are_acknowledged() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut client = joined_socket(&echo);
    for event in [
        r#"42["hello"]"#,
        r#"42["hello",1,"two",{"three":[null]}]"#,
        r#"42["a \"quoted\" \u00e9 name",1]"#,
        r#"42["","empty"]"#,
    ] {
        say(&mut client, event);
        assert_eq!(text(&mut client), event);
    }
    say(&mut client, r#"420["ask",1,2]"#);
    assert_eq!(text(&mut client), "430[1,2]");
    say(&mut client, r#"42123["ask"]"#);
    assert_eq!(text(&mut client), "43123[]");
    echo.says("event \"ask\", 3 bytes");
}

#[test]
fn attachments_come_back_as_binary_messages() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut client = joined_socket(&echo);
    let event = r#"452-["two",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    say(&mut client, event);
    client.send_frame(0x82, &[1, 2, 3]);
    say(&mut client, "3");
    client.send_frame(0x82, &[7; 70_000]);
    assert_eq!(text(&mut client), event);
    assert_eq!(client.try_message().unwrap(), (2, vec![1, 2, 3]));
    assert_eq!(client.try_message().unwrap(), (2, vec![7; 70_000]));
}

#[test]
fn a_message_is_the_same_however_its_bytes_come() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut client = joined_socket(&echo);
    let event = r#"451-["cut",{"_placeholder":true,"num":0}]"#;
    let bytes = [
        frame(0x01, KEY, &event.as_bytes()[..9]),
        frame(0x80, KEY, &event.as_bytes()[9..]),
        frame(0x02, KEY, b"ab"),
        frame(0x89, KEY, b""),
        frame(0x80, KEY, b"cd"),
    ]
    .concat();
    for cut in 0..bytes.len() {
        client.send(&bytes[..cut]);
        // Another client is served between.
        echo.open().echo(b"between");
        client.send(&bytes[cut..]);
        assert_eq!(text(&mut client), event, "cut at {cut}");
        assert_eq!(client.try_message().unwrap(), (2, b"abcd".to_vec()), "cut at {cut}");
    }
}

#[test]
fn a_namespace_is_joined_left_and_joined_again() {
    let echo = Echo::start(&["--socketio-namespace", "/ /custom", "--socketio-news", "off"]);
    let mut client = socket(&echo);
    say(&mut client, r#"40/custom,{"token":"abc"}"#);
    assert!(text(&mut client).starts_with(r#"40/custom,{"sid":""#));
    say(&mut client, r#"42/custom,["here"]"#);
    assert_eq!(text(&mut client), r#"42/custom,["here"]"#);
    say(&mut client, "40/unknown,");
    assert_eq!(text(&mut client), r#"44/unknown,{"message":"Invalid namespace"}"#);
    say(&mut client, "41/custom,");
    say(&mut client, "40/custom,");
    assert!(text(&mut client).starts_with(r#"40/custom,{"sid":""#));
    say(&mut client, r#"42/custom,["back"]"#);
    assert_eq!(text(&mut client), r#"42/custom,["back"]"#);
}

#[test]
fn a_close_packet_ends_the_session_with_a_normal_close() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut client = joined_socket(&echo);
    say(&mut client, "1");
    assert_eq!(client.closed().0, 1000);
    echo.says("the peer closed the transport");
}

#[test]
fn the_server_stops_with_a_close_frame_after_which_clients_come_back() {
    let mut echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut client = joined_socket(&echo);
    echo.signal(microws_tests::process::Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert!(echo.end().success());
}
