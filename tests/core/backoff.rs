//! `Backoff`: waits that double, half of each random.

use microws::Backoff;
use proptest::prelude::*;

#[test]
fn each_wait_is_twice_as_long_until_the_longest() {
    let mut backoff = Backoff::new(500, 3_000);
    assert_eq!([0; 5].map(|random| backoff.next(random)), [250, 500, 1_000, 1_500, 1_500]);
    backoff.reset();
    assert_eq!([u32::MAX; 5].map(|random| backoff.next(random)), [500, 1_000, 2_000, 3_000, 3_000]);
}

#[test]
fn a_server_that_asks_for_time_gets_it_and_chance_on_top() {
    let mut backoff = Backoff::new(500, 3_000);
    assert_eq!(backoff.next_after(0, 10_000), 10_250);
    assert_eq!(backoff.next_after(u32::MAX, 10_000), 11_000);
    assert_eq!(backoff.next_after(0, u32::MAX), u32::MAX);
}

#[test]
fn no_bounds_are_too_small_or_too_large() {
    let mut none = Backoff::new(0, 0);
    assert_eq!((none.next(u32::MAX), none.next(0)), (0, 0));
    let mut odd = Backoff::new(1, 0);
    assert_eq!((odd.next(0), odd.next(u32::MAX)), (0, 1));
    let mut most = Backoff::new(u32::MAX, 0);
    assert_eq!((most.next(u32::MAX), most.next(0)), (u32::MAX, u32::MAX / 2));
}

proptest! {
    #[test]
    fn a_wait_is_between_half_and_all_of_its_bound(first: u32, longest: u32, randoms in proptest::collection::vec(any::<u32>(), 1..40)) {
        let mut backoff = Backoff::new(first, longest);
        let mut bound = u64::from(first);
        for random in randoms {
            let wait = u64::from(backoff.next(random));
            prop_assert!((bound / 2..=bound).contains(&wait));
            bound = (bound * 2).min(u64::from(longest.max(first)));
        }
    }
}
