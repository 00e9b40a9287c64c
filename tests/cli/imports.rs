//! `import` and `user password`: what comes from elsewhere, and what is typed.

use std::fs;
use std::process::{Command, Stdio};

use portcullis::source::password;
use serde_json::json;

use crate::harness::{Done, PROGRAM, Place, done, has};
use crate::kept;

const PASSWORD: &str = "correct horse battery staple";

/// A gateway's document with somebody who edits users in the panel.
fn place() -> Place {
    let place = Place::new();
    let before = document(&place);
    place.access(&before.replace("[users.dan]\n", "[users.dan]\npermissions = [\"panel.users.edit\"]\n"));
    place
}

fn document(place: &Place) -> String {
    fs::read_to_string(place.path("config/access.toml")).unwrap()
}

fn bcrypt(secret: &str) -> String {
    kept::secret(secret);
    bcrypt::hash(secret, 4).unwrap()
}

/// Runs at a terminal, and types a line at each question, once what is typed is not shown.
fn typed(place: &Place, arguments: &[&str], lines: &[&str]) -> Done {
    const PLAY: &str = "import os, pty, sys, termios, time\n\
        lines = sys.argv[1].split('|'); child, terminal = pty.fork()\n\
        if child == 0: os.execv(sys.argv[2], sys.argv[2:])\n\
        seen = b''\n\
        while True:\n\
        \x20   try: part = os.read(terminal, 4096)\n\
        \x20   except OSError: break\n\
        \x20   if not part: break\n\
        \x20   seen += part\n\
        \x20   if part.endswith(b': ') and lines:\n\
        \x20       while termios.tcgetattr(terminal)[3] & termios.ECHO: time.sleep(0.001)\n\
        \x20       os.write(terminal, lines.pop(0).encode() + b'\\n')\n\
        sys.stdout.buffer.write(seen.replace(b'\\r', b'')); sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n";
    lines.iter().for_each(|line| kept::secret(line));
    let mut command = Command::new("python3");
    command.args(["-c", PLAY, &lines.join("|"), PROGRAM]).args(arguments).current_dir(place.path(""));
    done(command.env_remove("PORTCULLIS_CONFIG").stdin(Stdio::null()))
}

#[test]
fn a_panel_password_is_read_once_from_a_pipe_and_stored_as_a_hash() {
    let place = place();
    let set = place.feed(&["user", "password", "dan"], format!("{PASSWORD}\n").as_bytes());
    assert_eq!((set.code, set.err.as_str()), (0, ""), "{set:?}");
    assert_eq!(set.out.trim(), "saved: dan has a new password for the control panel");
    let stored = document(&place);
    let line = stored.lines().find(|line| line.starts_with("panel = \"$argon2id$v=19$m=19456,t=2,p=1$")).unwrap();
    let hash = argon2::PasswordHash::new(line.trim_start_matches("panel = ").trim_matches('"')).unwrap();
    let verify =
        |secret: &str| argon2::PasswordVerifier::verify_password(&argon2::Argon2::default(), secret.as_bytes(), &hash);
    assert!(verify(PASSWORD).is_ok() && verify("correct horse battery stapler").is_err());
    assert_eq!(place.run(&["user", "show", "dan", "--json"]).json()["panel"], true);
    // The only one who can edit users in the panel stays one.
    for arguments in [&["user", "password", "dan", "--remove"][..], &["user", "remove", "dan"]] {
        let refused = place.run(arguments);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
        has(&refused.err, &["\"dan\" is the last who can edit users in the control panel"], &arguments);
    }
    assert_eq!(document(&place), stored);
    // Who can do nothing there is told so, and may lose the password again.
    let set = place.feed(&["user", "password", "amy", "--json"], PASSWORD.as_bytes());
    has(set.json()["notes"][0].as_str().unwrap(), &["amy can do nothing in the control panel yet"], &"notes");
    let removed = place.run(&["user", "password", "amy", "--remove"]);
    assert_eq!(removed.out.trim(), "saved: amy has no password for the control panel any more");
    assert_eq!(place.run(&["user", "password", "amy", "--remove"]).out.trim(), "nothing to change");
    assert_eq!(document(&place), stored);
}

#[test]
fn a_panel_password_is_asked_for_twice_at_a_terminal_and_never_shown() {
    let place = place();
    let before = document(&place);
    let set = typed(&place, &["user", "password", "dan"], &[PASSWORD, PASSWORD]);
    assert_eq!(set.code, 0, "{set:?}");
    has(&set.out, &["New password of dan: ", "Once more: ", "saved: dan has a new password"], &set);
    assert!(!set.out.contains(PASSWORD), "{set:?}");
    let changed = document(&place);
    assert_ne!(changed, before);
    let set = typed(&place, &["user", "password", "dan"], &[PASSWORD, "correct horse battery stable"]);
    assert_eq!(set.code, 2, "{set:?}");
    has(&set.out, &["the password was not typed the same twice"], &set);
    // Nobody is asked for what cannot be stored.
    let set = typed(&place, &["user", "password", "dam"], &[]);
    assert_eq!(set.code, 1, "{set:?}");
    has(&set.out, &["there is no user \"dam\"; did you mean \"dan\"?"], &set);
    assert_eq!(document(&place), changed);
}

#[test]
fn what_is_no_password_is_refused_and_a_dry_run_leaves_the_document() {
    let place = place();
    let before = document(&place);
    for (input, told) in [
        (&b"too short\n"[..], "at least 12 characters"),
        (b"", "there is no password on standard input"),
        (b"one line of it\nin two lines\n", "a password is one line on standard input"),
        (b"with a tab\tin it all\n", "no control characters"),
        (b"no UTF-8 is in here \xff\n", "UTF-8"),
        (&[b'x'; password::MOST_BYTES + 1], "at most 1024 bytes"),
    ] {
        let refused = place.feed(&["user", "password", "dan"], input);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        has(&refused.err, &[told], &told);
    }
    let shown = place.feed(&["user", "password", "dan", "--dry-run"], PASSWORD.as_bytes());
    assert_eq!(shown.code, 0, "{shown:?}");
    has(&shown.out, &["@@", "+panel = \"$argon2id$"], &"diff");
    assert_eq!(document(&place), before);
}

#[test]
fn users_of_htpasswd_come_with_their_passwords_and_nothing_else() {
    let place = place();
    let before = document(&place);
    let (till, shelf) = (bcrypt("the till's password"), password::hash(b"the shelf's password").unwrap());
    let lines = format!("# of the old proxy\r\ntill:{till}\r\n\r\nshelf:{}\r\n", shelf.as_str());
    let file = place.write("old.htpasswd", &lines).display().to_string();
    let shown = place.run(&["import", "htpasswd", &file, "--dry-run"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    has(&shown.out, &["@@", "+[users.till]", "+api_access = true", "+[users.shelf]"], &"diff");
    assert_eq!(document(&place), before);
    let saved = place.run(&["import", "htpasswd", "old.htpasswd"]);
    assert_eq!(saved.code, 0, "{saved:?}");
    has(&saved.out, &["saved: 2 new users with API access and the passwords of before: till, shelf"], &saved);
    has(&saved.err, &["they are granted nothing yet"], &saved);
    assert_eq!(place.run(&["check"]).code, 0);
    for name in ["till", "shelf"] {
        let told = place.run(&["user", "show", name, "--json"]).json();
        assert_eq!((&told["api_access"], &told["hindrance"]), (&json!(true), &json!(null)), "{name}");
        assert_eq!(
            (&told["grants"], &told["roles"], &told["panel"]),
            (&json!([]), &json!([]), &json!(false)),
            "{name}"
        );
    }
    let again = place.run(&["import", "htpasswd", "old.htpasswd"]);
    assert_eq!((again.code, again.out.as_str()), (2, ""), "{again:?}");
    has(
        &again.err,
        &["old.htpasswd:2:1: the access document has a user \"till\" already", "old.htpasswd:4:1: "],
        &again,
    );
    place.write("none.htpasswd", "# nobody\n");
    let none = place.run(&["import", "htpasswd", "none.htpasswd", "--json"]).json();
    assert_eq!((&none["users"], &none["changed"]), (&json!([]), &json!(false)));
}

#[test]
fn one_bad_line_of_htpasswd_and_nothing_is_imported() {
    let place = place();
    let before = document(&place);
    let good = bcrypt("the till's password");
    for secret in ["5eSZjJ7Ksecret", "in clear as it is"] {
        kept::secret(secret);
    }
    place.write(
        "old.htpasswd",
        &format!("till:{good}\nold:$apr1$5eSZjJ7Ksecret\nsha:{{SHA}}5eSZjJ7Ksecret=\nclear:in clear as it is\n\ntill:{good}\n"),
    );
    let refused = place.run(&["import", "htpasswd", "old.htpasswd"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    has(
        &refused.err,
        &[
            "old.htpasswd:2:5: hashes of the kind \"$apr1$\" are not taken",
            "old.htpasswd:3:5: hashes of the kind \"{SHA}\" are not taken",
            "old.htpasswd:4:7: this is neither bcrypt nor argon2id",
            "old.htpasswd:6:1: the user \"till\" is there already, on line 1",
            "htpasswd -B",
        ],
        &"faults",
    );
    assert!(!refused.err.contains("secret") && !refused.err.contains("as it is"), "{refused:?}");
    assert_eq!(place.run(&["import", "htpasswd", "nowhere"]).code, 2);
    assert_eq!(document(&place), before);
}

#[test]
fn a_description_becomes_resources_that_are_accepted() {
    let place = Place::new();
    place.write(
        "api.yaml",
        "openapi: 3.1.0\nservers: [{ url: https://shop.example/api/v2 }]\npaths:\n  /products:\n    get: { tags: [Products] }\n    \
         post: { tags: [Products] }\n  /products/{id}:\n    delete: { tags: [Products] }\n  /time:\n    get: { security: [] }\n  \
         /a{b}:\n    get: {}\n",
    );
    // Needs no settings, nor an access document.
    let printed = place.run(&["import", "openapi", "api.yaml", "--config", "nowhere.toml"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    has(&printed.out, &["# - /a{b}: ", "# LOOK: GET /time: ", "POST = \"products.create\""], &printed);
    has(&printed.err, &["3 resources for 3 paths; 1 comment to look at, 1 thing that could not be said"], &printed);
    assert!(!printed.out.contains("[roles]") && !printed.out.contains("[users"));
    place.access(&format!("allow_no_users = true\n{}", printed.out));
    let explained = place.run(&["explain", "-", "DELETE", "/api/v2/products/7", "--json"]).json();
    assert_eq!(explained["requires"], json!(["products.delete"]));
    assert_eq!(place.run(&["who-can", "GET", "/api/v2/time"]).code, 1, "nobody, until somebody is granted it");

    let written = place.run(&["import", "openapi", "api.yaml", "--output", "new.toml"]);
    has(&written.out, &["written: new.toml, 3 resources for 3 paths"], &written);
    assert_eq!(fs::read_to_string(place.path("new.toml")).unwrap(), printed.out);
    let again = place.run(&["import", "openapi", "api.yaml", "--output", "new.toml"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    has(&again.err, &["new.toml: is there already"], &again);
    let told = place.run(&["import", "openapi", "api.yaml", "--json"]).json();
    assert_eq!((&told["text"], &told["left_out"].as_array().unwrap().len()), (&json!(printed.out), &1));
}

#[test]
fn a_bad_description_is_told_with_its_place() {
    let place = Place::empty();
    place.write("api.json", "{\n  \"openapi\": \"3.0.0\",\n  \"paths\": }\n");
    place.write("api.yaml", "openapi: 3.0.0\npaths:\n  /a: 7\n");
    place.write("other.yaml", "info: {}\n");
    for (file, told) in [
        ("api.json", "api.json:3:12: expected value"),
        ("api.yaml", "api.yaml:3:7: "),
        ("other.yaml", "other.yaml:1:1: this is no OpenAPI description"),
        ("nowhere.yaml", "nowhere.yaml: there is no such file"),
    ] {
        let refused = place.run(&["import", "openapi", file]);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        has(&refused.err, &[told], &file);
    }
}
