//! How the time that work takes grows with what it works on. For tests: everything of ours has to take about twice as
//! long for twice as much, up to the bound of what it may be given.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The bound of a request body, of which arguments are a part.
pub(crate) const ARGUMENTS: usize = 4 << 20;
/// The bound of an answer.
pub(crate) const ANSWER: usize = 8 << 20;

/// Where the doubling begins: small enough that quadratic work is found before it takes hours.
const FIRST: usize = 32 << 10;
/// What four times as much may take. Over two doublings, for one of them may be the one at which a cache or the
/// allocator's pool no longer holds what is worked on: linear work then takes five times as long, work whose last doubling
/// alone is quadratic eight times.
const MOST: f64 = 6.25;
/// Shorter times say nothing.
const SHORT: Duration = Duration::from_millis(4);
/// What seems to take too long is measured again, and the best of these runs counts.
const RUNS: usize = 24;

/// Doubles the size up to `largest` and compares the times. `make` gives what has about so many bytes.
#[track_caller]
pub(crate) fn is_linear<T>(what: &str, largest: usize, make: impl Fn(usize) -> T, run: impl Fn(&T)) {
    is_linear_from(FIRST, what, largest, make, run);
}

/// The same for what has a low bound, or takes long for a few bytes.
#[track_caller]
pub(crate) fn is_linear_from<T>(
    first: usize,
    what: &str,
    largest: usize,
    make: impl Fn(usize) -> T,
    run: impl Fn(&T),
) {
    let time = |input: &T| {
        let start = used();
        run(input);
        (used() - start).max(SHORT)
    };
    let mut size = first;
    let (mut quarter, mut half) = (make(size / 2), make(size));
    let (mut of_quarter, mut of_half) = (time(&quarter), time(&half));
    while size < largest {
        size *= 2;
        let whole = make(size);
        let mut of_whole = time(&whole);
        for _ in 1..RUNS {
            if of_whole.div_duration_f64(of_quarter) > MOST {
                of_quarter = of_quarter.min(time(&quarter));
                of_whole = of_whole.min(time(&whole));
            }
        }
        let ratio = of_whole.div_duration_f64(of_quarter);
        assert!(
            ratio <= MOST,
            "{what}: {size} bytes take {of_whole:.1?}, {ratio:.1} times as long as a quarter of them"
        );
        (quarter, of_quarter) = (half, of_half);
        (half, of_half) = (whole, of_whole);
    }
}

/// The time of a processor that this thread has taken: how busy the machine is makes no difference.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[test]
#[should_panic(expected = "squares: ")]
fn quadratic_work_is_found() {
    let make = |size: usize| vec![1_u8; size / 16];
    is_linear("squares", ARGUMENTS, make, |list| {
        let found = list
            .iter()
            .filter(|byte| list.iter().rev().any(|other| other > *byte));
        assert_eq!(found.count(), 0);
    });
}
