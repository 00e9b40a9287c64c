use std::fmt::Write as _;

use super::{ImportError, Imported, read};

const STORE: &str = r##"
openapi: 3.1.0
info: { title: Store, version: 1.0 }
x-other: [1, 2]
servers:
  - url: https://{host}/api/v2
    variables: { host: { default: shop.example } }
security: [{ basic: [] }]
paths:
  x-note: not a path
  /orders:
    parameters: [{ $ref: "#/components/parameters/Page" }]
    get: { tags: [Orders], summary: All, responses: { 200: { description: "" } } }
    post: { tags: [Orders] }
  /orders.json: &orders
    get: { tags: [Orders] }
  /orders.xml: *orders
  /orders/{id}/:
    get: { tags: [Orders] }
    put: { tags: [Orders] }
    patch: { tags: [Orders] }
    delete: { tags: [Orders] }
  /orders/{order_id}/cancel:
    post: { tags: [Orders] }
  /invoices/{id}:
    get: { tags: [Orders] }
  /time:
    get: { security: [] }
  /files/{name}.json:
    get: {}
  /export{format}:
    get: {}
  /shared: { $ref: "#/components/pathItems/Shared" }
components:
  pathItems:
    Shared:
      get: { tags: ["Shared things"], security: [{}, { basic: [] }] }
"##;

fn good(text: &str) -> Imported {
    read("api.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{}", told(&error)))
}

fn told(error: &ImportError) -> String {
    match error {
        ImportError::Faults(faults) => faults.to_string(),
        ImportError::Mistake(faults) => format!("a mistake: {faults}"),
    }
}

fn bad(text: &str) -> String {
    told(&read("api.yaml", text.as_bytes()).unwrap_err())
}

#[test]
fn a_description_becomes_resources_and_comments() {
    let expected = r#"# Resources out of api.yaml, to be read and edited before they become part of an access document.
# They grant nothing to anybody: there are no roles and no users here.
#
# What could not be said:
# - /export{format}: "export{format}" is a wildcard for a part of a segment, and there are only whole ones
# - /files/{name}.json: a wildcard stands for a whole segment; "/api/v2/files/{name}" with formats = ["json"] would cover it, and also the path without .json

[[resources]]
name = "Orders: /api/v2/orders"
paths = ["/api/v2/orders"]
formats = ["json", "xml"]
permissions = { GET = "orders.view", POST = "orders.create" }

[[resources]]
name = "Orders: /api/v2/orders/{id}"
paths = ["/api/v2/orders/{id}"]
permissions = { GET = "orders.view", PUT = "orders.edit", PATCH = "orders.edit", DELETE = "orders.delete" }

# LOOK: POST /orders/{order_id}/cancel: by its name it does something else than create
[[resources]]
name = "Orders: /api/v2/orders/{order_id}/cancel"
paths = ["/api/v2/orders/{order_id}/cancel"]
permissions = { POST = "orders.create" }

[[resources]]
name = "Orders: /api/v2/invoices/{id}"
paths = ["/api/v2/invoices/{id}"]
permissions = { GET = "orders.view" }

# LOOK: GET /time: needs no credentials by the description; "public" lets everybody in
[[resources]]
name = "time"
paths = ["/api/v2/time"]
permissions = { GET = "time.view" }

# LOOK: GET /shared: may do without credentials by the description; "public" lets everybody in
[[resources]]
name = "Shared things"
paths = ["/api/v2/shared"]
permissions = { GET = "shared-things.view" }
"#;
    let imported = good(STORE);
    assert_eq!(imported.text, expected);
    assert_eq!((imported.resources, imported.paths, imported.notes.len(), imported.left_out.len()), (6, 6, 3, 2));
}

#[test]
fn json_and_swagger_come_to_the_same() {
    let swagger = "swagger: 2.0\nbasePath: /api/v2/\npaths: { /orders: { get: { tags: [Orders] } } }\n";
    let json = r#"{"openapi":"3.0.3","servers":[{"url":"/api/v2"}],"paths":{"/orders/":{"get":{"tags":["Orders"]}}}}"#;
    let resource =
        "[[resources]]\nname = \"Orders\"\npaths = [\"/api/v2/orders\"]\npermissions = { GET = \"orders.view\" }\n";
    for text in [swagger, json, &format!("\u{feff}{json}")] {
        assert!(good(text).text.ends_with(&format!("\n\n{resource}")), "{}", good(text).text);
    }
    let empty = good("openapi: 3.0\npaths:\n");
    assert_eq!((empty.resources, empty.paths), (0, 0));
    assert_eq!(good("openapi: 3.1.1\nwebhooks: {}\n").resources, 0);
}

#[test]
fn paths_that_differ_in_spelling_only_are_one() {
    let described = |paths: &[&str]| {
        let paths = paths.iter().fold(String::new(), |mut all, path| {
            writeln!(all, "  {path:?}: {{ get: {{}} }}").unwrap();
            all
        });
        good(&format!("openapi: 3.0.0\npaths:\n{paths}")).text
    };
    for (paths, lines) in [
        (&["/a", "/a/", "/a.json"][..], "paths = [\"/a\"]\nformats = [\"json\"]"),
        (&["/a.xml", "/a.json"], "paths = [\"/a\"]\nformats = [\"json\", \"xml\"]"),
        (&["/a.json"], "paths = [\"/a.json\"]\npermissions"),
        (&["/a/{x}", "/a/{y}"], "paths = [\"/a/{x}\"]\npermissions"),
        (&["/a/{x}", "/a/{y}.json"], "paths = [\"/a/{x}\"]\nformats = [\"json\"]"),
        (&["/a", "/a/{x}", "/a/{x}/b"], "paths = [\"/a\", \"/a/{x}\", \"/a/{x}/b\"]\npermissions"),
        (&["/a", "/a.json", "/a/b"], "paths = [\"/a\"]\nformats = [\"json\"]"),
    ] {
        let text = described(paths);
        assert!(text.contains(lines), "{paths:?}\n{text}");
    }
}

#[test]
fn what_a_description_says_is_no_part_of_the_document() {
    let text = r#"{"openapi":"3.0.0","paths":{
        "/a":{"get":{"tags":["x\"\n[users.evil]\napi_access = true\n"]},"trace":{},"head":{},"options":{}},
        "/b\n[users.evil]":{"get":{}},
        "/c":{"get":{"tags":["\u202euser"],"security":[]}},
        "/panel":{"get":{},"post":{"tags":["public"]}},
        "/d":{}
    }}"#;
    let imported = good(text);
    let lines: Vec<_> = imported.text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(
        lines.iter().all(|line| !line.starts_with("[users") && !line.starts_with("api_access")),
        "{}",
        imported.text
    );
    assert!(!imported.text.contains('\u{202e}') && !imported.text.contains("\"panel."), "{}", imported.text);
    assert!(imported.text.contains("GET = \"api-panel.view\", POST = \"public.create\""), "{}", imported.text);
    assert!(!imported.text.contains("= \"public\"") || imported.text.contains("# LOOK: OPTIONS /a: left out"));
    assert_eq!(imported.left_out.len(), 2, "{:?}", imported.left_out);
}

#[test]
fn references_and_servers_are_followed_or_told() {
    let imported = good(
        "openapi: 3.1.0\nservers: [{ url: /v1 }, { url: /v2 }]\npaths:\n  /a: { get: {} }\n  /b: { $ref: '#/paths/~1a' }\n  \
         /c: { $ref: 'other.yaml#/c' }\n  /d: { $ref: '#/paths/~1d' }\n  /e: { $ref: '#/paths/~1x' }\n  /f:\n  \
         /g: { servers: [{ url: /own }], get: { servers: [{ url: /x }] } }\n",
    );
    for part in ["\"/v1/b\"", "\"/own/g\"", "LOOK: GET /g: has a server of its own"] {
        assert!(imported.text.contains(part), "{part}: {}", imported.text);
    }
    let told = [
        "\"/v2\"",
        "/c: it is described elsewhere",
        "/d: what it refers to",
        "/e: there is no",
        "/f: there is nothing",
    ];
    assert_eq!(imported.left_out.len(), told.len(), "{:?}", imported.left_out);
    assert!(imported.left_out.iter().zip(told).all(|(line, part)| line.contains(part)), "{:?}", imported.left_out);
    let imported = good("openapi: 3.0.0\nsecurity: []\nservers: [{ url: v1 }]\npaths: { /a: { get: {} } }\n");
    assert!(imported.text.contains("paths = [\"/a\"]") && imported.left_out[0].contains("in front yourself"));
    assert!(imported.notes[0].contains("needs no credentials"), "{:?}", imported.notes);
}

#[test]
fn bad_descriptions_are_told_with_their_place() {
    for (text, place, told) in [
        ("", "1:1", ""),
        ("info: {}\n", "1:1", "neither \"openapi\" nor \"swagger\""),
        ("openapi: 2.0.0\n", "1:1", "OpenAPI \"2.0.0\" is not read"),
        ("openapi: 3.2.0\n", "1:1", "OpenAPI \"3.2.0\" is not read"),
        ("swagger: 1.2\n", "1:1", "Swagger \"1.2\" is not read"),
        ("openapi: 3.0.0\npaths:\n  /a: [\n", "", ""),
        ("openapi: 3.0.0\npaths:\n  /a: { get: {} }\n  /a: { get: {} }\n", "4:3", ""),
        ("openapi: 3.0.0\npaths: 7\n", "2:8", ""),
        ("{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": 7}}", "1:", "expected a path's methods"),
        ("openapi: 3.0.0\npaths: { /a: { get: { tags: x } } }\n", "2:", ""),
        ("{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": {}, \"/a\": {}}}", "1:", "\"/a\" is there twice"),
        ("{\"openapi\": \"3.0.0\",\n  \"paths\": }", "2:12", "expected value"),
    ] {
        let shown = bad(text);
        assert!(shown.starts_with(&format!("api.yaml:{place}")) && shown.contains(told), "{text:?} {shown}");
        assert!(!shown.contains(" at line "), "the place is said once: {shown}");
    }
    assert!(told(&read("api", b"openapi: \xff").unwrap_err()).starts_with("api:1:10: this is no text in UTF-8"));
}

#[test]
fn a_few_lines_do_not_grow_to_millions() {
    let mut text = "openapi: 3.0.0\nx-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "x-{level}: &a{level} [{aliases}]").unwrap();
    }
    text += "paths: { /a: { get: { tags: *a11 } } }\n";
    assert!(bad(&text).starts_with("api.yaml:7:"), "{}", bad(&text));
    let deep = format!("openapi: 3.0.0\nx: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(bad(&deep).starts_with("api.yaml:"));
    // What is passed over in JSON takes no stack.
    let deep = format!("{{\"openapi\": \"3.0.0\", \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(good(&deep).resources, 0);
    assert!(bad(&format!("openapi: 3.0.0\n#{}", "x".repeat(32 << 20))).contains("32 MiB"));
}
