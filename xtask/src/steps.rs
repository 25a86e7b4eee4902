//! A list of steps, announced one by one and timed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Counts steps and prints what each is and how long it took.
pub struct Steps {
    total: usize,
    done: usize,
    began: Instant,
}

impl Steps {
    /// Begins a list of `total` steps.
    pub fn new(total: usize) -> Self {
        Self { total, done: 0, began: Instant::now() }
    }

    /// Runs one step. If it fails, the error says which it was and how to run it
    /// `alone`.
    pub fn run<T>(
        &mut self,
        title: &str,
        alone: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.done += 1;
        println!("\n==> [{}/{}] {title}", self.done, self.total);
        let began = Instant::now();
        let result = work().with_context(|| {
            let took = show(began.elapsed());
            format!("the step `{title}` failed after {took}; alone it is `{alone}`")
        })?;
        println!("    {title}: done in {}", show(began.elapsed()));
        Ok(result)
    }

    /// How long all steps took so far, to be read by a person.
    pub fn elapsed(&self) -> String {
        show(self.began.elapsed())
    }
}

fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_says_how_to_run_it_alone() {
        let result = Steps::new(1).run::<()>("docs", "cargo xtask docs", || anyhow::bail!("no"));
        let error = format!("{:#}", result.unwrap_err());
        assert_eq!(error, "the step `docs` failed after 0.0 s; alone it is `cargo xtask docs`: no");
    }

    #[test]
    fn long_times_are_shown_in_minutes() {
        assert_eq!(show(Duration::from_secs(130)), "2 min 10 s");
    }
}
