//! The reference in Markdown.

use super::reference::{Entry, Reference};

pub(super) fn write(reference: &Reference) -> String {
    let mut page = "# Permissions\n".to_owned();
    for resource in &reference.resources {
        page.push_str(&format!("\n## {}\n\n", text(&resource.name)));
        resource.paths.iter().for_each(|path| page.push_str(&format!("- `{path}`\n")));
        if !resource.formats.is_empty() {
            page.push_str(&format!("\nAlso with `.{}` behind the path.\n", resource.formats.join("`, `.")));
        }
        page.push_str("\n| Method | Requires | Roles | Users |\n|---|---|---|---|\n");
        for entry in &resource.methods {
            let method = entry.method.as_deref().unwrap_or_default();
            page.push_str(&format!("| {method} {}\n", cells(entry)));
        }
    }
    if !reference.others.is_empty() {
        page.push_str("\n## Control panel\n\n| Requires | Roles | Users |\n|---|---|---|\n");
        reference.others.iter().for_each(|entry| page.push_str(&format!("{}\n", cells(entry))));
    }
    page
}

fn cells(entry: &Entry) -> String {
    format!("| `{}` | {} | {} |", entry.requires.join("` and `"), text(&entry.roles()), text(&entry.users()))
}

/// A text of the document, in which no character is markup.
fn text(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        if r"\`*_{}[]<>#|&!~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(text("a|b *c* <d>\n_e_"), r"a\|b \*c\* \<d\> \_e\_");
    }
}
