//! A fresh checkout in a directory of its own, and the containers that Compose runs from it. All that is made has the
//! project's name, which no other run has, and is removed in the end, also where a case fails.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::kept;
use crate::tool::{Done, eventually, program, run, works};

/// What of a checkout the containers are made from.
const FILES: [&str; 9] = [
    ".dockerignore",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "README.md",
    "askama.toml",
    "config/access.toml",
    "config/portcullis.toml",
    "docker-compose.yml",
];

/// Whose the checkout is made, where this is run by root: nobody whom the image knows.
const OWNER: u32 = 23456;

pub(crate) struct Scene {
    dir: TempDir,
    /// Also the name of the image.
    project: String,
    /// `docker compose`, or the older `docker-compose`.
    compose: Vec<&'static str>,
}

impl Scene {
    /// Builds the images and brings everything up.
    pub(crate) fn up() -> Self {
        assert!(
            works("docker", &["info"]),
            "no Docker engine answers `docker info`; start one, or leave this test out"
        );
        let compose = [vec!["docker", "compose"], vec!["docker-compose"]];
        let found = compose.into_iter().find(|tool| works(tool[0], &[&tool[1..], &["version"]].concat()));
        let dir = tempfile::tempdir().unwrap();
        let unique = dir.path().file_name().unwrap().to_string_lossy().trim_start_matches('.').to_lowercase();
        let project = format!("portcullis-test-{unique}");
        let scene = Self { dir, project, compose: found.expect("neither docker compose nor docker-compose works") };
        scene.check_out();
        scene.build();
        scene.compose(&["up", "--detach"]).good("up");
        scene.healthy("gateway");
        scene
    }

    /// A path in the checkout.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The image that brings a shell, curl and little else.
    pub(crate) fn builder(&self) -> String {
        format!("{}-builder", self.project)
    }

    /// The full name of a network.
    pub(crate) fn network(&self, name: &str) -> String {
        format!("{}_{name}", self.project)
    }

    /// A command that finds the checkout and this run's names, as a user's shell would.
    pub(crate) fn command(&self, tool: &[&str], arguments: &[&str]) -> Command {
        let mut command = program(tool[0], &[&tool[1..], arguments].concat());
        command.current_dir(self.dir.path());
        command.env("COMPOSE_PROJECT_NAME", &self.project).env("COMPOSE_FILE", "docker-compose.yml:stand-ins.yml");
        command.env("PORTCULLIS_IMAGE", &self.project).env("PORTCULLIS_USER", self.owner());
        // Any free ones.
        command.env("PORTCULLIS_PORT", "0").env("PORTCULLIS_PANEL_PORT", "0");
        // The older builder is what all engines have.
        command.env("DOCKER_BUILDKIT", "0").env("COMPOSE_DOCKER_CLI_BUILD", "0");
        command
    }

    pub(crate) fn compose(&self, arguments: &[&str]) -> Done {
        run(&mut self.compose_command(arguments))
    }

    pub(crate) fn compose_command(&self, arguments: &[&str]) -> Command {
        self.command(&self.compose, arguments)
    }

    /// The Compose tool, as a shell would call it.
    pub(crate) fn tool(&self) -> String {
        self.compose.join(" ")
    }

    pub(crate) fn docker(&self, arguments: &[&str]) -> Done {
        run(&mut self.command(&["docker"], arguments))
    }

    /// Runs a command of Portcullis beside the gateway that runs.
    pub(crate) fn portcullis(&self, arguments: &[&str]) -> Done {
        self.compose(&[&["exec", "-T", "gateway", "portcullis"], arguments].concat())
    }

    /// Gives a user a new token, which is told here alone.
    pub(crate) fn token(&self, user: &str) -> String {
        let token = self.portcullis(&["user", "regenerate", user]).good("regenerate").trim().to_owned();
        kept::credentials(user, &token);
        token
    }

    /// The containers of a service.
    pub(crate) fn containers(&self, service: &str) -> Vec<String> {
        let all = self.compose(&["ps", "--quiet", service]).good("ps");
        all.split_whitespace().map(str::to_owned).collect()
    }

    /// The one container of a service.
    pub(crate) fn container(&self, service: &str) -> String {
        let mut all = self.containers(service);
        assert_eq!(all.len(), 1, "{service}");
        all.remove(0)
    }

    /// What `docker inspect` knows of a container.
    pub(crate) fn inspect(&self, container: &str, format: &str) -> String {
        self.docker(&["inspect", "--format", format, container]).good("inspect").trim().to_owned()
    }

    /// Waits for a service's containers to be what their HEALTHCHECK calls healthy.
    pub(crate) fn healthy(&self, service: &str) {
        for container in self.containers(service) {
            eventually("it to be healthy", || {
                (self.inspect(&container, "{{.State.Health.Status}}") == "healthy").then_some(())
            });
        }
    }

    /// Replaces a part of the access document on the host and saves it, as an editor does that writes in place.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.path("config/access.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Puts the sample document back, and starts what does not run.
    pub(crate) fn restore(&self) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/access.toml");
        fs::write(self.path("config/access.toml"), fs::read(sample).unwrap()).unwrap();
        self.compose(&["up", "--detach", "--no-recreate", "--scale", "gateway=1"]).good("up");
        self.healthy("gateway");
    }

    pub(crate) fn logs(&self) -> String {
        let logs = self.compose(&["logs", "--no-color"]);
        logs.out + &logs.err
    }

    /// Keeps what was logged, to be looked through for secrets.
    pub(crate) fn keep_logs(&self) {
        kept::printed("compose-log", &self.logs());
        kept::printed("compose-journal", &fs::read_to_string(self.path("config/access.toml.changes.jsonl")).unwrap());
    }

    fn owner(&self) -> String {
        let config = fs::metadata(self.path("config")).unwrap();
        format!("{}:{}", config.uid(), config.gid())
    }

    fn check_out(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for directory in ["certs", "config"] {
            fs::create_dir(self.path(directory)).unwrap();
        }
        for file in FILES {
            fs::copy(root.join(file), self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        let (from, to) = (root.join("src").display().to_string(), self.path("src").display().to_string());
        run(&mut program("cp", &["-R", &from, &to])).good("cp");
        let build = format!(
            "    build: {{ args: {{ BUILDER: {}, RUNTIME: {}-runtime, PROFILE: dev }} }}\n",
            self.builder(),
            self.project
        );
        let services = ["gateway", "store", "certificates"].map(|name| format!("  {name}:\n{build}")).concat();
        fs::write(self.path("stand-ins.yml"), format!("services:\n{services}")).unwrap();
        let root_runs_this = fs::metadata(self.path("config")).unwrap().uid() == 0;
        for file in ["config", "config/access.toml", "config/portcullis.toml"].iter().filter(|_| root_runs_this) {
            chown(self.path(file), Some(OWNER), Some(OWNER)).unwrap();
        }
    }

    fn build(&self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compose/stand-ins");
        run(&mut program(script, &[self.builder(), format!("{}-runtime", self.project)])).good("the stand-ins");
        // By its own name, so that it can be removed again with everything below it.
        let build = [format!("{}-build", self.project), format!("BUILDER={}", self.builder())];
        let arguments = ["build", "--target", "build", "--tag", &build[0], "--build-arg", &build[1]];
        self.docker(&[&arguments[..], &["--build-arg", "PROFILE=dev", "."]].concat()).good("docker build");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let down = self.compose(&["down", "--volumes", "--remove-orphans", "--timeout", "1"]);
        let images = ["", "-build", "-builder", "-runtime"].map(|image| format!("{}{image}", self.project));
        let images: Vec<_> = images.iter().map(String::as_str).collect();
        let removed = self.docker(&[&["rmi", "--force"], &images[..]].concat());
        if !std::thread::panicking() {
            assert_eq!((down.code, removed.code), (0, 0), "left behind: {down:?} {removed:?}");
        }
    }
}
