//! Asking a gateway as a client on the host does, with curl.

use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;
use crate::tool::{feed, program};

/// Where a gateway is reached, and by what its certificate is trusted.
pub(crate) struct Gateway {
    port: u16,
    /// Where it is, if not at the loopback interface.
    address: Option<String>,
    authority: PathBuf,
}

/// What curl got.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 where there was none.
    pub(crate) status: u16,
    pub(crate) content: String,
    pub(crate) body: String,
    /// Curl's own, such as 7 for a connection that was refused.
    pub(crate) exit: i32,
}

/// One question of several.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

impl Gateway {
    /// The gateway of a number, from 1, at the port that it has now.
    pub(crate) fn numbered(scene: &Scene, number: usize) -> Self {
        Self::of(scene, number, "8443")
    }

    /// The only gateway.
    pub(crate) fn only(scene: &Scene) -> Self {
        Self::numbered(scene, 1)
    }

    /// Its control panel.
    pub(crate) fn panel(scene: &Scene) -> Self {
        Self::of(scene, 1, "8444")
    }

    fn of(scene: &Scene, number: usize, port: &str) -> Self {
        let authority = scene.path("ca.pem");
        if !authority.exists() {
            let container = scene.container("gateway");
            let from = format!("{container}:/portcullis/certs/ca.pem");
            scene.docker(&["cp", &from, &authority.display().to_string()]).good("docker cp");
        }
        let told = scene.compose(&["port", &format!("--index={number}"), "gateway", port]).good("port");
        let port = told.trim().rsplit(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{told}"));
        Self { port, address: None, authority }
    }

    /// The same at its own address, without anything of Docker's between.
    pub(crate) fn direct(scene: &Scene, container: &str) -> Self {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", scene.network("front"));
        Self { port: 8443, address: Some(scene.inspect(container, &format)), ..Self::only(scene) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// What curl needs to be told for each request.
    pub(crate) fn options(&self, user: Option<(&str, &str)>) -> String {
        let mut options = format!("noproxy = \"*\"\nmax-time = 60\ncacert = \"{}\"\n", self.authority.display());
        let address = self.address.as_deref().unwrap_or("127.0.0.1");
        options += &format!("resolve = \"localhost:{}:{address}\"\n", self.port);
        if let Some((name, token)) = user {
            options += &format!("user = \"{name}:{token}\"\n");
        }
        options
    }

    /// Asks for one thing, with more options of curl's, one a line.
    pub(crate) fn ask(&self, user: Option<(&str, &str)>, path: &str, more: &str) -> Answer {
        let options = self.options(user);
        let asked = format!(
            "{options}silent\nurl = \"{}\"\nwrite-out = \"\\n%{{http_code}} %{{content_type}}\"\n{more}\n",
            self.url(path)
        );
        let done = feed(&mut program("curl", &["--config", "-"]), &asked);
        let (body, last) = done.out.rsplit_once('\n').unwrap_or_default();
        let (status, content) = last.split_once(' ').unwrap_or((last, ""));
        Answer {
            status: status.parse().unwrap_or_default(),
            content: content.to_owned(),
            body: body.to_owned(),
            exit: done.code,
        }
    }

    /// The status of a GET.
    pub(crate) fn status(&self, user: Option<(&str, &str)>, path: &str) -> u16 {
        self.ask(user, path, "").status
    }

    /// Asks for many things, on one connection where that is kept; the status of each answer.
    pub(crate) fn statuses(&self, user: (&str, &str), questions: &[Question<'_>]) -> Vec<u16> {
        let options = self.options(Some(user));
        let one = |question: &Question<'_>| {
            let Question { method, path } = question;
            format!(
                "{options}silent\npath-as-is\nurl = \"{}\"\nrequest = \"{method}\"\noutput = \"/dev/null\"\n\
                 write-out = \"%{{http_code}}\\n\"\n",
                self.url(path)
            )
        };
        let asked: Vec<_> = questions.iter().map(one).collect();
        let done = feed(&mut program("curl", &["--config", "-"]), &asked.join("next\n"));
        let statuses: Vec<u16> = done.out.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(statuses.len(), questions.len(), "{done:?}");
        statuses
    }
}

/// A number that a gateway counts, asked from a container that shares its network.
pub(crate) fn counted(scene: &Scene, metric: &str) -> u64 {
    let network = format!("container:{}", scene.container("gateway"));
    let url = "http://127.0.0.1:9090/metrics";
    let asked = ["run", "--rm", "--network", &network, &scene.builder(), "curl", "--silent", "--fail", url];
    let text = scene.docker(&asked).good("metrics");
    crate::kept::printed("compose-metrics", &text);
    let value = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{metric} in {text}")).parse().unwrap()
}

/// Requests that were sent on to the upstream.
pub(crate) fn forwarded(scene: &Scene) -> u64 {
    counted(scene, "portcullis_upstream_duration_seconds_count")
}

/// The journal of changes, as it is now.
pub(crate) fn journal(scene: &Scene) -> String {
    fs::read_to_string(scene.path("config/access.toml.changes.jsonl")).unwrap_or_default()
}
