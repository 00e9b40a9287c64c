//! Descriptions of an API, OpenAPI 3.0 and 3.1 or Swagger 2.0, and the resources that their paths come to.
//!
//! What comes out is for a person to edit: the text of resources, with a permission for each area and action. It never
//! grants anything, and makes nothing public: what a description says of that becomes a comment.

mod area;
mod gather;
mod parse;
mod path;
mod shape;
#[cfg(test)]
mod tests;
mod write;

use std::time::SystemTime;

use crate::fault::Faults;
use crate::source::document::{self, Format};

/// What a description comes to.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The resources, in TOML.
    pub text: String,
    /// How many resources there are.
    pub resources: usize,
    /// How many paths they have.
    pub paths: usize,
    /// What a person should look at in the resources.
    pub notes: Vec<String>,
    /// What cannot be said in an access document, and why.
    pub left_out: Vec<String>,
}

/// Why nothing comes of a description.
#[derive(Debug)]
pub enum ImportError {
    /// It has these faults.
    Faults(Faults),
    /// What came of it is no access document: a mistake of this program.
    Mistake(document::Faults),
}

/// Reads a description. `name` is what faults call it.
///
/// # Errors
/// [`ImportError`]
pub fn read(name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let described = parse::parse(name, bytes).map_err(ImportError::Faults)?;
    let gathered = gather::gather(&described);
    let text = write::write(name, &gathered);
    // Judged by what will judge it, so that nobody is handed resources that are refused.
    let whole = format!("allow_no_users = true\n{text}");
    document::read(name, &whole, Format::Toml, SystemTime::UNIX_EPOCH).map_err(ImportError::Mistake)?;
    Ok(Imported {
        text,
        resources: gathered.resources.len(),
        paths: gathered.resources.iter().map(|resource| resource.patterns.len()).sum(),
        notes: gathered.resources.iter().flat_map(|resource| resource.notes.clone()).collect(),
        left_out: gathered.left_out,
    })
}
