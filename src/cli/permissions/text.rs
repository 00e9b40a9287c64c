//! The reference for a terminal.

use super::reference::{Entry, Reference};
use crate::cli::table::columns;

pub(super) fn write(reference: &Reference) -> String {
    let mut parts = Vec::new();
    for resource in &reference.resources {
        let mut part = format!("{}\n", resource.name);
        let ends = match resource.formats.as_slice() {
            [] => String::new(),
            formats => format!("  (also .{})", formats.join(", .")),
        };
        resource.paths.iter().for_each(|path| part.push_str(&format!("  {path}{ends}\n")));
        part.push_str(&table(&resource.methods));
        parts.push(part);
    }
    if !reference.others.is_empty() {
        parts.push(format!("Control panel\n{}", table(&reference.others)));
    }
    parts.join("\n")
}

fn table(entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let method = entry.method.clone();
        let roles = entry.roles();
        let roles = if roles.is_empty() { roles } else { format!("roles: {roles}") };
        method.into_iter().chain([entry.requirement(), roles, format!("users: {}", entry.users())]).collect()
    };
    columns("    ", &entries.iter().map(row).collect::<Vec<_>>())
}
