//! `cargo xtask bench`: measures, and compares each ratio with its limit.
//!
//! A bench measures its reference in the same run and prints
//! `ratio <name> <value> limit <op><limit>`, where `<op>` is `<=` or `>=`.

use std::fmt;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::host::{self, Profile};
use crate::workspace::Workspace;
use crate::{apt, cmd, guests, hook};

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// Only benches whose name contains this.
    filter: Option<String>,
}

/// Runs the command.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let palisade = host::build(workspace, Profile::Release)?;
    guests::build(workspace, &palisade)?;
    let hook = hook::build(workspace)?;
    // The handler that operators write today needs it, and Debian's perl does not bring it.
    if cmd::output(Command::new("perl").args(["-MCGI", "-e1"])).is_err() {
        apt::install(&["libcgi-pm-perl"])?;
    }

    let mut command = cmd::cargo(&workspace.root);
    // As members of the whole workspace, the benches share the dependencies of
    // the host that was just built.
    command.args(["bench", "--locked", "--workspace", "--bench", "*"]);
    command.env("PALISADE_BIN", &palisade).env("PALISADE_GUESTS", workspace.packed());
    command.env("PALISADE_HOOK", hook);
    if let Some(filter) = &options.filter {
        command.arg("--").arg(filter);
    }
    let mut ratios = Vec::new();
    let mut unreadable = Vec::new();
    cmd::tee(&mut command, |line| match Ratio::parse(line) {
        None => {}
        Some(Ok(ratio)) => ratios.push(ratio),
        Some(Err(line)) => unreadable.push(line),
    })?;

    if !unreadable.is_empty() {
        bail!("these lines of a bench are no ratios:\n  {}", unreadable.join("\n  "));
    }
    if ratios.is_empty() {
        bail!("no bench printed a ratio");
    }
    println!("\n{}", table(&ratios));
    let missed: Vec<&str> =
        ratios.iter().filter(|ratio| !ratio.holds()).map(|ratio| ratio.name.as_str()).collect();
    if !missed.is_empty() {
        bail!("over the limit: {}", missed.join(", "));
    }
    Ok(())
}

/// A measured value and what it must be.
#[derive(Debug, PartialEq)]
struct Ratio {
    name: String,
    value: f64,
    bound: Bound,
    limit: f64,
}

/// On which side of its limit a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtMost,
    AtLeast,
}

impl Ratio {
    /// Reads a line: `None` if it is none of a ratio, the line itself if it cannot
    /// be understood.
    fn parse(line: &str) -> Option<Result<Self, String>> {
        let rest = line.trim().strip_prefix("ratio ")?;
        let read = || {
            let (measured, limit) = rest.split_once(" limit ")?;
            let (name, value) = measured.trim().rsplit_once(' ')?;
            let (operator, limit) = limit.trim().split_at_checked(2)?;
            let bound = match operator {
                "<=" => Bound::AtMost,
                ">=" => Bound::AtLeast,
                _ => return None,
            };
            let (value, limit) = (value.parse().ok()?, limit.trim().parse().ok()?);
            Some(Self { name: name.trim().to_owned(), value, bound, limit })
        };
        Some(read().ok_or_else(|| line.to_owned()))
    }

    fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost => self.value <= self.limit,
            Bound::AtLeast => self.value >= self.limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
        })
    }
}

fn table(ratios: &[Ratio]) -> String {
    let width = ratios.iter().map(|ratio| ratio.name.len()).max().unwrap_or_default().max(4);
    let mut lines = vec![format!("{:width$}  {:>10}  {:>10}", "name", "measured", "limit")];
    for ratio in ratios {
        let Ratio { name, value, bound, limit } = ratio;
        let mark = match ratio.holds() {
            true => "",
            false => "  missed",
        };
        let limit = format!("{bound} {limit}");
        lines.push(format!("{name:width$}  {value:>10.3}  {limit:>10}{mark}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Ratio {
        Ratio::parse(line).unwrap().unwrap()
    }

    #[test]
    fn a_ratio_is_read() {
        let ratio = parse("ratio one-handler 1.12 limit <=1.3");
        let name = "one-handler".to_owned();
        assert_eq!(ratio, Ratio { name, value: 1.12, bound: Bound::AtMost, limit: 1.3 });
        assert!(ratio.holds());
    }

    #[test]
    fn a_lower_limit_is_missed_from_below() {
        assert!(!parse("ratio perl 99 limit >=100").holds());
    }

    #[test]
    fn a_value_that_is_no_number_holds_no_limit() {
        assert!(!parse("ratio perl NaN limit >= 100").holds());
    }

    #[test]
    fn other_lines_are_no_ratios() {
        assert_eq!(Ratio::parse("one-handler  time: [8.1 us 8.2 us 8.3 us]"), None);
    }

    #[test]
    fn a_broken_ratio_is_shown() {
        let line = "ratio one-handler limit <=1.3";
        assert_eq!(Ratio::parse(line), Some(Err(line.to_owned())));
    }

    #[test]
    fn the_table_marks_what_is_missed() {
        let ratios = [parse("ratio one 1.12 limit <=1.3"), parse("ratio perl 99 limit >=100")];
        let expected = "name    measured       limit\n\
                        one        1.120      <= 1.3\n\
                        perl      99.000      >= 100  missed";
        assert_eq!(table(&ratios), expected);
    }
}
