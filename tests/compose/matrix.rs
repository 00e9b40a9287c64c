//! Every user of the sample document against every resource, as `tests/golden/access-matrix.txt` has it.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use portcullis::source::document::{Format, Law, read};

use crate::ask::{Gateway, Question, forwarded};
use crate::scene::Scene;
use crate::tool::eventually;

/// Where the columns of the golden file begin that name the method, and the first user.
const COLUMNS: [usize; 2] = [34, 42];
/// Questions of a user without API access: each counts as a wrong try, and lock-out begins with the tenth.
const FEW: usize = 4;

/// What was reviewed: for each user, the resource, the method and whether it may.
fn reviewed() -> BTreeMap<String, Vec<(String, String, bool)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access-matrix.txt");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip(2);
    let users: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let (mut all, mut resource) = (BTreeMap::<String, Vec<_>>::new(), String::new());
    for line in lines {
        let (name, rest) = line.split_at(COLUMNS[0]);
        let (method, marks) = rest.split_at(COLUMNS[1] - COLUMNS[0]);
        if !name.trim().is_empty() {
            name.trim().clone_into(&mut resource);
        }
        for (user, mark) in users.iter().zip(marks.split_whitespace()) {
            let row = (resource.clone(), method.trim().to_owned(), mark == "x");
            all.entry((*user).to_owned()).or_default().push(row);
        }
    }
    all
}

/// A path of each resource, with something in the place of what is open in it.
fn paths(law: &Law) -> BTreeMap<String, String> {
    let open = |segment: &str| if segment.starts_with('{') { "7".to_owned() } else { segment.to_owned() };
    let path = |pattern: &str| pattern.trim_end_matches("/**").split('/').map(open).collect::<Vec<_>>().join("/");
    let resources = law.policy.resources();
    resources.map(|resource| (resource.name.to_string(), path(&resource.patterns[0].to_string()))).collect()
}

pub(crate) fn every_user(scene: &Scene) {
    let gateway = Gateway::only(scene);
    let text = fs::read_to_string(scene.path("config/access.toml")).unwrap();
    let law = read("access.toml", &text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}"));
    let (reviewed, paths) = (reviewed(), paths(&law));
    assert_eq!(reviewed.len(), law.users.iter().count());

    // Her network is the warehouse's, and no container is in it.
    let token = scene.token("amy");
    assert_eq!(gateway.status(Some(("amy", &token)), "/api/v2/orders"), 403);
    scene.edit("addresses   = [\"10.0.0.0/8\"]", "addresses   = [\"0.0.0.0/0\"]");
    eventually("amy to be let in", || (gateway.status(Some(("amy", &token)), "/api/v2/orders") == 200).then_some(()));

    for (user, rows) in &reviewed {
        let has_access = law.users.iter().any(|one| *one.name == **user && one.api_access);
        let asked = if has_access { &rows[..] } else { &rows[..FEW] };
        let token = scene.token(user);
        let questions: Vec<_> =
            asked.iter().map(|(resource, method, _)| Question { method, path: &paths[resource] }).collect();
        let before = forwarded(scene);
        let statuses = gateway.statuses((user, &token), &questions);
        for (((resource, method, may), question), status) in asked.iter().zip(&questions).zip(&statuses) {
            let as_reviewed = match (has_access, may) {
                (false, _) => *status == 401,
                (true, false) => *status == 403,
                // What the sample store makes of it is its own: it has not all that the document covers.
                (true, true) => !matches!(status, 401 | 403 | 429 | 502..),
            };
            assert!(as_reviewed, "{user} {method} {} ({resource}): {status}", question.path);
        }
        let permitted = asked.iter().filter(|(.., may)| *may && has_access).count();
        assert_eq!(forwarded(scene) - before, permitted as u64, "{user}: nothing else reached the upstream");
    }
    scene.edit("addresses   = [\"0.0.0.0/0\"]", "addresses   = [\"10.0.0.0/8\"]");
}
