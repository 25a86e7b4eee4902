//! `palisade bridge record`: the calls of panels as they come, without what is secret.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use crate::bridge::Dialect;
use crate::cli::client::{Client, Content};
use crate::cli::output::{self, Failure, items, number};
use crate::cli::panels::parse_panel;
use crate::cli::{Context, block_on};

/// The route of the recording.
const PATH: &str = "/v1/bridge/recording";
/// How often the host is asked what is new.
const EVERY: Duration = Duration::from_millis(250);

/// Records the calls of panels.
#[derive(Args)]
pub struct Record {
    /// How long, such as 30s, 10m or 2h; at most a day
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = span)]
    time: Duration,
    /// Of this panel alone
    #[arg(long, value_name = "PANEL", value_parser = parse_panel)]
    panel: Option<Dialect>,
    /// End after so many calls
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    max: u64,
    /// Write to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn span(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| "it is no time such as 30s, 10m or 2h".to_owned())?;
    match Duration::try_from(span) {
        Ok(span) if span >= Duration::from_millis(1) && span <= crate::bridge::LONGEST => Ok(span),
        _ => Err("it must be more than nothing and at most a day".to_owned()),
    }
}

impl Record {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mut out = Lines::open(self.output)?;
        let wanted = json!({
            "for_ms": u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX),
            "panel": self.panel,
            "max": self.max,
        });
        block_on(async {
            client.request(Method::POST, PATH, Content::Json(wanted)).await?;
            let interrupted = tokio::signal::ctrl_c();
            let followed = tokio::select! {
                followed = follow(&client, self.max, &mut out) => followed,
                _ = interrupted => Ok(()),
            };
            // It is ended however this ends: what nobody reads is not to be kept.
            let ended = client.request(Method::DELETE, PATH, Content::None).await;
            followed?;
            ended.map(drop)
        })
    }
}

/// Prints calls as they come, until so many came or the recording ended.
async fn follow(client: &Client, max: u64, out: &mut Lines) -> Result<(), Failure> {
    let (mut last, mut printed) = (0, 0);
    loop {
        let path = format!("{PATH}?after={last}");
        let told = client.request(Method::GET, &path, Content::None).await?;
        let on = told.get("on").and_then(Value::as_bool).unwrap_or_default();
        let mut came = false;
        for call in items(&told, "calls") {
            came = true;
            last = number(call, "number");
            out.print(call.get("recorded").unwrap_or(&Value::Null))?;
            printed += 1;
            if printed == max {
                return Ok(());
            }
        }
        match (came, on) {
            (true, _) => {}
            (false, true) => tokio::time::sleep(EVERY).await,
            (false, false) => return Ok(()),
        }
    }
}

/// Where the lines go.
enum Lines {
    Terminal,
    File(std::fs::File),
}

impl Lines {
    fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Terminal) };
        let file = std::fs::File::options().write(true).create_new(true).open(&path);
        file.map(Self::File).map_err(|error| {
            Failure::new(format!("`{}` cannot be written: {error}", path.display()))
        })
    }

    fn print(&mut self, line: &Value) -> Result<(), Failure> {
        match self {
            Self::Terminal => output::print(&output::escaped(&line.to_string())),
            Self::File(file) => Ok(writeln!(file, "{line}")?),
        }
    }
}
