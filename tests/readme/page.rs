//! README.md taken apart: its fenced blocks, the commands in them, and its tables.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// A page of Markdown.
pub(crate) struct Page {
    text: String,
}

/// A fenced block.
pub(crate) struct Block {
    /// Where its first line is.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// One command of an `sh` block, as it is written, and what a remark behind it says to expect.
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// From `# exit 1`; 0 unless said otherwise.
    pub(crate) exit: i32,
    /// From `# 403`: the status that curl got.
    pub(crate) status: Option<String>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        Self { text: fs::read_to_string(path).expect("a readable page") }
    }

    /// The fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<Block> {
        let (mut blocks, mut open) = (Vec::new(), None::<Block>);
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(opened), None) => {
                    let text = if opened == language { String::new() } else { "\0".to_owned() };
                    open = Some(Block { line: number + 1, text });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
        }
        blocks.retain(|block| !block.text.starts_with('\0'));
        blocks
    }

    /// All commands, in order.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.blocks("sh").iter().flat_map(commands).collect()
    }

    /// The lines of a chapter, from its heading to the next one.
    pub(crate) fn chapter(&self, heading: &str) -> Range<usize> {
        let lines = || (1..).zip(self.text.lines());
        let heads = || lines().filter(|(_, line)| line.starts_with("## "));
        let (begin, _) = heads().find(|(_, line)| line.trim_start_matches("## ") == heading).expect(heading);
        let end = heads().map(|(number, _)| number).find(|number| *number > begin);
        begin..end.unwrap_or(usize::MAX)
    }

    /// The rows of the first table under a heading, without its head.
    pub(crate) fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let title = |line: &&str| line.trim_start_matches('#').trim() != heading || !line.starts_with('#');
        let below = self.text.lines().skip_while(title).skip(1);
        let rows = below.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).skip(2);
        let rows: Vec<_> = rows.map(cells).collect();
        assert!(!rows.is_empty(), "README.md has no table under {heading}");
        rows
    }
}

fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands between backticks.
pub(crate) fn codes(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The one thing that stands between backticks.
pub(crate) fn code(cell: &str) -> String {
    match codes(cell).as_slice() {
        [one] => one.clone(),
        other => panic!("{cell} should have one `word`, and has {other:?}"),
    }
}

/// Cuts a block into commands. One goes on over lines that end with a backslash, and to the end of a `<<END`.
fn commands(block: &Block) -> Vec<Command> {
    let (mut found, mut lines) = (Vec::new(), (block.line..).zip(block.text.lines()));
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (first, remark) = line.split_once("  # ").map_or((line, ""), |(first, remark)| (first.trim_end(), remark));
        let mut text = first.to_owned();
        let end = first.split_once("<<").map(|(_, end)| end.trim_matches(['\'', '"', '-']).to_owned());
        while text.ends_with('\\') || end.as_ref().is_some_and(|end| !text.ends_with(&format!("\n{end}"))) {
            let (_, more) = lines.next().unwrap_or_else(|| panic!("README.md:{number}: the command has no end"));
            text.extend(["\n", more]);
        }
        found.push(Command { line: number, text, exit: exit(remark), status: status(remark) });
    }
    found
}

fn exit(remark: &str) -> i32 {
    let code = remark.strip_prefix("exit ").and_then(|rest| rest.split([' ', ':', ',']).next());
    code.map_or(0, |code| code.parse().expect("a number behind exit"))
}

fn status(remark: &str) -> Option<String> {
    let word = remark.split([' ', ':', ',']).next().unwrap_or_default();
    (word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())).then(|| word.to_owned())
}
