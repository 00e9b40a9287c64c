//! Files of user names and password hashes, as `htpasswd` writes them for Apache, nginx and others.
//!
//! Only hashes that withstand guessing are taken: bcrypt and argon2id. No fault shows anything behind a name.

use std::collections::HashMap;
use std::ops::Range;

use crate::fault::{Fault, Faults, Source};
use crate::policy::PasswordHash;
use crate::source::document::{Law, password_hash, user_name_problem};

/// What to do about a hash that is not taken.
const MAKE_ANOTHER: &str = "have the user choose a password anew: `htpasswd -B FILE NAME` writes one that is taken";

/// One user of such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The hash of the password.
    pub hash: PasswordHash,
}

/// Reads such a file: lines `name:hash`, empty ones, and comments behind `#`. `name` is what faults call it; users that
/// `law` has already are faults too.
///
/// # Errors
/// Every fault of the file, each with its line.
pub fn read(name: &str, bytes: &[u8], law: &Law) -> Result<Vec<Entry>, Faults> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => return Err(not_utf8(name, bytes, error.valid_up_to())),
    };
    let mut reader = Reader { source: Source::new(name, text), law, first: HashMap::new(), faults: Vec::new() };
    let entries = lines(text).filter_map(|(start, line)| reader.line(start, line)).collect();
    if reader.faults.is_empty() { Ok(entries) } else { Err(Faults::new(reader.faults)) }
}

/// The lines that say something, with where each begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let whole = text.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line.trim_end_matches(['\r', '\n'])))
    });
    whole.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> Faults {
    let text = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    // What stands before it on the line may be a secret too.
    let line = text.rfind('\n').map_or(0, |end| end + 1);
    let fault = Source::new(name, &text).fault(line..line, "this line is no text in UTF-8").concealed();
    Faults::new(vec![fault.help("write the file anew in UTF-8, which names with other letters than a-z need")])
}

struct Reader<'t> {
    source: Source<'t>,
    law: &'t Law,
    /// Where each name stands first.
    first: HashMap<&'t str, usize>,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn line(&mut self, start: usize, line: &'t str) -> Option<Entry> {
        let Some((name, hash)) = line.split_once(':') else {
            // All of it may be a secret.
            self.fault(
                start..start,
                "there is no ':' on this line, which is NAME:HASH",
                "remove the line, or put # before it",
            );
            return None;
        };
        let behind = start + name.len() + 1;
        let named = self.name(start, name);
        let hash = self.hash(behind, hash);
        named.then_some(())?;
        Some(Entry { name: name.to_owned(), hash: hash? })
    }

    /// Whether this can be the name of a new user.
    fn name(&mut self, start: usize, name: &'t str) -> bool {
        let span = start..start + name.len();
        if let Some(problem) = user_name_problem(name) {
            self.fault(span, &format!("a user's name {problem}"), "a name is what clients send in front of the ':'");
            return false;
        }
        if let Some(first) = self.first.insert(name, start) {
            let line = self.source.line(first);
            self.fault(
                span,
                &format!("the user {name:?} is there already, on line {line}"),
                "remove one of the two lines",
            );
            return false;
        }
        if self.law.users.get(name).is_some() {
            let message = format!("the access document has a user {name:?} already");
            self.fault(span, &message, "remove the line, or that user with `portcullis user remove`");
            return false;
        }
        true
    }

    fn hash(&mut self, start: usize, text: &str) -> Option<PasswordHash> {
        // Some programs write more behind another colon. Where it is stays unsaid, for the hash stands in front of it.
        if text.contains(':') {
            self.fault(
                start..start,
                "there is a second ':' on this line, which is NAME:HASH",
                "remove it and what is behind",
            );
            return None;
        }
        if text.is_empty() {
            self.fault(start..start, "there is no hash: anybody could sign in", "remove the line");
            return None;
        }
        match (password_hash(text), scheme(text)) {
            (Ok(hash), _) => return Some(hash),
            (Err(_), Some(scheme)) => {
                let message = format!("hashes of the kind {scheme:?} are not taken: only bcrypt and argon2id are");
                self.fault(start..start + scheme.len(), &message, MAKE_ANOTHER);
            }
            (Err(_), None) if !["$2a$", "$2b$", "$2y$", "$argon2id$"].iter().any(|kind| text.starts_with(kind)) => {
                let message = "this is neither bcrypt nor argon2id: a password in clear, or a hash of crypt()";
                self.fault(start..start, message, MAKE_ANOTHER);
            }
            (Err(problem), None) => self.fault(start..start, &problem, MAKE_ANOTHER),
        }
        None
    }

    /// Adds a fault that shows the line no further than its span.
    fn fault(&mut self, span: Range<usize>, message: &str, help: &str) {
        self.faults.push(self.source.fault(span, message).concealed().help(help));
    }
}

/// The kind of a hash that is not taken, where its name is surely no part of a password.
fn scheme(text: &str) -> Option<&str> {
    const KNOWN: &[&str] = &[
        "$apr1$",
        "$1$",
        "$2$",
        "$2x$",
        "$5$",
        "$6$",
        "$7$",
        "$y$",
        "$gy$",
        "$sha1$",
        "$scrypt$",
        "$argon2i$",
        "$argon2d$",
        "$pbkdf2$",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha512$",
        "{SHA}",
        "{SSHA}",
        "{SHA256}",
        "{SSHA256}",
        "{SHA512}",
        "{SSHA512}",
        "{MD5}",
        "{SMD5}",
        "{CRYPT}",
        "{PLAIN}",
    ];
    let known =
        KNOWN.iter().find(|known| text.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known)));
    known.and_then(|known| text.get(..known.len()))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::read;
    use crate::source::document::{self, Format, Law};

    const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuMJ1BGOKS5OAMlsxgvYHpMXlMQPK4Wba";
    const ARGON2: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";

    fn law() -> Law {
        document::read("t", "[users.amy]\napi_access = true\n", Format::Toml, SystemTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn names_and_hashes_are_read_whatever_the_line_ends() {
        let (apache, php) = (BCRYPT.replace("$2b$", "$2y$"), BCRYPT.replace("$2b$", "$2a$"));
        let lines = format!("# users\n\n  \nbob:{BCRYPT}\n # eve:x\neve:{apache}\nzoë w.:{php}\ndan:{ARGON2}");
        for text in [lines.clone(), lines.replace('\n', "\r\n"), format!("\u{feff}{lines}\n")] {
            let entries = read("f", text.as_bytes(), &law()).unwrap_or_else(|faults| panic!("{faults}"));
            let read: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.hash.as_str())).collect();
            assert_eq!(read, [("bob", BCRYPT), ("eve", &*apache), ("zoë w.", &*php), ("dan", ARGON2)]);
        }
        assert_eq!(read("f", b"", &law()), Ok(Vec::new()));
    }

    #[test]
    fn every_fault_is_told_with_its_place_and_no_hash() {
        let long = "n".repeat(201);
        for (line, place, told) in [
            (format!("amy:{BCRYPT}"), "2:1", "the access document has a user \"amy\" already"),
            (format!("bob:{BCRYPT}"), "2:1", "the user \"bob\" is there already, on line 1"),
            (format!(":{BCRYPT}"), "2:1", "a user's name is empty"),
            (format!(" eve:{BCRYPT}"), "2:1", "a user's name begins or ends with a space"),
            (format!("e\tve:{BCRYPT}"), "2:1", "a user's name has a control character"),
            (format!("{long}:{BCRYPT}"), "2:1", "a user's name is longer than 200 characters"),
            ("secretsecret".to_owned(), "2:1", "there is no ':'"),
            ("eve:".to_owned(), "2:5", "there is no hash"),
            ("eve:secretsecret".to_owned(), "2:5", "a password in clear"),
            ("eve:rqXexS6ZhobKA".to_owned(), "2:5", "or a hash of crypt()"),
            ("eve:$secret$ecret".to_owned(), "2:5", "a password in clear"),
            ("eve:$apr1$secret$secret".to_owned(), "2:5", "of the kind \"$apr1$\" are not taken"),
            ("eve:$1$secret$secret".to_owned(), "2:5", "\"$1$\""),
            ("eve:$5$secret$secret".to_owned(), "2:5", "\"$5$\""),
            ("eve:$6$secret$secret".to_owned(), "2:5", "\"$6$\""),
            ("eve:$y$j9T$secret$secret".to_owned(), "2:5", "\"$y$\""),
            ("eve:$argon2i$v=19$m=8,t=1,p=1$secret$secret".to_owned(), "2:5", "\"$argon2i$\""),
            ("eve:{SHA}secretsecret=".to_owned(), "2:5", "\"{SHA}\""),
            ("eve:{ssha}secretsecret=".to_owned(), "2:5", "\"{ssha}\""),
            ("eve:{secret}secret".to_owned(), "2:5", "a password in clear"),
            (format!("eve:{}", BCRYPT.replace("$10$", "$20$")), "2:5", "the cost of a bcrypt hash"),
            (format!("eve:{}", &BCRYPT[..50]), "2:5", "no whole bcrypt hash"),
            (format!("eve:{}", ARGON2.replace("m=19456", "m=2000000")), "2:5", "1 GiB"),
            (format!("eve:{BCRYPT}:1001"), "2:5", "a second ':'"),
        ] {
            let text = format!("bob:{BCRYPT}\n{line}\nlast:{BCRYPT}\n");
            let faults = read("users.htpasswd", text.as_bytes(), &law()).unwrap_err();
            let shown = faults.to_string();
            assert_eq!(faults.as_slice().len(), 1, "{shown}");
            assert!(shown.starts_with(&format!("users.htpasswd:{place}: ")) && shown.contains(told), "{line} {shown}");
            assert!(
                !shown.contains("secretsecret") && !shown.contains("$ecret") && !shown.contains("abcdef"),
                "{shown}"
            );
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = "a:{SHA}x\r\nb\r\n\r\nc:clear\r\n";
        let faults = read("f", text.as_bytes(), &law()).unwrap_err();
        let lines: Vec<_> = faults.as_slice().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 2, 4]);
        let faults = read("f", b"a:$2y$05$x\nsecret\xff\n", &law()).unwrap_err().to_string();
        assert!(faults.starts_with("f:2:1: this line is no text in UTF-8") && !faults.contains("secret"), "{faults}");
    }
}
