//! All pages: as pictures, with the keyboard alone, without scripts, and in a phone's width.

use fantoccini::key::Key;
use serde_json::json;

use crate::browser::Browser;
use crate::kept;
use crate::scene::{PASSWORD, Scene};
use crate::wait::holds;

const PAGES: [(&str, &str); 8] = [
    ("users", "/users"),
    ("edit", "/users/edit?name=catalogue-import"),
    ("new", "/users/new"),
    ("remove", "/users/remove?name=helpdesk"),
    ("permissions", "/permissions"),
    ("resource", "/permissions/resource?name=Orders"),
    ("try", "/try?user=maria&method=DELETE&path=/api/v2/coupons/7"),
    ("activity", "/activity"),
];

/// Has something to show on the page of what happened.
async fn something_happens(scene: &Scene) {
    scene.run(&["user", "grant", "maria", "pages.view"]);
    let told = scene.run(&["user", "regenerate", "amy"]);
    let token = told.split_whitespace().find(|word| word.starts_with("pcl_")).unwrap();
    holds("amy's new token", async || scene.ask("amy", token, "GET", "/api/v2/orders") == 200).await;
    assert_eq!(scene.ask("amy", token, "DELETE", "/api/v2/products/7"), 403);
    assert_eq!(scene.ask("mallory", "not a token", "GET", "/api/v2/orders"), 401);
}

#[tokio::test]
async fn pictures_of_all_pages_are_there_to_look_at() {
    let scene = Scene::new();
    something_happens(&scene).await;
    for (look, width, features) in [("light", 1200, "light"), ("dark", 1200, "dark"), ("phone", 390, "light")] {
        let browser = Browser::open_with(1200, 900, &[]).await;
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": features }] });
        browser.cdp("Emulation.setEmulatedMedia", scheme).await;
        browser.width(width).await;
        browser.go(&scene, "/sign-in").await;
        browser.picture(&format!("{look}-sign-in")).await;
        browser.sign_in(&scene, "olga").await;
        for (name, path) in PAGES {
            browser.go(&scene, path).await;
            let wide = browser.script("return document.documentElement.scrollWidth").await.as_u64().unwrap();
            assert!(wide <= width, "{name} is {wide} wide in a window of {width}");
            let text = browser.text("main").await;
            if name == "activity" {
                holds("what happened", async || {
                    browser.go(&scene, path).await;
                    let text = browser.text("main").await;
                    ["maria +pages.view", "products.delete is missing", "mallory"]
                        .iter()
                        .all(|said| text.contains(said))
                })
                .await;
            }
            assert!(!text.is_empty());
            browser.picture(&format!("{look}-{name}")).await;
        }
        browser.go(&scene, "/users/edit?name=catalogue-import").await;
        browser.press("Regenerate API token").await;
        browser.token().await;
        browser.picture(&format!("{look}-regenerate")).await;
        browser.close().await;
    }
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let (scene, browser) = (Scene::new(), Browser::open().await);
    browser.go(&scene, "/sign-in").await;
    let active =
        async |css: &str| browser.script(&format!("return document.activeElement.matches({css:?})")).await == true;
    assert!(active("#name").await, "the first field waits for the name");
    let keys = |text: &str| browser_keys(&browser, text.to_owned());
    keys("olga\t").await;
    kept::secret(PASSWORD);
    keys(PASSWORD).await;
    keys(&Key::Enter.to_string()).await;
    holds("the list of users", async || browser.client.current_url().await.unwrap().path() == "/users").await;
    browser.go(&scene, "/users/edit?name=olga").await;
    let mut steps = 0;
    while !active("#access").await {
        keys("\t").await;
        let visible = browser.script("return getComputedStyle(document.activeElement).outlineStyle").await;
        assert_ne!(visible, "none", "where the focus is can be seen");
        steps += 1;
        assert!(steps < 40, "the tick box is reached");
    }
    keys(" ").await;
    let token = browser.token().await;
    browser.fill("#title", "By keyboard").await;
    browser.find("#title").await.send_keys(&Key::Enter.to_string()).await.unwrap();
    holds("Save", async || browser.text("main").await.contains("Saved.")).await;
    assert_eq!(scene.ask("olga", &token, "GET", "/api/v2/orders"), 200);
    browser.close().await;
}

async fn browser_keys(browser: &Browser, text: String) {
    let active = browser.client.active_element().await.unwrap();
    active.send_keys(&text).await.unwrap();
}

#[tokio::test]
async fn everything_but_copying_works_without_scripts() {
    let scene = Scene::new();
    let browser = Browser::open_with(1200, 900, &["--blink-settings=scriptEnabled=false"]).await;
    browser.sign_in(&scene, "olga").await;
    browser.go(&scene, "/users/edit?name=olga").await;
    assert!(!browser.is_shown("#token").await && !browser.is_shown("button.copy").await);
    browser.click("#access").await;
    assert!(browser.is_shown("#token").await && !browser.is_shown("button.copy").await, "no button that does nothing");
    browser.press("Regenerate API token").await;
    let token = browser.token().await;
    browser.press("Save").await;
    assert_eq!(scene.ask("olga", &token, "GET", "/api/v2/orders"), 200);
    browser.close().await;
}

#[tokio::test]
async fn every_field_and_table_has_a_name() {
    let (scene, browser) = (Scene::new(), Browser::open().await);
    browser.sign_in(&scene, "olga").await;
    for (name, path) in PAGES {
        browser.go(&scene, path).await;
        let nameless = browser
            .script(
                "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
                     .filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)
                     .concat([...document.querySelectorAll('button, a')].filter(e => !e.textContent.trim()).map(e => e.outerHTML))
                     .concat([...document.querySelectorAll('th')].filter(e => !e.scope).map(e => e.outerHTML))",
            )
            .await;
        assert_eq!(nameless, json!([]), "{name}");
        assert_eq!(browser.script("return document.querySelectorAll('h1').length").await, 1, "{name}");
        assert_eq!(browser.script("return document.documentElement.lang").await, "en");
        let ids =
            "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size";
        assert_eq!(browser.script(ids).await, 0, "{name}");
    }
    browser.close().await;
}
