//! The law as a whole: what a document expects of itself, and that taking something away never opens a door.

use std::fmt::Write as _;
use std::time::SystemTime;

use portcullis::policy::Target;
use portcullis::source::document::{Format, Law, read};
use proptest::prelude::*;

use crate::harness::{AMY, document};

fn law(text: &str) -> Law {
    read("access.toml", text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

fn expecting(user: &str, request: &str, decision: &str) -> String {
    let user = if user.is_empty() { String::new() } else { format!("user = \"{user}\"\n") };
    format!("{}\n[[expect]]\n{user}request = \"{request}\"\ndecision = \"{decision}\"\n", document())
}

#[test]
fn a_document_that_breaks_its_own_expectations_is_refused() {
    for (user, request, holds) in [
        (AMY.0, "GET /orders", "allow"),
        (AMY.0, "HEAD /orders/7.json", "allow"),
        (AMY.0, "DELETE /orders/7", "deny"),
        (AMY.0, "GET /nowhere", "deny"),
        ("plain", "GET /time", "allow"),
        ("", "GET /time", "deny"),
        ("", "GET /health", "allow"),
    ] {
        law(&expecting(user, request, holds));
        let broken = if holds == "allow" { "deny" } else { "allow" };
        let text = expecting(user, request, broken);
        let faults = read("access.toml", &text, Format::Toml, SystemTime::now()).unwrap_err().to_string();
        assert!(faults.contains(request) && faults.contains(&format!("expected \"{broken}\"")), "{faults}");
    }
    // Who has no API access is let do nothing, and would be let do this with it: neither is against the document.
    law(&expecting("off", "GET /time", "deny"));
    law(&expecting("off", "GET /time", "allow"));
}

const PERMISSIONS: [&str; 4] = ["a.view", "a.edit", "b.view", "b.edit"];
/// Patterns of which none ties with another.
const PATTERNS: [&str; 6] = ["/x", "/x/{id}", "/x/**", "/x/y", "/x/{id}/z", "/**"];
const ASKED: [&str; 8] = ["/", "/x", "/x/", "/x/y", "/x/y.json", "/x/7", "/x/7/z", "/x/7/q/r"];
const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "DELETE"];

/// Which permissions each resource's GET and POST need, in bits, and what is granted: to the user, and to a role.
#[derive(Clone, Debug)]
struct Small {
    needs: [(u8, u8); 6],
    own: u8,
    role: u8,
    holds_role: bool,
}

prop_compose! {
    fn small()(
        needs in prop::array::uniform6((0u8..16, 0u8..16)),
        own in 0u8..16,
        role in 0u8..16,
        holds_role: bool,
    ) -> Small {
        Small { needs, own, role, holds_role }
    }
}

fn names(bits: u8) -> String {
    let named = PERMISSIONS.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
    named.map(|(_, name)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

impl Small {
    fn text(&self) -> String {
        // Every permission is required somewhere, as the document has it that none is granted for nothing.
        let mut text =
            format!("[[resources]]\nname = \"all\"\npaths = [\"/all\"]\npermissions = {{ GET = [{}] }}\n", names(15));
        for ((get, post), path) in self.needs.iter().zip(PATTERNS) {
            let needs =
                |bits: u8| if bits == 0 { "\"authenticated\"".to_owned() } else { format!("[{}]", names(bits)) };
            let (get, post) = (needs(*get), needs(*post));
            write!(
                text,
                "[[resources]]\nname = \"{path}\"\npaths = [\"{path}\"]\nformats = [\"json\"]\n\
                 permissions = {{ GET = {get}, POST = {post} }}\n"
            )
            .unwrap();
        }
        let held = if self.holds_role { "roles = [\"some\"]\n" } else { "" };
        write!(
            text,
            "[roles]\nsome = [{}]\n[users.amy]\napi_access = true\npermissions = [{}]\n{held}",
            names(self.role),
            names(self.own)
        )
        .unwrap();
        text
    }

    /// What Amy may do, as one answer for each method and path.
    fn doors(&self) -> Vec<bool> {
        let law = law(&self.text());
        let amy = law.users.get("amy").unwrap();
        let pairs = METHODS.iter().flat_map(|method| ASKED.iter().map(move |path| (method, path)));
        pairs
            .map(|(method, path)| {
                let asked = law.policy.ask(Target::parse(method, path).unwrap());
                law.policy.would_allow(amy, None, &asked).is_ok()
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn taking_a_permission_away_never_opens_a_door(before in small(), taken in 0u8..4, whose in 0u8..3) {
        let mut after = before.clone();
        match whose {
            0 => after.own &= !(1 << taken),
            1 => after.role &= !(1 << taken),
            _ => after.holds_role = false,
        }
        for (had, has) in before.doors().into_iter().zip(after.doors()) {
            prop_assert!(had || !has, "{} became\n{}", before.text(), after.text());
        }
    }

    #[test]
    fn asking_for_more_never_opens_a_door(before in small(), place in 0usize..6, more in 0u8..4, get: bool) {
        let mut after = before.clone();
        let needs = &mut after.needs[place];
        let needs = if get { &mut needs.0 } else { &mut needs.1 };
        *needs |= 1 << more;
        for (had, has) in before.doors().into_iter().zip(after.doors()) {
            prop_assert!(had || !has, "{} became\n{}", before.text(), after.text());
        }
    }

    #[test]
    fn spellings_of_one_target_are_judged_alike(small in small()) {
        let law = law(&small.text());
        let amy = law.users.get("amy").unwrap();
        for (path, other) in [("/x", "/x/"), ("/x/y", "/x/y.json"), ("/x/7", "/%78/7/"), ("/x/7/z", "/x/7/z.json/")] {
            for method in METHODS {
                let judged = |path| {
                    let asked = law.policy.ask(Target::parse(method, path).unwrap());
                    law.policy.would_allow(amy, None, &asked)
                };
                prop_assert_eq!(judged(path), judged(other), "{} {} {}", method, path, other);
            }
        }
    }
}
