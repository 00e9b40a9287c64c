//! Signing in, and what ends a session.

use crate::browser::Browser;
use crate::forged::Curl;
use crate::kept;
use crate::scene::{PASSWORD, Scene};

async fn try_to_sign_in(browser: &Browser, scene: &Scene, name: &str, password: &str) -> String {
    kept::secret(password);
    browser.go(scene, "/sign-in").await;
    browser.fill("#name", name).await;
    browser.fill("#password", password).await;
    browser.press("Sign in").await;
    browser.text("main").await
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_are_told_alike_and_locked_out() {
    let document = "allow_no_users = true\n[users.olga]\npermissions = [\"panel.users.edit\"]\n[users.amy]\n";
    let scene = Scene::with_settings(document, &["olga"], "[lockout]\nfailures = 3\nfirst_wait = \"10m\"");
    let browser = Browser::open().await;
    let mut told = Vec::new();
    for name in ["olga", "amy", "nobody"] {
        let text = try_to_sign_in(&browser, &scene, name, "not the password").await;
        assert!(text.contains("do not go together"), "{text}");
        told.push(text);
    }
    assert_eq!((&told[0], &told[1]), (&told[1], &told[2]));
    for _ in 0..2 {
        try_to_sign_in(&browser, &scene, "olga", "not the password").await;
    }
    let text = try_to_sign_in(&browser, &scene, "olga", PASSWORD).await;
    assert!(text.contains("Too many wrong tries. Please wait 10 minutes"), "the right one, too: {text}");
    browser.picture("sign-in-locked").await;
    assert!(!scene.log.text().contains("not the password"));
    browser.close().await;
}

#[tokio::test]
async fn the_own_password_can_be_changed_and_ends_all_sessions() {
    const NEW: &str = "another one, and long enough";
    let scene = Scene::new();
    let (browser, elsewhere) = (Browser::open().await, Browser::open().await);
    browser.sign_in(&scene, "olga").await;
    elsewhere.sign_in(&scene, "olga").await;
    kept::secret(NEW);
    let before = scene.document();
    let change = async |current: &str, new: &str, again: &str| {
        browser.go(&scene, "/account").await;
        for (field, text) in [("#current", current), ("#new", new), ("#again", again)] {
            browser.fill(field, text).await;
        }
        browser.press("Change password").await;
        browser.text("main").await
    };
    for (current, new, again, told) in
        [(NEW, NEW, NEW, "The present password is another"), (PASSWORD, NEW, PASSWORD, "The two new passwords differ")]
    {
        let text = change(current, new, again).await;
        assert!(text.contains(told), "{text}");
    }
    browser.picture("account").await;
    assert_eq!(scene.document(), before);
    assert!(change(PASSWORD, NEW, NEW).await.contains("Sign in"));
    assert!(!scene.document().contains(NEW), "only its hash is kept");
    elsewhere.go(&scene, "/users").await;
    assert_eq!(elsewhere.text("h1").await, "Sign in");
    assert!(try_to_sign_in(&browser, &scene, "olga", PASSWORD).await.contains("do not go together"));
    try_to_sign_in(&browser, &scene, "olga", NEW).await;
    assert!(browser.text("header").await.contains("Signed in as olga"));
    elsewhere.close().await;
    browser.close().await;
}

#[tokio::test]
async fn a_session_ends_with_sign_out_and_with_another_password() {
    let scene = Scene::new();
    let browser = Browser::open().await;
    browser.go(&scene, "/users").await;
    assert!(browser.text("h1").await == "Sign in", "nobody sees more");
    browser.sign_in(&scene, "olga").await;
    let cookies = browser.client.get_all_cookies().await.unwrap();
    let session = cookies.iter().find(|cookie| cookie.name() == "__Host-portcullis").expect("a session");
    kept::secret(session.value());
    assert_eq!((session.http_only(), session.secure(), session.path()), (Some(true), Some(true), Some("/")));
    assert_eq!(session.same_site().map(|site| site.to_string()).as_deref(), Some("Strict"));
    assert_eq!(browser.script("return document.cookie").await, "", "no script sees it");
    browser.press("Sign out").await;
    let cookie = format!("Cookie: __Host-portcullis={}", session.value());
    let again = Curl::new(&scene, "jar").send("/users", &["--header", &cookie]);
    assert_eq!(again.status, 303, "what is signed out stays so");
    browser.sign_in(&scene, "olga").await;
    kept::secret("another one, and long");
    scene.set_password("olga", "another one, and long");
    crate::wait::holds("the session's end", async || {
        browser.go(&scene, "/users").await;
        browser.text("h1").await == "Sign in"
    })
    .await;
    browser.close().await;
}
