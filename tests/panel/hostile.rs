//! Names that are markup, scripts, or run the other way.

use crate::browser::Browser;
use crate::scene::Scene;

#[tokio::test]
async fn every_name_is_shown_and_none_is_markup() {
    let long = "w".repeat(200);
    let names =
        ["<script>alert(1)</script>", "\"quoted' & `ticked`", "\u{202e}drawkcab", "مستخدم", "a+b%20c/d?e#f", &*long];
    let mut document =
        "[[resources]]\nname = \"<b>Bold</b> & \\\"so\\\"\"\npaths = [\"/a\"]\npermissions = { GET = \"a.view\" }\n\
                        [roles]\n\"<i>role</i>\" = [\"a.view\"]\n[users.olga]\npermissions = [\"*\"]\n"
            .to_owned();
    for name in names {
        let key = serde_json::to_string(name).unwrap();
        document.push_str(&format!("[users.{key}]\ntitle = {key}\nroles = [\"<i>role</i>\"]\n"));
    }
    let (scene, browser) = (Scene::with(&document, &["olga"]), Browser::open().await);
    browser.sign_in(&scene, "olga").await;
    browser.go(&scene, "/users").await;
    browser.picture("hostile-users").await;
    let page = browser.text("main").await;
    for name in names {
        assert!(page.contains(name), "{name} in {page}");
        browser.go(&scene, "/users").await;
        let link = format!("//a[normalize-space()={}]", quoted(name));
        browser.client.find(fantoccini::Locator::XPath(&link)).await.unwrap().click().await.unwrap();
        assert_eq!(browser.text("h1").await, name);
        assert_eq!(browser.value("#title").await, name);
        browser.fill("#title", "seen").await;
        browser.press("Save").await;
        assert!(browser.text("main").await.contains("Saved."), "{}", browser.text("main").await);
    }
    for path in
        ["/users", "/permissions", "/activity", "/permissions/resource?name=%3Cb%3EBold%3C%2Fb%3E%20%26%20%22so%22"]
    {
        browser.go(&scene, path).await;
        let counted = browser.script("return document.querySelectorAll('script, main b, main i').length").await;
        assert_eq!(counted, 1, "{path}: the panel's own script, and no element of a name's making");
    }
    assert!(browser.text("h1").await.contains("<b>Bold</b> & \"so\""));
    browser.close().await;
}

/// A text as XPath writes one that may hold both kinds of quotes.
fn quoted(text: &str) -> String {
    let parts: Vec<_> = text.split('"').map(|part| format!("\"{part}\"")).collect();
    format!("concat({}, \"\")", parts.join(", '\"', "))
}
