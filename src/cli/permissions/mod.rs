//! `permissions`: the reference, resource by resource: what each method requires, and who holds it.

mod html;
mod markdown;
mod reference;
mod text;

use clap::ValueEnum;

use super::Exit;
use super::answer::{Answer, Failure};
use crate::source::document::Law;
use reference::Reference;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form of the reference
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For a wiki or repository
    Markdown,
    /// One page that needs nothing else
    Html,
    /// For a program
    Json,
}

pub(super) fn run(args: &Args, law: &Law) -> Result<Answer, Failure> {
    let reference = Reference::of(law);
    let mut answer = Answer::new(Exit::Yes, String::new(), &reference)?;
    answer.text = match args.format {
        Format::Text => text::write(&reference),
        Format::Markdown => markdown::write(&reference),
        Format::Html => html::write(&reference),
        Format::Json => format!("{:#}", answer.value),
    };
    Ok(answer)
}
