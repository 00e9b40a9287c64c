//! The steps in which servers read a path, and kinds of servers made of them.
//!
//! Models, written from how such servers are known to behave, and more lenient than any real one: each does all that its
//! kind has ever been seen to do.

/// One thing that a server may do to a path.
pub(super) type Step = fn(&[u8]) -> Vec<u8>;

/// What servers do to paths, in whatever order.
pub(super) const STEPS: [(&str, Step); 7] = [
    ("decode", decode),
    ("remove dot segments", remove_dots),
    ("fold slashes", fold),
    ("cut parameters", cut_parameters),
    ("turn backslashes", turn_backslashes),
    ("cut at NUL", cut_at_nul),
    ("cut the fragment", cut_fragment),
];

/// Kinds of servers, as the steps that each takes.
pub(super) const READERS: [(&str, &[Step]); 9] = [
    ("one that merges slashes: decodes, then folds and resolves", &[decode, fold, remove_dots]),
    ("a servlet container: cuts parameters, decodes, resolves", &[cut_parameters, decode, fold, remove_dots]),
    ("a servlet container that decodes first", &[decode, cut_parameters, fold, remove_dots]),
    (
        "one on Windows: decodes, turns backslashes, resolves",
        &[decode, turn_backslashes, fold, trim_names, remove_dots],
    ),
    ("one in C: decodes, cuts at NUL, resolves", &[decode, cut_at_nul, cut_fragment, fold, remove_dots]),
    ("one that decodes in two places", &[decode, remove_dots, decode, fold, remove_dots]),
    ("one that resolves before it decodes", &[remove_dots, decode]),
    ("one that writes the decoded path out and splits it again", &[decode, cut_query, cut_fragment, remove_dots]),
    (
        "one that normalises what it decodes",
        &[decode, compatible, cut_parameters, turn_backslashes, decode, fold, remove_dots],
    ),
];

fn decode(path: &[u8]) -> Vec<u8> {
    let digit = |place: usize| path.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut place) = (Vec::with_capacity(path.len()), 0);
    while let Some(&byte) = path.get(place) {
        match (byte, digit(place + 1), digit(place + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                place += 3;
            }
            _ => {
                decoded.push(byte);
                place += 1;
            }
        }
    }
    lenient_utf8(&decoded)
}

/// Reads overlong forms of ASCII as what they stand for, as decoders do that only mask and shift.
fn lenient_utf8(bytes: &[u8]) -> Vec<u8> {
    let (mut read, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let [first, after @ ..] = rest {
        rest = match after {
            [next, after @ ..] if matches!(first, 0xc0 | 0xc1) => {
                read.push((first & 1) << 6 | next & 0x3f);
                after
            }
            _ => {
                read.push(*first);
                after
            }
        };
    }
    read
}

/// RFC 3986 section 5.2.4, in segments.
fn remove_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let last = segments.len() - 1;
    for (place, segment) in segments.into_iter().enumerate() {
        match segment {
            b".." => {
                // The first is what stands before the first slash: nothing.
                kept.truncate((kept.len().saturating_sub(1)).max(1));
            }
            b"." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if place == last {
            kept.push(b"");
        }
    }
    kept.join(&b"/"[..])
}

fn fold(path: &[u8]) -> Vec<u8> {
    let mut folded = path.to_vec();
    folded.dedup_by(|one, before| *one == b'/' && *before == b'/');
    folded
}

fn cut_parameters(path: &[u8]) -> Vec<u8> {
    in_segments(path, |segment| segment.split(|byte| *byte == b';').next().unwrap_or_default().to_vec())
}

fn turn_backslashes(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

fn cut_at_nul(path: &[u8]) -> Vec<u8> {
    cut(path, 0)
}

fn cut_fragment(path: &[u8]) -> Vec<u8> {
    cut(path, b'#')
}

fn cut_query(path: &[u8]) -> Vec<u8> {
    cut(path, b'?')
}

fn cut(path: &[u8], at: u8) -> Vec<u8> {
    path.split(|byte| *byte == at).next().unwrap_or_default().to_vec()
}

/// Drops spaces at the end of a name of dots, which Windows does not count.
fn trim_names(path: &[u8]) -> Vec<u8> {
    in_segments(path, |segment| {
        let dots = segment.iter().all(|byte| matches!(byte, b'.' | b' ')) && segment.contains(&b'.');
        if dots { segment.trim_ascii_end().to_vec() } else { segment.to_vec() }
    })
}

/// Gives the characters of ASCII that some others are said to stand for.
pub(super) fn compatible(path: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(path) else { return path.to_vec() };
    let ascii = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => vec![char::from_u32(u32::from(c) - 0xfee0).unwrap()],
        '\u{2044}' | '\u{2215}' => vec!['/'],
        '\u{2216}' | '\u{fe68}' | '\u{a5}' => vec!['\\'],
        '\u{2105}' => vec!['c', '/', 'o'],
        '\u{2024}' => vec!['.'],
        '\u{2025}' => vec!['.', '.'],
        '\u{37e}' => vec![';'],
        '\u{fe6a}' => vec!['%'],
        other => vec![other],
    };
    text.chars().flat_map(ascii).collect::<String>().into_bytes()
}

fn in_segments(path: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    path.split(|byte| *byte == b'/').map(change).collect::<Vec<_>>().join(&b"/"[..])
}

/// What a path becomes by several steps.
pub(super) fn walk<'s>(path: &str, steps: impl IntoIterator<Item = &'s Step>) -> Vec<u8> {
    steps.into_iter().fold(path.as_bytes().to_vec(), |path, step| step(&path))
}

/// The segments that are left of a path once nothing in it is escaped, whether slashes were or not.
pub(super) fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    decode(path).split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect()
}

/// The segments that the gateway judges: those between the slashes, each with its escapes decoded.
pub(super) fn judged(path: &str) -> Vec<Vec<u8>> {
    path.split('/').map(|segment| decode(segment.as_bytes())).collect()
}
