//! An editor who may do little, and what they try to get more.

use crate::forged::{Answer, Curl};
use crate::kept;
use crate::scene::{PASSWORD, Scene};
use crate::wait::until;

const DOCUMENT: &str = r#"
[[resources]]
name = "Orders"
paths = ["/orders"]
permissions = { GET = "orders.view", PUT = "orders.edit" }
[roles]
everything = ["*"]
viewer = ["orders.view"]
[users.olga]
permissions = ["*"]
[users.vera]
permissions = ["panel.users.view", "panel.users.edit", "orders.view"]
addresses = ["127.0.0.1/32"]
[users.vince]
permissions = ["panel.users.view"]
[users.erp]
permissions = ["orders.*"]
addresses = ["10.0.0.0/8"]
"#;

fn scene() -> Scene {
    Scene::with(DOCUMENT, &["olga", "vera", "vince"])
}

/// Somebody at a user's page.
struct Desk<'s> {
    curl: Curl<'s>,
    token: String,
    base: String,
    user: &'static str,
}

impl<'s> Desk<'s> {
    fn new(scene: &'s Scene, editor: &str, user: &'static str) -> Self {
        let curl = Curl::new(scene, editor);
        curl.sign_in(editor);
        Self { curl, token: String::new(), base: String::new(), user }.again()
    }

    /// Opens the page again.
    fn again(self) -> Self {
        let page = self.curl.send(&format!("/users/edit?name={}", self.user), &[]);
        Self { token: page.form_token(), base: page.base(), ..self }
    }

    fn save(&self, fields: &[(&str, &str)]) -> Answer {
        let own = [("form_token", &*self.token), ("name", self.user), ("base", &*self.base)];
        self.curl.post("/users/edit", &[&own[..], fields].concat())
    }
}

#[test]
fn access_of_those_who_may_do_more_is_not_opened() {
    let scene = scene();
    let before = scene.document();
    let desk = Desk::new(&scene, "vera", "erp");
    let kept = [("permission", "orders.*"), ("addresses", "10.0.0.0/8")];
    for (what, fields, said) in [
        ("access", [&kept[..], &[("access", "yes")]].concat(), "cannot give them API access"),
        ("anywhere", kept[..1].to_vec(), "from more networks"),
        ("more", vec![kept[0], ("addresses", "10.0.0.0/8 192.0.2.1")], "from more networks"),
        ("a grant", [&kept[..], &[("permission", "orders.edit")]].concat(), "not orders.edit"),
        ("all", [&kept[..], &[("permission", "*")]].concat(), "not *"),
        ("a role", [&kept[..], &[("role", "everything")]].concat(), "not everything"),
    ] {
        let answer = desk.save(&fields);
        assert!(answer.status == 422 && answer.body.contains(said), "{what}: {} {}", answer.status, answer.body);
    }
    // A form that says that there was more before.
    let base = desk.base.replace("\"orders.*\"", "\"*\",\"orders.*\"");
    let desk = Desk { base, ..desk };
    assert_eq!(desk.save(&[&kept[..], &[("permission", "*")]].concat()).status, 409);
    assert_eq!(scene.document(), before);
    // Nor is anything taken from them, so that somebody weaker would be left under their name.
    let desk = desk.again();
    for fields in [&[("addresses", "10.0.0.0/8")][..], &[("permission", "orders.*"), ("addresses", "10.1.0.0/16")]] {
        let answer = desk.save(fields);
        assert!(answer.status == 422 && answer.body.contains("all that you can change"), "{}", answer.body);
    }
    assert_eq!(scene.document(), before);
}

#[test]
fn nobody_gives_themselves_more() {
    let scene = scene();
    let before = scene.document();
    let desk = Desk::new(&scene, "vera", "vera");
    let own = ["panel.users.view", "panel.users.edit", "orders.view"].map(|one| ("permission", one));
    for (fields, said) in [
        (&[("addresses", "127.0.0.1"), ("permission", "orders.edit")][..], "not orders.edit"),
        (&[("addresses", "127.0.0.1"), ("permission", "panel.*")], "not panel.*"),
        (&[("addresses", "127.0.0.1"), ("role", "everything")], "not everything"),
        (&[], "somebody else can add to them"),
        (&[("addresses", "127.0.0.0/8")], "somebody else can add to them"),
    ] {
        let answer = desk.save(&[&own[..], fields].concat());
        assert!(answer.status == 422 && answer.body.contains(said), "{fields:?}: {}", answer.body);
    }
    assert_eq!(scene.document(), before);
    // Who holds everything may, but not shut themselves out.
    let desk = Desk::new(&scene, "olga", "olga");
    let answer = desk.save(&[("permission", "*"), ("addresses", "192.0.2.0/24")]);
    assert!(answer.status == 422 && answer.body.contains("would shut yourself out"), "{}", answer.body);
    assert_eq!(scene.document(), before);
    assert_eq!(desk.save(&[("permission", "*"), ("addresses", "127.0.0.1")]).status, 303);
    assert_eq!(desk.again().save(&[("permission", "*")]).status, 303);
}

#[test]
fn a_new_user_has_nothing_that_the_editor_has_not() {
    let scene = scene();
    let curl = Curl::new(&scene, "jar");
    curl.sign_in("vera");
    let token = curl.send("/users/new", &[]).form_token();
    let before = scene.document();
    let long = "n".repeat(201);
    let names = ["", " x", "a:b", "olga", "a\nb", "\u{7f}", "x]\n[users.evil", &long];
    let grants = ["*", "orders.edit", "panel.audit.view", "ORDERS.VIEW", "orders.view\n", "nothing.view", ""];
    let roles = ["everything", "viewer\"]\npermissions = [\"*", "nobody"];
    let networks = ["anywhere", "10.0.0.0/33", "\"]\npermissions=[\"*\"]"];
    let all = names.iter().map(|name| (*name, "title", "new"));
    let all = all.chain(grants.iter().map(|what| ("new", "permission", *what)));
    let all = all.chain(roles.iter().map(|what| ("new", "role", *what)));
    for (name, field, value) in all.chain(networks.iter().map(|what| ("new", "addresses", *what))) {
        let answer = curl.post("/users/new", &[("form_token", &*token), ("name", name), (field, value)]);
        assert_eq!(answer.status, 422, "{name:?} {field} {value:?}");
    }
    assert_eq!(scene.document(), before);
}

#[test]
fn a_new_user_is_what_the_form_offers() {
    let scene = scene();
    let curl = Curl::new(&scene, "jar");
    curl.sign_in("vera");
    let token = curl.send("/users/new", &[]).form_token();
    let add = |fields: &[(&str, &str)]| curl.post("/users/new", &[&[("form_token", &*token)], fields].concat());
    assert_eq!(add(&[("name", "plain"), ("title", "Warehouse \"ERP\"")]).status, 303);
    let title = "T\"\n'''\\\npermissions = [\"*\"]\u{7f}\u{202e}\u{1}\n[users.evil]\n#";
    let panel = ("panel", "$argon2id$v=19$m=19456,t=2,p=1$cG9ydGN1bGxpcw$bm9ib2R5IGtub3dzIGEgcGFzc3dvcmQgZm9yIHRoaXM");
    let fields = [("name", "a\"]b.c"), ("title", title), ("role", "viewer"), panel, ("tokens", "sha256:00")];
    let answer = add(&fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.header("location"), Some("/users/edit?name=a%22%5Db.c"));
    let page = curl.send("/users/edit?name=a%22%5Db.c", &[]);
    assert!(page.body.contains("value=\"viewer\" checked"), "{}", page.body);
    let document = scene.document();
    assert!(!document.contains(panel.1) && !document.contains("sha256:"), "{document}");
    let users = scene.run(&["user", "list"]);
    assert!(!users.lines().any(|line| line.starts_with("evil")), "{users}");
    let told = scene.run(&["user", "show", "--json", "a\"]b.c"]);
    assert!(told.contains("viewer") && !told.contains("orders.edit"), "{told}");
}

#[test]
fn a_session_has_the_rights_and_the_place_of_its_user_now() {
    let scene = scene();
    let desk = Desk::new(&scene, "vera", "vince");
    // A cookie that was taken opens nothing from where she may not come, and neither does her password.
    let there = ["--interface", "127.0.0.2"];
    assert_eq!(desk.curl.send("/users", &there).status, 403);
    let other = Curl::new(&scene, "other");
    let form = other.send("/sign-in", &there).form_token();
    let origin = format!("Origin: {}", scene.page("").trim_end_matches('/'));
    let fields = [("form_token", &*form), ("name", "vera"), ("password", PASSWORD)];
    let answer = other.post_with("/sign-in", &fields, &[&["--header", &origin][..], &there].concat());
    assert_eq!((answer.status, answer.body.contains("do not go together")), (401, true));
    assert_eq!(desk.curl.send("/users", &[]).status, 200);
    scene.run(&["user", "revoke", "vera", "panel.users.edit"]);
    until("the command to take effect", || (desk.curl.send("/users/new", &[]).status == 403).then_some(()));
    let before = scene.document();
    assert_eq!(desk.save(&[("title", "late")]).status, 403);
    assert_eq!(scene.document(), before);
    scene.run(&["user", "remove", "vera"]);
    until("her session to end", || (desk.curl.send("/users", &[]).status == 303).then_some(()));
}

#[test]
fn signing_in_anew_ends_the_session_before() {
    let scene = scene();
    let curl = Curl::new(&scene, "jar");
    let cookie = |answer: &Answer| {
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        kept::secret(cookie.split_once('=').unwrap().1);
        cookie
    };
    let first = cookie(&curl.sign_in("olga"));
    let form = Curl::new(&scene, "other").send("/sign-in", &[]);
    let carried = format!("Cookie: {first}; {}", cookie(&form));
    let origin = format!("Origin: {}", scene.page("").trim_end_matches('/'));
    let token = form.form_token();
    let fields = [("form_token", &*token), ("name", "vince"), ("password", PASSWORD)];
    let plain = Curl::new(&scene, "none");
    let second = cookie(&plain.post_with("/sign-in", &fields, &["--header", &origin, "--header", &carried]));
    assert_ne!(first, second);
    let users = |cookie: &str| Curl::new(&scene, "empty").send("/users", &["--header", &format!("Cookie: {cookie}")]);
    assert_eq!((users(&first).status, users(&second).status), (303, 200));
}

#[test]
fn looking_is_all_that_a_viewer_does() {
    let scene = scene();
    let desk = Desk::new(&scene, "vince", "erp");
    let before = scene.document();
    assert_eq!(desk.save(&[("title", "mine")]).status, 403);
    for path in ["/users/new", "/users/remove?name=erp", "/activity"] {
        assert_eq!(desk.curl.send(path, &[]).status, 403, "{path}");
    }
    for path in ["/users/new", "/users/remove", "/users/edit/", "//users/edit", "/users/edit%2f", "/users/%65dit"] {
        let answer = desk.curl.post(path, &[("form_token", &*desk.token), ("name", "erp")]);
        assert!([400, 403, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(scene.document(), before);
}
