//! A type that wipes something from memory has a secret, and must not show it: `Zeroizing` itself does, so what holds one
//! may not derive `Debug`.

/// The types in a file that hold something to be wiped and derive `Debug`.
pub(crate) fn shown(text: &str) -> Vec<String> {
    let (mut shown, mut lines, mut derives) = (Vec::new(), text.lines(), false);
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if bare.starts_with("#[") || bare.starts_with("///") {
            derives |= bare.starts_with("#[derive(") && bare.contains("Debug");
            continue;
        }
        if let Some(name) = declared(bare) {
            let mut body = line.to_owned();
            let indent = line.len() - bare.len();
            let end = format!("{}}}", " ".repeat(indent));
            while !body.ends_with(';') && !body.ends_with('}') {
                let Some(more) = lines.next() else { break };
                // Only the closing brace of the type itself, not of a variant in it, ends it.
                if more == end {
                    break;
                }
                body.push('\n');
                body.push_str(more.trim_end_matches(['}', ';']));
            }
            if derives && body.contains("Zeroizing<") {
                shown.push(name.to_owned());
            }
        }
        derives = false;
    }
    shown
}

fn declared(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub").map_or(line, |rest| rest.split_once(' ').map_or(rest, |(_, rest)| rest));
    let rest = line.strip_prefix("struct ").or_else(|| line.strip_prefix("enum "))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[test]
fn a_secret_that_would_be_shown_is_found() {
    let text = "/// One.\n#[derive(Clone, Debug)]\npub(crate) struct A {\n    /// x\n    key: Zeroizing<Vec<u8>>,\n}\n\n\
                #[derive(Clone)]\nstruct B(Zeroizing<String>);\n\n#[derive(Debug)]\nstruct C {\n    a: u8,\n}\n\n\
                fn f() -> Zeroizing<String> {}\n\n#[derive(Debug)]\npub enum D {\n    One { a: Zeroizing<u8> },\n}\n\
                #[derive(PartialEq, Debug)]\n#[must_use]\nstruct E((String, Zeroizing<String>));\n";
    assert_eq!(shown(text), ["A", "D", "E"]);
}
