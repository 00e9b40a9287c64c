//! A strict reader of HTTP/1 messages, written from RFC 9112 and RFC 9110 alone and not from the gateway's own reader: what
//! it calls a request is one to every server, and what it doubts is told as a fault. It reads whole inputs and is slow.
//!
//! Used by the fuzz targets, and tested by `tests/reference`. It knows of std and of nothing else.

use std::fmt;

/// One message: a request or an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line's three parts: method, target and version, or version, status and reason.
    pub line: [String; 3],
    /// Names in lower case, values without the white space around them.
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    pub framing: Framing,
    /// An empty line stood before it.
    pub after_blank: bool,
    /// Some chunk had an extension.
    pub extended: bool,
    /// It came to its end.
    pub whole: bool,
}

/// How a message says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Nothing,
    Sized(u64),
    Chunked,
    UntilClose,
}

/// Why reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every byte belongs to a message that came to its end.
    Clean,
    /// The bytes end within a message, or within its head.
    CutOff,
    /// The last message says that nothing follows it; what does is not looked at.
    Closed,
    /// What stands there has no single reading.
    Fault(&'static str),
}

/// As a person reads it.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, fields, body, trailers, framing, whole, .. } = self;
        writeln!(f, "{} ({framing:?}, whole: {whole})", line.join(" "))?;
        fields.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {:?}", text(value)))?;
        writeln!(f, "{:?}", text(body))?;
        trailers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {:?}", text(value)))
    }
}

impl Message {
    /// All values of a field.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        self.fields.iter().filter(|(one, _)| one == name).map(|(_, value)| &value[..]).collect()
    }

    /// Whether a field that is a list of words names this one.
    pub fn says(&self, name: &str, word: &str) -> bool {
        let words = self.values(name).into_iter().flat_map(|value| value.split(|byte| *byte == b','));
        words.map(<[u8]>::trim_ascii).any(|one| one.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn keeps_open(&self, version: &str) -> bool {
        !self.says("connection", "close") && (version == "HTTP/1.1" || self.says("connection", "keep-alive"))
    }
}

/// The requests in what a client or a gateway sends. The last may have come to its head only.
pub fn requests(bytes: &[u8]) -> (Vec<Message>, End) {
    let mut rest = bytes;
    let mut found = Vec::new();
    loop {
        // Section 2.2: one empty line before a request is ignored.
        let after_blank = rest.starts_with(b"\r\n");
        let start = if after_blank { &rest[2..] } else { rest };
        if start.is_empty() {
            return (found, if after_blank { End::CutOff } else { End::Clean });
        }
        let head = match head(start).and_then(|head| head.map(request).transpose()) {
            Ok(Some(head)) => head,
            Ok(None) => return (found, End::CutOff),
            Err(fault) => return (found, End::Fault(fault)),
        };
        let (mut message, behind) = head;
        message.after_blank = after_blank;
        let read = body(&mut message, behind);
        let (whole, open) = (message.whole, message.keeps_open(&message.line[2]));
        found.push(message);
        match read {
            Err(fault) => return (found, End::Fault(fault)),
            Ok(_) if !whole => return (found, End::CutOff),
            Ok(_) if !open => return (found, End::Closed),
            Ok(after) => rest = after,
        }
    }
}

/// The answers in what a server sends before it closes the connection; `methods` are those of the requests, and GET is
/// what is asked for beyond them. Interim answers are among them.
pub fn answers(bytes: &[u8], methods: &[&str]) -> (Vec<Message>, End) {
    let (mut rest, mut found, mut finals) = (bytes, Vec::<Message>::new(), 0);
    while !rest.is_empty() {
        let head = head(rest).and_then(|head| {
            let method = methods.get(finals).copied().unwrap_or("GET");
            head.map(|head| answer(head, method)).transpose()
        });
        let (mut message, behind) = match head {
            Ok(Some(head)) => head,
            Ok(None) => return (found, End::CutOff),
            Err(fault) => return (found, End::Fault(fault)),
        };
        let read = body(&mut message, behind);
        let interim = message.line[1].starts_with('1');
        finals += usize::from(!interim);
        let open = interim || message.keeps_open(&message.line[0]) && message.framing != Framing::UntilClose;
        let whole = message.whole;
        found.push(message);
        match read {
            Err(fault) => return (found, End::Fault(fault)),
            Ok(_) if !whole => return (found, End::CutOff),
            // A server that has said so may not send more.
            Ok(after) if !open && !after.is_empty() => return (found, End::Fault("something follows the last answer")),
            Ok(_) if !open => return (found, End::Closed),
            Ok(after) => rest = after,
        }
    }
    (found, End::Clean)
}

/// A head's first line, its fields, and what stands behind it.
type Head<'b> = (&'b [u8], Vec<(String, Vec<u8>)>, &'b [u8]);

/// Cuts a head into lines; `None` where it has no end. What is wrong with a line is told only once the end has come.
fn head(bytes: &[u8]) -> Result<Option<Head<'_>>, &'static str> {
    let Some((first, rest)) = line(bytes)? else { return Ok(None) };
    Ok(fields(rest)?.map(|(fields, rest)| (first, fields, rest)))
}

/// A line, and what stands behind it.
type Cut<'b> = (&'b [u8], &'b [u8]);

/// A line that ends in CRLF, without it, and what follows. A CR or an LF alone is a fault.
fn line(bytes: &[u8]) -> Result<Option<Cut<'_>>, &'static str> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    match bytes[..end].split_last() {
        Some((b'\r', line)) if !line.contains(&b'\r') => Ok(Some((line, &bytes[end + 1..]))),
        Some((b'\r', _)) => Err("a CR within a line"),
        _ => Err("a line ends in a bare LF"),
    }
}

type Fields = Vec<(String, Vec<u8>)>;

/// Field lines up to an empty one (RFC 9112 section 5).
fn fields(mut rest: &[u8]) -> Result<Option<(Fields, &[u8])>, &'static str> {
    let mut found = Vec::new();
    loop {
        let Some((line, after)) = line(rest)? else { return Ok(None) };
        rest = after;
        if line.is_empty() {
            return Ok(Some((found, rest)));
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_tchar(*byte)) {
            return Err("a field's name is no token");
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err("a control character in a field");
        }
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let begin = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
        let end = value.iter().rposition(|byte| !is_space(byte)).map_or(begin, |last| last + 1);
        found.push((String::from_utf8_lossy(name).to_ascii_lowercase(), value[begin..end].to_vec()));
    }
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn message(line: [&[u8]; 3], fields: Fields) -> Message {
    let (body, trailers) = (Vec::new(), Vec::new());
    let framing = Framing::Nothing;
    Message { line: line.map(text), fields, body, trailers, framing, after_blank: false, extended: false, whole: false }
}

/// Section 3: `method SP request-target SP HTTP-version`.
fn request((line, fields, rest): Head<'_>) -> Result<(Message, &[u8]), &'static str> {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Err("a request line of other than three parts") };
    if method.is_empty() || !method.iter().all(|byte| is_tchar(*byte)) {
        return Err("the method is no token");
    }
    if target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err("the target has a character that none has");
    }
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err("another version");
    }
    let mut message = message([method, target, version], fields);
    message.framing = match framing(&message, version == b"HTTP/1.0")? {
        Framing::UntilClose => Framing::Nothing,
        framing => framing,
    };
    Ok((message, rest))
}

/// Section 4: `HTTP-version SP status-code SP [ reason-phrase ]`.
fn answer<'b>((line, fields, rest): Head<'b>, method: &str) -> Result<(Message, &'b [u8]), &'static str> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let (Some(version), Some(status), Some(reason)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("a status line of less than three parts");
    };
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err("another version");
    }
    if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) || !(b'1'..=b'5').contains(&status[0]) {
        return Err("the status is none");
    }
    if reason.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err("a control character in the reason");
    }
    let mut message = message([version, status, reason], fields);
    let bodiless = method == "HEAD" || status[0] == b'1' || matches!(status, b"204" | b"304");
    let said = framing(&message, version == b"HTTP/1.0")?;
    if (status[0] == b'1' || status == b"204") && said != Framing::UntilClose {
        return Err("a length or a coding where none may be");
    }
    message.framing = if bodiless { Framing::Nothing } else { said };
    Ok((message, rest))
}

/// Section 6.3, with everything that it would have repaired as a fault.
fn framing(message: &Message, old: bool) -> Result<Framing, &'static str> {
    match (&message.values("transfer-encoding")[..], &message.values("content-length")[..]) {
        ([], []) => Ok(Framing::UntilClose),
        ([], [length]) => {
            let plain = length.iter().all(u8::is_ascii_digit) && (length.len() == 1 || !length.starts_with(b"0"));
            let length = if plain { text(length).parse().ok() } else { None };
            length.map(Framing::Sized).ok_or("the length is no plain number")
        }
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") && !old => Ok(Framing::Chunked),
        ([_], []) => Err("a coding that is not chunked"),
        _ => Err("several lengths or codings"),
    }
}

/// Reads a body, as far as it has come.
fn body<'b>(message: &mut Message, rest: &'b [u8]) -> Result<&'b [u8], &'static str> {
    match message.framing {
        Framing::Nothing => {
            message.whole = true;
            Ok(rest)
        }
        Framing::Sized(length) => {
            let here = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            message.whole = here as u64 == length;
            message.body.extend_from_slice(&rest[..here]);
            Ok(&rest[here..])
        }
        Framing::UntilClose => {
            message.whole = true;
            message.body.extend_from_slice(rest);
            Ok(&[])
        }
        Framing::Chunked => chunks(message, rest),
    }
}

/// Section 7.1. Of an extension only the characters are looked at: whoever passes on a body leaves it out.
fn chunks<'b>(message: &mut Message, mut rest: &'b [u8]) -> Result<&'b [u8], &'static str> {
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = &rest[digits..];
        if digits > 16 || digits == 0 && !behind.is_empty() {
            return Err("a chunk's size is no number");
        }
        let Some((extension, after)) = line(behind)? else { return Ok(&[]) };
        if !extension.is_empty() && !extension.trim_ascii_start().starts_with(b";") {
            return Err("something else than an extension behind a chunk's size");
        }
        if extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err("a control character in an extension");
        }
        message.extended |= !extension.is_empty();
        let size = u64::from_str_radix(&text(&rest[..digits]), 16).map_err(|_| "no size of a chunk")?;
        if size == 0 {
            let Some((trailers, after)) = fields(after)? else { return Ok(&[]) };
            (message.trailers, message.whole) = (trailers, true);
            return Ok(after);
        }
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(after.len());
        message.body.extend_from_slice(&after[..here]);
        match &after[here..] {
            [] | [b'\r'] => return Ok(&[]),
            [b'\r', b'\n', next @ ..] if here as u64 == size => rest = next,
            _ => return Err("a chunk does not end where it says"),
        }
    }
}
