//! Requests that no page of the panel makes.

use std::process::Command;

use crate::kept;
use crate::scene::{PASSWORD, Scene};
use crate::wait::until;

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn form_token(&self) -> String {
        let token = self.body.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.unwrap_or_else(|| panic!("no form in {}", self.body)).to_owned();
        kept::secret(&token);
        token
    }

    /// The token that the form proposes.
    pub(crate) fn proposal(&self) -> String {
        let token = self.body.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        kept::secret(&token);
        token
    }

    /// What the form says of the user as the page was made.
    pub(crate) fn base(&self) -> String {
        let base = self.body.split("name=\"base\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        base.replace("&#34;", "\"")
    }
}

/// A client that is no browser: it sends what it is told.
pub(crate) struct Curl<'s> {
    scene: &'s Scene,
    jar: String,
}

impl<'s> Curl<'s> {
    pub(crate) fn new(scene: &'s Scene, name: &str) -> Self {
        Self { scene, jar: scene.path(name).display().to_string() }
    }

    pub(crate) fn send(&self, path: &str, more: &[&str]) -> Answer {
        let out = Command::new("curl")
            .args(["--silent", "--include", "--cacert"])
            .arg(self.scene.path("ca.pem"))
            .args(["--cookie", &self.jar, "--cookie-jar", &self.jar])
            .args(more)
            .arg(self.scene.page(path))
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Sends a form as the panel's own page would.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("Origin: {}", self.scene.page("").trim_end_matches('/'));
        self.post_with(path, fields, &["--header", &origin])
    }

    pub(crate) fn post_with(&self, path: &str, fields: &[(&str, &str)], more: &[&str]) -> Answer {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields: Vec<_> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
        self.send(path, &[&fields, more].concat())
    }

    pub(crate) fn sign_in(&self, name: &str) -> Answer {
        let token = self.send("/sign-in", &[]).form_token();
        self.post("/sign-in", &[("form_token", &token), ("name", name), ("password", PASSWORD)])
    }
}

#[test]
fn only_forms_of_the_panels_own_count() {
    let scene = Scene::new();
    let curl = Curl::new(&scene, "jar");
    assert_eq!(curl.sign_in("olga").status, 303);
    let page = curl.send("/users/edit?name=maria", &[]);
    let base = page.base();
    let token = page.form_token();
    let before = scene.document();
    let fields = |token| [("form_token", token), ("base", &*base), ("name", "maria"), ("title", "Forged")];
    for (what, answer) in [
        ("no origin", curl.post_with("/users/edit", &fields(&token), &[])),
        ("another", curl.post_with("/users/edit", &fields(&token), &["--header", "Origin: https://evil.example"])),
        ("none to tell", curl.post_with("/users/edit", &fields(&token), &["--header", "Origin: null"])),
        ("no form token", curl.post("/users/edit", &fields(""))),
        ("another session's", curl.post("/users/edit", &fields("0000000000000000000000000000000000000000000"))),
    ] {
        assert_eq!(answer.status, 403, "{what}: {}", answer.body);
    }
    let json = ["--header", "Content-Type: application/json", "--header"];
    let origin = format!("Origin: {}", scene.page("").trim_end_matches('/'));
    let answer = curl.post_with("/users/edit", &fields(&token), &[&json[..], &[&origin]].concat());
    assert_eq!(answer.status, 415);
    // A token that was not made here is none to be saved.
    let own = "pcl_0000000000000000000000000000000000000000000000000";
    let chosen = [&fields(&token)[..3], &[("access", "yes"), ("token", own), ("role", "accounting")]].concat();
    let answer = curl.post("/users/edit", &chosen);
    assert_eq!(
        (answer.status, answer.body.contains("not made for this sign-in")),
        (422, true),
        "nobody is left in doubt"
    );
    assert!(!answer.body.contains(own) && answer.body.contains("value=\"pcl_"), "and there is one to be saved");
    assert_eq!(scene.ask("maria", own, "GET", "/api/v2/orders"), 401);
    assert_eq!(scene.reached(), 0);
    assert_eq!(scene.document(), before);
    let plain = [&fields(&token)[..3], &[("access", "yes"), ("role", "accounting")]].concat();
    assert_eq!(curl.post("/users/edit", &plain).status, 303);
    assert_ne!(scene.document(), before, "the title is gone, as that form says");
    assert_eq!(curl.post("/users/edit", &fields(&token)).status, 409, "made from what was before");
}

#[test]
fn answers_say_what_browsers_must_not_do() {
    let scene = Scene::new();
    let curl = Curl::new(&scene, "jar");
    for path in ["/sign-in", "/users", "/nowhere", "/assets/panel.css", "/..%2fetc", "/users/"] {
        let answer = curl.send(path, &[]);
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path}: {}", answer.head));
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let kept = if path.starts_with("/assets") { "private, max-age=600" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(kept));
        assert!(!answer.body.contains("<style") && !answer.body.contains("style=") && !answer.body.contains("onclick"));
    }
    let cookie = curl.sign_in("olga").header("set-cookie").unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    kept::secret(cookie.split(['=', ';']).nth(1).unwrap());
}

#[test]
fn nobody_gets_in_with_what_is_not_a_panel_password() {
    let scene = Scene::new();
    let token = scene.run(&["user", "regenerate", "maria"]);
    let token = token.split_whitespace().find(|word| word.starts_with("pcl_")).unwrap().to_owned();
    until("maria's token", || (scene.ask("maria", &token, "GET", "/api/v2/orders") == 200).then_some(()));
    let curl = Curl::new(&scene, "jar");
    for (name, password) in [("maria", &*token), ("maria", PASSWORD), ("olga", ""), ("", "")] {
        let form = curl.send("/sign-in", &[]).form_token();
        let answer = curl.post("/sign-in", &[("form_token", &form), ("name", name), ("password", password)]);
        assert_eq!(answer.status, 401, "{name}");
    }
    // And the API does not take the panel's password.
    let reached = scene.reached();
    assert_eq!(scene.ask("olga", PASSWORD, "GET", "/api/v2/orders"), 401);
    assert_eq!(scene.reached(), reached);
    let basic = curl.send("/users", &["--user", &format!("olga:{PASSWORD}")]);
    assert_eq!((basic.status, basic.header("location")), (303, Some("/sign-in")));
    let guessed = curl.send("/users", &["--header", "Cookie: __Host-portcullis=0000"]);
    assert_eq!(guessed.status, 303);
    for (path, method, status) in [("/users", "TRACE", 403), ("/users", "DELETE", 403), ("/api/v2/orders", "GET", 303)]
    {
        assert_eq!(curl.send(path, &["--request", method]).status, status, "{method} {path}");
    }
}

#[test]
fn large_forms_and_heads_are_refused() {
    let scene = Scene::new();
    let curl = Curl::new(&scene, "jar");
    let form = curl.send("/sign-in", &[]).form_token();
    let long = "x".repeat(300 << 10);
    std::fs::write(scene.path("long"), format!("form_token={form}&name=olga&password={long}")).unwrap();
    let origin = format!("Origin: {}", scene.page("").trim_end_matches('/'));
    let data = format!("@{}", scene.path("long").display());
    assert_eq!(curl.send("/sign-in", &["--header", &origin, "--data-binary", &data]).status, 413);
    let head = format!("X-Long: {}", "x".repeat(100 << 10));
    assert_eq!(curl.send("/sign-in", &["--header", &head]).status, 431);
    assert_eq!(curl.send("/sign-in", &[]).status, 200);
}
