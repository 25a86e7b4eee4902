//! Ratios against a reference in the same run: what is compared takes turns, so that a busy machine slows both.

use std::time::{Duration, Instant};

/// The limit of a ratio or a figure.
#[derive(Clone, Copy)]
pub enum Limit {
    /// It must not be more.
    AtMost(f64),
    /// It must not be less.
    AtLeast(f64),
}

/// Prints a figure with its limit, as `cargo xtask bench` reads it.
pub fn report(name: &str, value: f64, limit: Limit) {
    match limit {
        Limit::AtMost(limit) => println!("ratio {name} {value:.3} limit <={limit}"),
        Limit::AtLeast(limit) => println!("ratio {name} {value:.3} limit >={limit}"),
    }
}

/// The median of some times.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Times `rounds` rounds of each in turn, every round `calls` calls, and returns the median time of one call of each.
pub fn in_turn<const N: usize>(
    rounds: usize,
    calls: u32,
    works: [&mut dyn FnMut(); N],
) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    let mut works = works;
    for _ in 0..rounds {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            for _ in 0..calls {
                work();
            }
            times.push(begun.elapsed() / calls);
        }
    }
    times.map(|mut times| median(&mut times))
}

/// One time over another.
pub fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
