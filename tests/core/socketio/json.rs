//! The JSON skipper: RFC 8259's grammar, and where a value ends.

use microws_socketio::json::{self, MAX_DEPTH};

#[test]
fn every_kind_of_value_is_one() {
    let values = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "-1.5",
        "1e5",
        "1E-5",
        "0.0e+1",
        "\"\"",
        "\"a\"",
        r#""\"""#,
        r#""\\""#,
        r#""\/\b\f\n\r\t""#,
        r#""\u00e9\uD834\udd1e""#,
        "\"é🎉\"",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[1]",
        "[1,2 , 3]",
        "[[],[[]],{}]",
        r#"{"a":1}"#,
        r#"{ "a" : [ { "b" : "]}" } ] , "c" : null }"#,
        " \t\r\n1 \t\r\n",
    ];
    for value in values {
        assert!(json::is_value(value.as_bytes()), "{value}");
    }
}

#[test]
fn nothing_else_is_a_value() {
    let faults = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x1",
        "NaN",
        "Infinity",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u123\"",
        "\"\n\"",
        "\"\0\"",
        "'a'",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "}",
        "{1:2}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1 "b":2}"#,
        r#"{,"a":1}"#,
        "[}",
        "{]",
        r#"[{"a":1]}"#,
        "1 2",
        "[]]",
        "\u{b}1",
        "\u{c}1",
        "[1\u{c}]",
        "\u{feff}1",
        "//a\n1",
    ];
    for fault in faults {
        assert!(!json::is_value(fault.as_bytes()), "{fault:?}");
    }
}

#[test]
fn depth_is_bounded_and_exact() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
        assert!(json::is_value(nested(MAX_DEPTH as usize).as_bytes()));
        assert!(!json::is_value(nested(MAX_DEPTH as usize + 1).as_bytes()));
    }
    // Empty ones don't count as a level, and levels that were left are free again.
    let flat = format!("[{}]", ["[[[]],{}]"; 100].join(","));
    assert!(json::is_value(flat.as_bytes()));
}

#[test]
fn a_value_is_split_off() {
    assert_eq!(json::split(b" [1, \"]\"] , 2"), Some((&b"[1, \"]\"]"[..], &b" , 2"[..])));
    assert_eq!(json::split(b"12ab"), Some((&b"12"[..], &b"ab"[..])));
    assert_eq!(json::split(b"ab"), None);
}

#[test]
fn a_list_is_taken_apart_until_its_first_fault() {
    let list = |text: &'static str| json::values(text.as_bytes()).collect::<Vec<_>>();
    assert_eq!(list(""), Vec::<&[u8]>::new());
    assert_eq!(list(r#" 1 , "a,b",[2,3] "#), [&b"1"[..], b"\"a,b\"", b"[2,3]"]);
    assert_eq!(list("1,2,x"), [&b"1"[..], b"2"]);
    for good in ["", " ", "1", "1,2", " 1 , {} "] {
        assert!(json::are_values(good.as_bytes()), "{good:?}");
    }
    for bad in [",", "1,", "1,,2", "1 2", "x", "1]", "1\u{c},2"] {
        assert!(!json::are_values(bad.as_bytes()), "{bad:?}");
    }
}

#[test]
fn members_are_found_by_name_at_the_top_level_alone() {
    let object = br#" { "a" : {"b":1} , "b" : [2] , "c":"\"b\":3" , "b":4 } "#;
    assert_eq!(json::member(object, b"a"), Some(&br#"{"b":1}"#[..]));
    assert_eq!(json::member(object, b"b"), Some(&b"[2]"[..]));
    assert_eq!(json::member(object, b"d"), None);
    assert_eq!(json::member(b"[1]", b"a"), None);
    assert_eq!(json::member(b"{}", b""), None);
}

#[test]
fn numbers_that_fit_are_read() {
    assert_eq!(json::number(b"4294967295"), Some(u32::MAX));
    for other in ["4294967296", "-1", "1.0", "1e3", "", "\"1\"", "1 "] {
        let number = json::number(other.as_bytes());
        assert!(number.is_none(), "{other:?}: {number:?}");
    }
}
