//! `palisade config`: the configuration, with every default filled in.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Context;
use super::output::{self, Failure, Format};
use crate::config::Config;

/// Shows the configuration that a host would run with.
#[derive(Args)]
pub struct Show {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Check a configuration file
    Check {
        /// The file
        file: PathBuf,
    },
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self.verb {
            None => {
                let config = context.config()?;
                match context.format {
                    Format::Json => output::print_json(&serde_json::to_value(&config)?),
                    Format::Text => output::print(
                        &toml::to_string(&config)
                            .map_err(|error| Failure::new(error.to_string()))?,
                    ),
                }
            }
            Some(Verb::Check { file }) => {
                Config::read(Some(&file))?;
                match context.format {
                    Format::Json => {
                        output::print_json(&serde_json::json!({ "file": file, "valid": true }))
                    }
                    Format::Text => output::print(&format!(
                        "`{}` is a configuration that a host can run with",
                        file.display()
                    )),
                }
            }
        }
    }
}
