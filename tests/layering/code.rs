//! A Rust file as far as the rules need it: its words without comments, texts and tests, and the paths among them.

/// A word or a sign, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// A path as it is written, with the braces of a `use` resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    pub(crate) line: usize,
    pub(crate) parts: Vec<&'a str>,
}

/// The code of one file, without what only tests see.
pub(crate) struct Code<'a> {
    pub(crate) tokens: Vec<Token<'a>>,
    /// The names of modules that are in files of their own and only for tests.
    pub(crate) test_modules: Vec<&'a str>,
    /// The files of such modules, where a `#[path]` names them.
    pub(crate) test_paths: Vec<&'a str>,
}

impl<'a> Code<'a> {
    pub(crate) fn read(text: &'a str) -> Self {
        let all = tokens(text);
        let (mut kept, mut test_modules, mut test_paths, mut at) = (Vec::new(), Vec::new(), Vec::new(), 0);
        while at < all.len() {
            if !starts(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
                kept.push(all[at].clone());
                at += 1;
                continue;
            }
            let (attributes, item) = all[at + 7..].split_at(attributes(&all[at + 7..]));
            if let [module, name, end, ..] = item
                && (module.text, end.text) == ("mod", ";")
            {
                let path = attributes.windows(3).find(|window| starts(window, &["path", "="]));
                match path {
                    Some(path) => test_paths.push(path[2].text.trim_matches('"')),
                    None => test_modules.push(name.text),
                }
            }
            at = all.len() - item.len() + item_length(item);
        }
        Self { tokens: kept, test_modules, test_paths }
    }

    /// All paths of two parts and more, and everything that a `use` names.
    pub(crate) fn paths(&self) -> Vec<Path<'a>> {
        let (mut paths, mut at) = (Vec::new(), 0);
        while at < self.tokens.len() {
            let before = at.checked_sub(1).map_or("", |before| self.tokens[before].text);
            if self.tokens[at].text == "use" {
                at += 1;
                tree(&self.tokens, &mut at, &[], &mut paths);
            } else if is_word(self.tokens[at].text) && before != "." {
                let (line, mut parts) = (self.tokens[at].line, vec![self.tokens[at].text]);
                while starts(&self.tokens[at + 1..], &["::"]) && self.word(at + 2) {
                    at += 2;
                    parts.push(self.tokens[at].text);
                }
                if parts.len() > 1 {
                    paths.push(Path { line, parts });
                }
                at += 1;
            } else {
                at += 1;
            }
        }
        paths
    }

    /// The lines where these words and signs follow each other.
    pub(crate) fn find(&self, wanted: &[&str]) -> Vec<usize> {
        let windows = self.tokens.windows(wanted.len());
        windows.filter(|window| starts(window, wanted)).map(|window| window[0].line).collect()
    }

    fn word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| is_word(token.text))
    }
}

/// Where the modules that a file declares are: `gate/` for `gate/mod.rs` and for `gate.rs`.
pub(crate) fn module_dir(file: &str) -> String {
    match file.strip_suffix("mod.rs") {
        Some(dir) => dir.to_owned(),
        None if matches!(file, "lib.rs" | "main.rs") => String::new(),
        None => format!("{}/", file.trim_end_matches(".rs")),
    }
}

fn starts(tokens: &[Token<'_>], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len() && tokens.iter().zip(wanted).all(|(token, wanted)| token.text == *wanted)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// How many tokens the attributes in front of an item take.
fn attributes(tokens: &[Token<'_>]) -> usize {
    let mut at = 0;
    while starts(&tokens[at..], &["#", "["]) {
        let end = tokens[at..].iter().position(|token| token.text == "]").unwrap_or(0);
        at += end + 1;
    }
    at
}

/// How many tokens an item takes: up to its `;` or `,`, or to the end of its braces.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" if depth <= 1 => return at + 1,
            "}" => depth -= 1,
            ";" | "," if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Reads what a `use` names, from `at` to the sign that ends it, into one path for every leaf.
fn tree<'a>(tokens: &[Token<'a>], at: &mut usize, prefix: &[&'a str], paths: &mut Vec<Path<'a>>) {
    let mut parts = prefix.to_vec();
    let line = tokens.get(*at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(*at) {
        match token.text {
            "::" => *at += 1,
            "as" => *at += 2,
            "{" => {
                *at += 1;
                while tokens.get(*at).is_some_and(|token| token.text != "}") {
                    tree(tokens, at, &parts, paths);
                    *at += usize::from(tokens.get(*at).is_some_and(|token| token.text == ","));
                }
                *at += 1;
                return;
            }
            text if is_word(text) || text == "*" => {
                parts.push(text);
                *at += 1;
            }
            _ => break,
        }
    }
    if parts.len() > prefix.len() {
        paths.push(Path { line, parts });
    }
}

/// Cuts a text into words, signs and texts in plain quotes. Comments, other texts, characters and lifetimes leave nothing.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut line, mut rest) = (Vec::new(), 1, text);
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            line += rest[..length].matches('\n').count();
            rest = &rest[length..];
            continue;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 if first == '"' => quoted(rest, '"'),
            0 => first.len_utf8(),
            length => length,
        };
        found.push(Token { line, text: &rest[..length] });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// How much at the beginning of a text is left out.
fn skipped(text: &str) -> usize {
    let first = text.chars().next().unwrap_or(' ');
    let length = match first {
        _ if first.is_whitespace() => first.len_utf8(),
        '/' if text.starts_with("//") => text.find('\n').unwrap_or(text.len()),
        '/' if text.starts_with("/*") => block_comment(text),
        '\'' => character(text),
        'b' | 'c' if text[1..].starts_with('"') => 1 + quoted(&text[1..], '"'),
        'b' if text[1..].starts_with('\'') => 1 + quoted(&text[1..], '\''),
        'b' | 'c' if raw(&text[1..]) > 0 => 1 + raw(&text[1..]),
        'r' => raw(text),
        _ => 0,
    };
    length.min(text.len())
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

/// The length of what stands between two quotes, with the quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character, or of a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1 + text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len() - 1),
    }
}

/// The length of a raw text: an `r`, any number of `#`, and quotes; 0 for anything else.
fn raw(text: &str) -> usize {
    let Some(behind) = text.strip_prefix('r') else { return 0 };
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    if !behind[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", &behind[..hashes]);
    let begin = 1 + hashes + 1;
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
}
