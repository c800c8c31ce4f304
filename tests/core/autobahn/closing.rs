//! Section 7: closing.

use hex_literal::hex;

use crate::{Case, Ends, KOSME, case, f};

/// A close frame's payload.
pub(super) fn code(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// 7.*: closing.
pub(super) fn closing() -> Vec<Case> {
    let hello = || f(0x81, "Hello World!");
    let close = || f(0x88, code(1000, ""));
    let alone = |id: &str, payload: Vec<u8>, ends| case(id, vec![f(0x88, payload)], vec![], ends);
    let bad_reason = [&code(1000, "")[..], KOSME.as_bytes(), &hex!("ed a0 80"), b"edited"].concat();
    let big = "BAsd7&jh23".repeat(26_215);
    let mut cases = vec![
        case("7.1.1", vec![hello(), close()], vec![hello()], Ends::Clean(1000)),
        case("7.1.2", vec![close(), close()], vec![], Ends::Clean(1000)),
        case("7.1.3", vec![close(), f(0x89, "")], vec![], Ends::Clean(1000)),
        case("7.1.4", vec![close(), hello()], vec![], Ends::Clean(1000)),
        case(
            "7.1.5",
            vec![f(0x01, "fragment1"), close(), f(0x80, "fragment2")],
            vec![f(0x01, "fragment1")],
            Ends::Clean(1000),
        ),
        case(
            "7.1.6",
            vec![f(0x81, &big), hello(), close(), f(0x89, "")],
            vec![f(0x81, &big), hello()],
            Ends::Clean(1000),
        ),
        alone("7.3.1", vec![], Ends::Clean(1005)),
        alone("7.3.2", b"a".to_vec(), Ends::Failed(1002)),
        alone("7.3.3", code(1000, ""), Ends::Clean(1000)),
        alone("7.3.4", code(1000, "Hello World!"), Ends::Clean(1000)),
        alone("7.3.5", code(1000, &"*".repeat(123)), Ends::Clean(1000)),
        alone("7.3.6", code(1000, &"*".repeat(124)), Ends::Failed(1002)),
        alone("7.5.1", bad_reason, Ends::Failed(1007)),
    ];
    for (i, good) in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].into_iter().enumerate()
    {
        cases.push(alone(&format!("7.7.{}", i + 1), code(good, ""), Ends::Clean(good)));
    }
    for (i, bad) in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].into_iter().enumerate() {
        cases.push(alone(&format!("7.9.{}", i + 1), code(bad, ""), Ends::Failed(1002)));
        let reason = code(bad, "Lorem ipsum dolor sit amet");
        cases.push(alone(&format!("7.9.{} with a reason", i + 1), reason, Ends::Failed(1002)));
    }
    // Informational in the suite; the RFC leaves 5000 and up undefined, so they are refused.
    cases.push(alone("7.13.1", code(5000, ""), Ends::Failed(1002)));
    cases.push(alone("7.13.2", code(65_535, ""), Ends::Failed(1002)));
    cases
}
