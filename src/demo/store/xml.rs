//! JSON values as XML, in the form the store uses: one element a field, named after it.

use serde_json::Value;

use super::answer::singular;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A whole document with one root element.
pub(super) fn document(root: &str, value: &Value) -> String {
    let mut out = DECLARATION.to_owned();
    element(&mut out, root, value);
    out
}

/// The store's form of an error.
pub(super) fn error(status: u16, message: &str) -> String {
    let mut out = format!("{DECLARATION}<errors><error><status>{status}</status><message>");
    escape(&mut out, message);
    out.push_str("</message></error></errors>");
    out
}

fn element(out: &mut String, name: &str, value: &Value) {
    let name = if is_name(name) { name } else { "field" };
    match value {
        Value::Null => return out.extend(["<", name, "/>"]),
        Value::Object(fields) if fields.is_empty() => return out.extend(["<", name, "/>"]),
        Value::Array(items) if items.is_empty() => return out.extend(["<", name, "/>"]),
        _ => out.extend(["<", name, ">"]),
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(field, value)| element(out, field, value)),
        Value::Array(items) => items.iter().for_each(|item| element(out, item_name(name, item), item)),
        Value::String(text) => escape(out, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
    out.extend(["</", name, ">"]);
}

/// Records are named after the list they are in; plain values have no name of their own.
fn item_name<'n>(list: &'n str, item: &Value) -> &'n str {
    if item.is_object() { singular(list) } else { "value" }
}

/// Clients choose field names, and not every one can name an element.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A bare carriage return would be read back as a line feed (XML 1.0 section 2.11).
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            // No XML 1.0 document can hold these, not even escaped (section 2.2).
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::document;

    #[test]
    fn values_become_elements() {
        for (root, value, expected) in [
            ("time", json!({ "time": 7 }), "<time><time>7</time></time>"),
            ("products", json!([{ "id": 1 }, { "id": 2 }]), PRODUCTS),
            ("products", json!([]), "<products/>"),
            ("product", json!({ "on": true, "tags": ["a", 2] }), TAGS),
            ("product", json!({ "brand": null, "extra": {} }), "<product><brand/><extra/></product>"),
        ] {
            assert_eq!(body(root, &value), expected);
        }
    }

    const PRODUCTS: &str = "<products><product><id>1</id></product><product><id>2</id></product></products>";
    const TAGS: &str = "<product><on>true</on><tags><value>a</value><value>2</value></tags></product>";

    #[test]
    fn text_stays_text() {
        for (text, expected) in [
            ("<b>&\"'</b>", "&lt;b&gt;&amp;&quot;&apos;&lt;/b&gt;"),
            ("a\r\n\tb", "a&#13;\n\tb"),
            ("\0\u{1b}\u{ffff}", "\u{fffd}\u{fffd}\u{fffd}"),
            ("Müller ☕", "Müller ☕"),
        ] {
            assert_eq!(body("n", &json!(text)), format!("<n>{expected}</n>"));
        }
    }

    #[test]
    fn field_names_open_no_elements() {
        for name in ["", "a b", "><script", "1st", "é"] {
            assert_eq!(body("n", &json!({ name: 1 })), "<n><field>1</field></n>", "{name}");
        }
    }

    fn body(root: &str, value: &Value) -> String {
        let whole = document(root, value);
        whole.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration").to_owned()
    }
}
