//! Clients that are under way while a gateway is told to end.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};

use crate::ask::Gateway;
use crate::scene::Scene;
use crate::tool::{Done, eventually, feed, program};

/// More than any gateway answers before it has been told to end.
const REQUESTS: usize = 20_000;

/// An upload that takes seconds, and that the upstream has begun to read.
pub(crate) struct Upload(JoinHandle<Done>);

impl Upload {
    pub(crate) fn begin(scene: &Scene, gateway: &Gateway, user: (&str, &str)) -> Self {
        let (body, trace) = (scene.path("product.json"), scene.path("upload.trace"));
        fs::write(&body, format!("{{\"name\":\"Slow\",\"description\":\"{}\"}}", "x".repeat(800 << 10))).unwrap();
        let config = format!(
            "{}silent\nurl = \"{}\"\nrequest = \"PUT\"\ndata-binary = \"@{}\"\nlimit-rate = 100K\ntrace-ascii = \"{}\"\n\
             header = \"Expect: 100-continue\"\nhttp1.1\noutput = \"/dev/null\"\nwrite-out = \"%{{http_code}}\"\n",
            gateway.options(Some(user)),
            gateway.url("/api/v2/products/1"),
            body.display(),
            trace.display()
        );
        let upload = thread::spawn(move || feed(&mut program("curl", &["--config", "-"]), &config));
        // The store says so once it reads.
        eventually("the upload to be under way", || {
            fs::read_to_string(&trace).unwrap_or_default().contains("100 Continue").then_some(())
        });
        Self(upload)
    }

    pub(crate) fn is_under_way(&self) -> bool {
        !self.0.is_finished()
    }

    pub(crate) fn ended(self) -> Done {
        self.0.join().unwrap()
    }
}

/// A client that asks for one thing after the other, on one connection for as long as that is kept.
pub(crate) struct Client {
    child: Child,
    answers: PathBuf,
}

impl Client {
    /// `protocol` is an option of curl's.
    pub(crate) fn begin(scene: &Scene, gateway: &Gateway, user: (&str, &str), protocol: &str) -> Self {
        let (answers, config) = (scene.path(&format!("{protocol}.answers")), scene.path(&format!("{protocol}.curl")));
        let one = format!("url = \"{}\"\noutput = \"/dev/null\"\n", gateway.url("/api/v2/products/1"));
        let options = gateway.options(Some(user));
        let status = "silent\nwrite-out = \"%{http_code} %{exitcode}\\n\"\n";
        fs::write(&config, format!("{options}{status}{protocol}\n{}", one.repeat(REQUESTS))).unwrap();
        let mut curl = program("curl", &["--config".as_ref(), config.as_os_str()]);
        curl.stdin(Stdio::null()).stderr(Stdio::null()).stdout(File::create(&answers).unwrap());
        let client = Self { child: curl.spawn().unwrap(), answers };
        eventually("the load to be under way", || client.lines().contains("200 0\n").then_some(()));
        client
    }

    /// Answers and failures up to the first connection that nobody accepts: nothing was asked over that one.
    pub(crate) fn until_refused(mut self) -> Vec<String> {
        let told = eventually("a connection to be refused", || {
            let lines = self.lines();
            lines.split_once("000 7\n").map(|(before, _)| before.to_owned())
        });
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        told.lines().map(str::to_owned).collect()
    }

    fn lines(&self) -> String {
        fs::read_to_string(&self.answers).unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that has ended already is no fault.
        self.child.kill().unwrap_or_default();
    }
}
