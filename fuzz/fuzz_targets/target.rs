//! The target reader: what it accepts is read in one way by every server, however lenient, and judged in one way here.
//!
//! Input: a method, a space, a request target. A line behind it chooses steps that servers take.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis::policy::{Target, User};
use portcullis::source::document::Law;
use portcullis_fuzz::{law, readers};

/// Amy may enter what is open, and Bob nothing that needs a permission.
const LAW: &str = r#"
[[resources]]
name = "open"
paths = ["/a/**", "/a/{x}/b", "/c"]
formats = ["json"]
permissions = { GET = "a.view", PUT = ["a.view", "a.edit"] }
[[resources]]
name = "shut"
paths = ["/b/**", "/a/b"]
permissions = { GET = "b.view" }
[[resources]]
name = "all"
paths = ["/time"]
permissions = { GET = "authenticated" }
[users.amy]
api_access = true
permissions = ["a.*"]
[users.bob]
api_access = true
"#;

static LAW_IN_FORCE: LazyLock<Law> = LazyLock::new(|| law(LAW));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (line, steps) = text.split_once('\n').unwrap_or((text, ""));
    let Some((method, asked)) = line.split_once(' ') else { return };
    let Ok(target) = Target::parse(method, asked) else { return };
    let sent = target.path_and_query().as_str();
    let path = asked.split('?').next().unwrap_or_default();
    assert_eq!(target.method().as_str(), method);
    assert_eq!(asked.split_once('?').map(|(_, query)| query), sent.split_once('?').map(|(_, query)| query));
    let again = Target::parse(method, sent).expect("what is sent is a target");
    assert_eq!(again.path_and_query().as_str(), sent, "what is sent is read as itself");
    readers::agree(path, target.path());
    readers::unchanged(path, target.path(), &steps.as_bytes()[..steps.len().min(16)]);
    judged(&target, method, sent, path);
});

/// Every spelling is judged alike, less is never more, and what is permitted leads nobody where it is shut.
fn judged(target: &Target, method: &str, sent: &str, asked: &str) {
    let law = &*LAW_IN_FORCE;
    let user = |name| -> &User { law.users.get(name).expect("a user") };
    let allows = |name, target: &Target| law.policy.would_allow(user(name), None, &law.policy.ask(target.clone()));
    let amy = allows("amy", target);
    assert_eq!(amy, allows("amy", &Target::parse(method, sent).expect("a target")));
    let path = target.path();
    if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
        assert_eq!(amy, allows("amy", &Target::parse(method, bare).expect("a target")), "a slash at the end");
    }
    if allows("bob", target).is_ok() {
        assert!(amy.is_ok(), "taking permissions away opened {path}");
    }
    if amy.is_ok() {
        for (who, theirs) in readers::readings(asked).chain(readers::readings(path)) {
            let shut = theirs == "/b" || theirs.starts_with("/b/") || matches!(&theirs[..], "/a/b" | "/a/b/");
            assert!(!shut, "{asked} is {theirs} for {who}");
        }
    }
}
