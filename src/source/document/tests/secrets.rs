//! Stored secrets: what is refused, and that no fault shows any of it.

use super::super::Fault;
use super::{TOML, json, marked, now, toml};
use crate::policy::TokenHash;

const STORE: &str = "store what `portcullis token hash` prints for it: \"sha256:\" and 64 digits";
const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuMJ1BGOKS5OAMlsxgvYHpMXlMQPK4Wba";

fn one(in_toml: &str, in_json: &str, message: &str, help: &str) {
    for (text, is_toml) in [(in_toml, true), (in_json, false)] {
        if text.is_empty() {
            continue;
        }
        let (text, place) = marked(text);
        let faults = if is_toml { toml(&text) } else { json(&text) }.expect_err(&text);
        assert_eq!((faults.len(), faults[0].place), (1, place), "{faults}");
        assert!(faults[0].message.contains(message), "{faults}");
        assert_eq!(faults[0].help.as_deref().unwrap_or(""), help, "{faults}");
    }
}

/// A user with these tokens, and with this panel password, in both formats.
fn tokens(tokens: &str, message: &str, help: &str) {
    let in_json = tokens.replace(" = ", ": ").replace("hash", "\"hash\"").replace("created", "\"created\"");
    let in_json = in_json.replace("expires:", "\"expires\":");
    one(
        &format!("[users.amy]\ntokens = {tokens}"),
        &format!("{{\"users\": {{\"amy\": {{\n\"tokens\": {in_json}}}}}}}"),
        message,
        help,
    );
}

#[test]
fn what_is_no_hash_is_refused() {
    let hash = TokenHash::of(b"x").to_string();
    tokens("»\"pcl_x\"", "\"tokens\" must be a list of hashes, not a string", "");
    tokens("[»1]", "a token must be a", "");
    tokens("[»\"pcl_abc\"]", "this is no hash: a token is never stored in clear", STORE);
    tokens("[»\"sha256:12\"]", "\"sha256:\" is followed by 64 hexadecimal digits", STORE);
    tokens("[»\"$apr1$x$y\"]", "hashes of the kind \"$apr1$\" are not accepted", super_help());
    tokens(&format!("[\"{hash}\", »\"{hash}\"]"), "this token is listed twice, first at", "");
    tokens(
        &format!("[\"{BCRYPT}\", »\"{BCRYPT}\"]"),
        "a second password: a user has one, and it is at",
        "remove one of them; of tokens there may be any number",
    );
    tokens("[»{ created = \"2026-01-01\" }]", "a token has no \"hash\"", "");
    tokens(&format!("[{{ hash = \"{hash}\", expires = »7 }}]"), "\"expires\" must be a date and time", "");
    tokens(
        &format!("[{{ hash = \"{hash}\", expires = »\"soon\" }}]"),
        "\"soon\" is no point in time",
        "write a date such as 2026-12-31, or a date and time such as 2026-12-31T18:00:00Z",
    );
    tokens(
        &format!("[{{ hash = \"{hash}\", expires = »\"2027-01-01T00:00:00\" }}]"),
        "no point in time",
        "say in which time zone: \"2027-01-01T00:00:00Z\"",
    );
    tokens(
        &format!("[{{ hash = \"{hash}\", created = \"2027-01-02\", expires = »\"2027-01-01\" }}]"),
        "this token expires before it is created",
        "",
    );
    tokens(
        &format!("[{{ hash = \"{BCRYPT}\", expires = »\"2027-01-01\" }}]"),
        "a password cannot expire, only a token can",
        "remove it, or give the user a token in place of the password",
    );
    one(
        &format!("[users.amy]\ntokens=[{{hash=\"{hash}\", created=2027-01-02, expires=»2027-01-01T00:00:00Z}}]"),
        "",
        "this token expires before it is created",
        "",
    );
    one(
        &format!(
            "[users.amy]\ntokens = [\"{hash}\"]\n[users.bob]\ntokens = [»\"{}\"]",
            hash.to_uppercase().replace("SHA", "sha")
        ),
        &format!("{{\"users\": {{\"amy\": {{\"tokens\": [\"{hash}\"]}},\n\"bob\": {{\"tokens\": [»\"{hash}\"]}}}}}}"),
        "user \"amy\" has the same token, at ",
        "give each user a token of their own",
    );
}

fn super_help() -> &'static str {
    "accepted are \"sha256:\", \"$2a$\", \"$2b$\", \"$2y$\" and \"$argon2id$\""
}

#[test]
fn the_panel_takes_argon2id_only() {
    let help = "make one with `portcullis user password`";
    for (panel, message) in [
        ("hunter2", "a password is never stored in clear"),
        ("sha256:abc", "a password is never stored in clear"),
        (BCRYPT, "the panel takes argon2id hashes only"),
        ("$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "hashes of the kind \"$argon2i$\" are not accepted"),
        ("$argon2id$v=19", "this is no whole argon2id hash"),
    ] {
        one(
            &format!("[users.amy]\npanel = »\"{panel}\""),
            &format!("{{\"users\": {{\"amy\": {{\"panel\": »\"{panel}\"}}}}}}"),
            message,
            help,
        );
    }
}

/// Whatever is wrong around a secret, it is shown nowhere.
#[test]
fn no_fault_shows_a_secret() {
    let secret = "correct-horse-battery";
    let hash = TokenHash::of(b"x").to_string();
    let digits = &hash["sha256:".len()..];
    for text in [
        format!("[users.amy]\ntokens = [\"{secret}\"]"),
        format!("[users.amy]\ntokens = [\n  \"{secret}\",\n]"),
        format!("[users]\namy = \"{secret}\""),
        format!("users = \"{secret}\""),
        format!("[users.amy]\ntoken = \"{secret}\""),
        format!("[users.amy]\npassword = {{ is = [\"{secret}\"] }}"),
        format!("[users.amy]\npanel = \"{secret}\""),
        format!("[users.amy]\ntokens = \"{secret}\""),
        format!("[users.amy]\ntokens = [{{ hash = \"{secret}\", lable = 1 }}]"),
        format!("[users]\namy = {{ rols = [], tokens = [\"{hash}\"], panel = \"{secret}\" }}"),
        format!("[user.amy]\ntokens = [\"{secret}\", \"{hash}\"]"),
        format!("[users.amy]\ntokens = [{{ {secret} = true }}]"),
        format!("[users.amy]\ntokens = [\"{secret}]"),
        format!("[users.amy]\ntokens = [\"{secret}\" \"{secret}\"]"),
        format!("[users.amy]\ntokens = [\n  {secret},\n  \"{secret}\n]"),
        format!("[users.amy]\ntokens = [\"{hash}\", \"{hash}\"]"),
        format!("[users.amy]\nroles = [\"{hash}\", \"pcl_{digits}\", \"{digits}\"]"),
        format!("[users.amy]\npermissions = [\"pcl_0000{digits}\"]"),
        format!("[roles]\n\"pcl_0000{digits}\" = [\"{BCRYPT}\"]"),
        format!("{{\"users\": {{\"amy\": {{\"tokens\": [\"{secret}\", \"{hash}\"], \"rols\": []}}}}}}"),
        format!("{{\"users\": {{\"amy\": {{\"tokens\": [\"{secret}\"}}}}}}"),
        format!("{{\"users\": {{\"amy\": {{\"tokens\": [\"{secret}]}}}}}}"),
        format!("{{\"users\": {{\"amy\": {{\"tokens\": [\"{secret}\", \"\\q\"]}}}}}}"),
        format!("[users.amy]\ntokens = [{{ =# \"{secret}\"\n \"x\" }}]"),
        format!("[users.amy] # {secret}\nrols = [] # once {secret}"),
        format!("[users.amy]\nrols = [\"#\"] # {secret}\n\"#\" = 1 # {secret}"),
        format!("[users.amy]\n{secret} = 1"),
        format!("{{\"users\": [\"{secret}\"]}}"),
        format!("[\"{secret}\"]"),
    ] {
        let faults =
            if text.starts_with('{') || text.starts_with("[\"") { json(&text) } else { toml(&text) }.unwrap_err();
        let shown = format!("{faults}{}", serde_json::to_string(&faults).unwrap());
        for hidden in [secret, "horse", &digits[8..], &BCRYPT[20..]] {
            assert!(!shown.contains(hidden), "{hidden} of {text}\nin {shown}");
        }
    }
}

#[test]
fn a_hash_keeps_the_digits_that_tell_it_from_others() {
    let hash = TokenHash::of(b"x").to_string();
    let faults = toml(&format!("[users.amy]\ntokens = [\"{hash}\"]\n[users.bob]\ntokens = [\"{hash}\"]")).unwrap_err();
    assert!(faults.to_string().contains(&format!("4 | tokens = [\"{}…\"]", &hash[..11])), "{faults}");
}

#[test]
fn an_expired_token_is_a_warning() {
    let hash = TokenHash::of(b"x");
    let text = format!(
        "{TOML}[users.amy]\ntokens = [\n  {{ hash = \"{hash}\", expires = 2026-11-30 }},\n  {{ hash = \"{}\", expires = 2026-12-31 }},\n]",
        TokenHash::of(b"y")
    );
    let law = toml(&text).unwrap();
    let warnings: Vec<_> = law.warnings.iter().map(Fault::to_string).collect();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("access.toml:8:"), "{}", warnings[0]);
    assert!(warnings[0].contains("this token has expired"), "{}", warnings[0]);
    let amy = law.users.get("amy").unwrap();
    assert!(
        amy.tokens[0].expires.is_some_and(|end| end <= now()) && amy.tokens[1].expires.is_some_and(|end| end > now())
    );
}

#[test]
fn a_password_is_kept_apart_from_the_tokens() {
    let law = toml(&format!(
        "[users.amy]\ntokens = [\"{}\", {{ hash = \"{BCRYPT}\", label = \"old\" }}]",
        TokenHash::of(b"x")
    ));
    let law = law.unwrap();
    let amy = law.users.get("amy").unwrap();
    assert_eq!(amy.tokens.len(), 1);
    assert_eq!(amy.password.as_ref().map(|hash| hash.as_str()), Some(BCRYPT));
}
