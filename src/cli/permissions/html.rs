//! The reference as one HTML page that needs nothing else.

use super::reference::{Entry, Reference, ResourceEntry};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Permissions</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
nav ul { columns: 16rem; }
table { border-collapse: collapse; width: 100%; margin-top: .75rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; }
</style>
</head>
<body>
<h1>Permissions</h1>
"#;

pub(super) fn write(reference: &Reference) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("<nav><ul>\n");
    for (place, resource) in reference.resources.iter().enumerate() {
        page.push_str(&format!("<li><a href=\"#r{place}\">{}</a></li>\n", text(&resource.name)));
    }
    page.push_str("</ul></nav>\n");
    for (place, resource) in reference.resources.iter().enumerate() {
        page.push_str(&section(place, resource));
    }
    if !reference.others.is_empty() {
        page.push_str("<section>\n<h2>Control panel</h2>\n");
        page.push_str(&table(&["Requires", "Roles", "Users"], &reference.others));
        page.push_str("</section>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn section(place: usize, resource: &ResourceEntry) -> String {
    let paths: String = resource.paths.iter().map(|path| format!("<li>{}</li>\n", code(path))).collect();
    let formats = match resource.formats.as_slice() {
        [] => String::new(),
        formats => {
            let ends: Vec<_> = formats.iter().map(|format| code(&format!(".{format}"))).collect();
            format!("<p>Also with {} behind the path.</p>\n", ends.join(", "))
        }
    };
    format!(
        "<section id=\"r{place}\">\n<h2>{}</h2>\n<ul>\n{paths}</ul>\n{formats}{}</section>\n",
        text(&resource.name),
        table(&["Method", "Requires", "Roles", "Users"], &resource.methods)
    )
}

fn table(heads: &[&str], entries: &[Entry]) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!("<table>\n<tr>{heads}</tr>\n{}</table>\n", entries.iter().map(row).collect::<String>())
}

fn row(entry: &Entry) -> String {
    let method = entry.method.as_deref().map(|method| format!("<td>{}</td>", code(method))).unwrap_or_default();
    let requires: Vec<_> = entry.requires.iter().map(|one| code(one)).collect();
    let (requires, roles, users) = (requires.join(" and "), text(&entry.roles()), text(&entry.users()));
    format!("<tr>{method}<td>{requires}</td><td>{roles}</td><td>{users}</td></tr>\n")
}

fn code(plain: &str) -> String {
    format!("<code>{}</code>", text(plain))
}

/// A text of the document, in which no character is markup.
fn text(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(text("<b title='\"&'>"), "&lt;b title=&#39;&quot;&amp;&#39;&gt;");
    }
}
