//! The commands of README.md's chapter about containers, as they are written, from an empty beginning to its end.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::kept;
use crate::page::Page;
use crate::scene::Scene;
use crate::tool::run;

/// Prints the status behind every answer.
const CURLRC: &str = "silent\nnoproxy = \"*\"\nipv4\nmax-time = 60\nwrite-out = \"\\n%{http_code}\\n\"\n";

pub(crate) fn pasted(scene: &Scene) {
    scene.keep_logs();
    scene.compose(&["down", "--volumes"]).good("down");
    let page = Page::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let chapter = page.chapter("In a container");
    let commands: Vec<_> = page.commands().into_iter().filter(|command| chapter.contains(&command.line)).collect();
    assert!(commands.len() > 5, "{}", commands.len());
    let (port, panel) = (free(), free());
    // The older tool has another name. What is answered is known once somebody listens.
    let mut script = format!(
        "export PORTCULLIS_PORT={port} PORTCULLIS_PANEL_PORT={panel}\n\
         docker() {{ if [ \"$1\" = compose ]; then shift; command {} \"$@\"; else command docker \"$@\"; fi; }}\n",
        scene.tool()
    );
    for (number, command) in commands.iter().enumerate() {
        let text = command.text.replace("8443", &port.to_string());
        script += &format!("{{ {text}\n}} >{number}.out 2>&1\necho $? >{number}.exit\n");
        if text.starts_with("docker compose up") {
            script += "until docker compose exec -T gateway portcullis health; do sleep 0.2; done >ready 2>&1\n";
        }
        if text.starts_with("token=") {
            script += "printf %s \"$token\" >token\n";
        }
    }
    fs::write(scene.path(".curlrc"), CURLRC).unwrap();
    fs::write(scene.path("script"), script).unwrap();
    let done = run(scene.command(&["bash"], &["script"]).env("CURL_HOME", scene.path("")));
    let read = |name: String| fs::read_to_string(scene.path(&name)).unwrap_or_default();
    kept::credentials("storefront", &read("token".to_owned()));
    for (number, command) in commands.iter().enumerate() {
        let (out, exit) = (read(format!("{number}.out")), read(format!("{number}.exit")));
        let told = format!("README.md:{}: {}\nended with {exit}\n{out}\n{done:?}", command.line, command.text);
        kept::printed("compose-readme", &out);
        assert_eq!(exit.trim(), command.exit.to_string(), "{told}");
        if let Some(status) = &command.status {
            assert_eq!(out.trim_end().lines().last(), Some(status.as_str()), "{told}");
        }
    }
}

/// A port that nothing has: nothing else is started while these containers are.
fn free() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
