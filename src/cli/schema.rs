//! `schema`: what editors check and complete the two files with.

use clap::ValueEnum;

use super::Exit;
use super::answer::{Answer, Failure};
use crate::settings::settings_schema;
use crate::source::schema::access_schema;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which file
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The settings, portcullis.toml
    Settings,
    /// The access document, access.toml or access.json
    Access,
}

pub(super) fn run(args: &Args) -> Result<Answer, Failure> {
    let schema = match args.what {
        What::Settings => settings_schema(),
        What::Access => access_schema(),
    };
    Answer::new(Exit::Yes, format!("{schema:#}\n"), &schema)
}
