//! Heads and bodies of messages as they stood on the wire.

/// The head of a request or an answer.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Every byte up to the blank line.
    pub(crate) raw: Vec<u8>,
    /// The first line.
    pub(crate) line: String,
    /// Names as they were written, values without the space around them.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Takes a head apart.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let mut lines = raw.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let field = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        };
        Self { raw: raw.to_vec(), line, fields: lines.filter_map(field).collect() }
    }

    /// All values of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The one value of a field; fails the test where there are several.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        assert!(values.len() < 2, "{name} stands {} times in {}", values.len(), self.text());
        values.pop()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.values(name).is_empty()
    }

    /// The second word of the first line: a request's target, an answer's status.
    pub(crate) fn word(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The fields in an order of their own, names in lower case, without those that `but` names.
    pub(crate) fn fields_but(&self, but: &[&str]) -> Vec<(String, Vec<u8>)> {
        let mut fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        fields.retain(|(name, _)| !but.contains(&name.as_str()));
        // Stable: several values of one name keep their order.
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        fields
    }
}

/// A body as far as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) length: u64,
    /// Its first bytes, up to [`Body::KEPT`].
    pub(crate) kept: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    /// Whether it ended where its framing says, and not where the connection did.
    pub(crate) complete: bool,
}

impl Body {
    const KEPT: usize = 1024 * 1024;

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let room = Self::KEPT.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
    }
}

/// Where a body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Nothing,
    Sized(u64),
    Chunked,
    Close,
}

impl Framing {
    pub(crate) fn of_request(head: &Head) -> Self {
        Self::declared(head).unwrap_or(Self::Nothing)
    }

    pub(crate) fn of_answer(head: &Head, method: &str) -> Self {
        match head.word() {
            "204" | "304" => Self::Nothing,
            status if status.starts_with('1') || method == "HEAD" => Self::Nothing,
            _ => Self::declared(head).unwrap_or(Self::Close),
        }
    }

    fn declared(head: &Head) -> Option<Self> {
        if head.value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Some(Self::Chunked);
        }
        head.value("content-length").and_then(|length| length.parse().ok()).map(Self::Sized)
    }
}

/// A whole answer, over whichever protocol it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// 1xx answers before the final one; HTTP/2 clients do not tell of them.
    pub(crate) interim: Vec<Head>,
    pub(crate) head: Head,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.word().parse().unwrap_or_else(|_| panic!("no status in {:?}", self.head.line))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body.kept).into_owned()
    }

    /// The request id, which every answer has to have.
    pub(crate) fn id(&self) -> String {
        let id = self.head.value("x-request-id").unwrap_or_else(|| panic!("no request id in {}", self.head.text()));
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        id
    }
}
