//! A browser: Chromium without a window, steered by WebDriver.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

use crate::kept;
use crate::scene::{PASSWORD, Scene};
use crate::wait::holds;

/// Where pictures are left.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/panel");

/// A browser of its own, without cookies or memories. Dropping it ends it.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// A window of a desk's size.
    pub(crate) async fn open() -> Self {
        Self::open_with(1200, 900, &[]).await
    }

    pub(crate) async fn open_with(width: u32, height: u32, more: &[&str]) -> Self {
        // It takes a port that is free in IPv4 and may not be in IPv6; then it ends, and another is tried.
        let (driver, port) = (0..10).find_map(|_| start_driver()).expect("chromedriver starts");
        let profile = tempfile::tempdir().unwrap();
        let size = format!("--window-size={width},{height}");
        let home = format!("--user-data-dir={}", profile.path().display());
        let usual = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"];
        let arguments: Vec<_> = usual.iter().chain(more).copied().chain([size.as_str(), home.as_str()]).collect();
        let capabilities = json!({ "acceptInsecureCerts": true, "goog:chromeOptions": { "args": arguments } });
        let serde_json::Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        client
            .update_timeouts(fantoccini::wd::TimeoutConfiguration::new(
                Some(Duration::from_secs(30)),
                Some(Duration::from_secs(60)),
                Some(Duration::ZERO),
            ))
            .await
            .unwrap();
        Self { client, driver, _profile: profile }
    }

    pub(crate) async fn go(&self, scene: &Scene, path: &str) {
        self.client.goto(&scene.page(path)).await.unwrap();
    }

    /// Signs in as olga.
    pub(crate) async fn sign_in(&self, scene: &Scene, name: &str) {
        self.go(scene, "/sign-in").await;
        self.fill("#name", name).await;
        self.fill("#password", PASSWORD).await;
        self.press("Sign in").await;
        assert!(self.text("header").await.contains("Sign out"), "{name}: {}", self.text("body").await);
    }

    pub(crate) async fn find(&self, css: &str) -> Element {
        self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// What a person reads.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn value(&self, css: &str) -> String {
        self.find(css).await.prop("value").await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn is_ticked(&self, css: &str) -> bool {
        self.find(css).await.is_selected().await.unwrap()
    }

    pub(crate) async fn is_shown(&self, css: &str) -> bool {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element.is_displayed().await.unwrap(),
            Err(_) => false,
        }
    }

    /// Puts text in the place of what is in a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks on something that leads nowhere.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.uncover(&element).await;
        element.click().await.unwrap();
    }

    /// Scrolls so that nothing that stays at the window's edge lies over it.
    async fn uncover(&self, element: &Element) {
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client.execute(script, vec![serde_json::to_value(element).unwrap()]).await.unwrap();
    }

    /// Presses the button, or follows the link, with these words. Pages that it leads to are there when this returns.
    pub(crate) async fn press(&self, words: &str) {
        let path = format!("//*[self::button or self::a][not(@aria-hidden)][normalize-space()='{words}']");
        let found = self.client.find(Locator::XPath(&path)).await.unwrap_or_else(|error| panic!("{words}: {error}"));
        let leads_on = found.attr("type").await.unwrap().as_deref() != Some("button");
        let before = self.find("html").await;
        self.uncover(&found).await;
        found.click().await.unwrap();
        if leads_on {
            // It cannot be found any more once another page has come.
            holds("the next page", async || before.tag_name().await.is_err()).await;
            self.client.wait().for_element(Locator::Css("main")).await.unwrap();
        }
    }

    /// The token that the page shows, which is a secret from now on.
    pub(crate) async fn token(&self) -> String {
        let token = self.value("#token").await;
        assert!(token.starts_with("pcl_"), "{token:?}");
        kept::secret(&token);
        token
    }

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Leaves a picture of the whole page.
    pub(crate) async fn picture(&self, name: &str) {
        let height = self.script("return document.documentElement.scrollHeight").await.as_u64().unwrap();
        let width = self.script("return window.innerWidth").await.as_u64().unwrap();
        let metrics = json!({ "width": width, "height": height.max(400), "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        let picture = self.client.screenshot().await.unwrap();
        self.width(width).await;
        fs::create_dir_all(PICTURES).unwrap();
        fs::write(Path::new(PICTURES).join(format!("{name}.png")), picture).unwrap();
    }

    /// Narrows the window, as far as a phone's, where windows do not go.
    pub(crate) async fn width(&self, width: u64) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Has the browser's own tools do something.
    pub(crate) async fn cdp(&self, command: &str, parameters: serde_json::Value) {
        self.client.issue_cmd(Cdp(json!({ "cmd": command, "params": parameters }))).await.unwrap();
    }

    pub(crate) async fn close(self) {
        let _ = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its browser is of the same group, and would go on without it.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}

/// A driver and the port that it listens on.
fn start_driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver, of the package chromium-driver, which tests/run installs");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let Some(line) = lines.find(|line| line.contains("started successfully on port")) else {
        driver.wait().unwrap();
        return None;
    };
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, line.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned()))
}

/// A command of Chromium's own to its driver.
#[derive(Debug)]
struct Cdp(serde_json::Value);

impl fantoccini::wd::WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}
