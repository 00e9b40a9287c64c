//! Two who change users at once.

use std::fs;

use crate::browser::Browser;
use crate::forged::Curl;
use crate::scene::Scene;

#[tokio::test]
async fn the_second_to_save_is_told_what_changed_and_loses_nothing_typed() {
    let scene = Scene::new();
    let (one, other) = (Browser::open().await, Browser::open().await);
    one.sign_in(&scene, "olga").await;
    other.sign_in(&scene, "olga").await;
    one.go(&scene, "/users/edit?name=maria").await;
    other.go(&scene, "/users/edit?name=maria").await;
    one.click("input[value='brands.view']").await;
    one.click("input[name='role'][value='support']").await;
    one.press("Save").await;
    assert!(one.text("main").await.contains("Saved."));
    let first = scene.document();
    other.fill("#title", "Head of accounts").await;
    other.click("input[value='pages.view']").await;
    other.press("Save").await;
    let told = other.text("[role=alert]").await;
    for said in
        ["Somebody else changed this user", "permission brands.view has been added", "role support has been added"]
    {
        assert!(told.contains(said), "{said} in {told}");
    }
    other.picture("edit-meanwhile").await;
    assert_eq!(scene.document(), first, "nothing has been saved yet");
    assert_eq!(other.value("#title").await, "Head of accounts");
    assert!(other.is_ticked("input[value='pages.view']").await, "what was typed is there");
    assert!(other.is_ticked("input[value='brands.view']").await, "and so is what the first saved");
    assert!(other.is_ticked("input[name='role'][value='support']").await);
    other.press("Save").await;
    let maria = scene.run(&["user", "show", "maria"]);
    for said in ["Head of accounts", "brands.view", "pages.view"] {
        assert!(maria.contains(said), "{said} in {maria}");
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn an_editor_of_text_and_the_panel_keep_each_others_changes() {
    let (scene, browser) = (Scene::new(), Browser::open().await);
    browser.sign_in(&scene, "olga").await;
    browser.go(&scene, "/users/edit?name=maria").await;
    let edited = scene.document().replace("# Switched off, with", "# By hand: switched off, with");
    let edited = edited.replace("title       = \"Support desk\"", "title       = \"Desk\"");
    fs::write(scene.path("access.toml"), &edited).unwrap();
    browser.fill("#title", "Accounts").await;
    browser.press("Save").await;
    assert!(browser.text("main").await.contains("Saved."), "another user's change is in nobody's way");
    let expected = edited.replace("\"Accountant\"", "\"Accounts\"");
    assert_eq!(scene.document(), expected, "one value is another, and every other byte is as it was");
    browser.go(&scene, "/users/edit?name=maria").await;
    fs::write(scene.path("access.toml"), format!("{expected}[users.\n")).unwrap();
    browser.fill("#title", "Lost?").await;
    browser.press("Save").await;
    let told = browser.text("[role=alert]").await;
    assert!(told.contains("cannot be changed from here") && told.contains("access.toml:"), "{told}");
    assert_eq!(browser.value("#title").await, "Lost?");
    browser.close().await;
}

#[tokio::test]
async fn the_last_one_who_can_edit_users_stays() {
    let (scene, browser) = (Scene::new(), Browser::open().await);
    let before = scene.document();
    browser.sign_in(&scene, "olga").await;
    browser.go(&scene, "/users/edit?name=olga").await;
    browser.click("input[name='role'][value='administrator']").await;
    browser.press("Save").await;
    assert!(browser.is_shown("[role=alert]").await);
    let told = browser.text("[role=alert]").await;
    assert!(told.contains("olga") && told.contains("control panel"), "{told}");
    browser.go(&scene, "/users/remove?name=olga").await;
    browser.press("Remove user").await;
    assert!(browser.text("[role=alert]").await.contains("olga"));
    assert_eq!(scene.document(), before);
    browser.go(&scene, "/users/remove?name=helpdesk").await;
    browser.press("Remove user").await;
    assert!(browser.text("main").await.contains("helpdesk has been removed"));
    assert!(!scene.document().contains("[users.helpdesk]"));
    browser.close().await;
}

#[test]
fn save_may_be_pressed_twice() {
    let scene = Scene::new();
    let curl = Curl::new(&scene, "jar");
    curl.sign_in("olga");
    let page = curl.send("/users/new", &[]);
    let (form, token) = (page.form_token(), page.proposal());
    let fields = [("form_token", &*form), ("name", "till"), ("title", "Till"), ("access", "yes"), ("token", &*token)];
    let fields = [&fields[..], &[("permission", "orders.view")]].concat();
    assert_eq!(curl.post("/users/new", &fields).status, 303);
    let once = scene.document();
    let again = curl.post("/users/new", &fields);
    assert_eq!((again.status, again.header("location")), (303, Some("/users/edit?name=till")));
    let page = curl.send("/users/edit?name=till", &[]);
    assert!(page.body.contains("The new token is in force now"), "{}", page.body);
    let base = page.base();
    let page = curl.post("/users/edit", &[&fields[..], &[("base", &*base), ("action", "regenerate")]].concat());
    let (base, new) = (page.base(), page.proposal());
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| *name != "token").collect();
    let fields = [&fields[..], &[("token", &*new), ("base", &*base), ("keep_old", "yes")]].concat();
    assert_eq!(curl.post("/users/edit", &fields).status, 303);
    let twice = scene.document();
    assert_eq!(curl.post("/users/edit", &fields).status, 303, "and it is not somebody else who changed it");
    assert_eq!(scene.document(), twice);
    assert_ne!(once, twice);
    for token in [token, new] {
        assert_eq!(scene.ask("till", &token, "GET", "/api/v2/orders"), 200);
    }
    // Somebody else's name is not one's own.
    let other = [("form_token", &*form), ("name", "till"), ("permission", "orders.view")];
    assert_eq!(curl.post("/users/new", &other).status, 422);
    assert_eq!(scene.document(), twice);
}
