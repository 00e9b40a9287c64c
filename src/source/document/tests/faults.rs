//! Every kind of fault, in both formats: where it is, what is said and what is suggested. `»` marks the place.

use super::super::Format;
use super::{json, marked, toml, whole};

/// TOML, JSON (empty where it cannot be so there), part of the message, and the help.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn hold(rows: &[Row]) {
    for (in_toml, in_json, message, help) in rows {
        for (format, snippet) in [(Format::Toml, in_toml), (Format::Json, in_json)] {
            if snippet.is_empty() {
                continue;
            }
            let (text, place) = marked(&whole(format, snippet));
            let read = if format == Format::Toml { toml(&text) } else { json(&text) };
            let Err(faults) = read else { panic!("no fault in {text}") };
            assert_eq!(faults.len(), 1, "{text}\n{faults}");
            assert_eq!(faults[0].place, place, "{text}\n{faults}");
            assert!(faults[0].message.contains(message), "{message}\n{faults}");
            assert_eq!(faults[0].help.as_deref().unwrap_or(""), *help, "{faults}");
        }
    }
}

#[test]
fn of_the_whole() {
    hold(&[
        ("[»user.amy]", r#"»"user": {}"#, "unknown key \"user\" in an access document", "did you mean \"users\"?"),
        (
            "[»zebras]",
            r#"»"zebras": 1"#,
            "unknown key \"zebras\"",
            "known keys are $schema, allow_no_users, resources, roles, users, expect",
        ),
        ("users = »3", r#""users": »3"#, "\"users\" must be a", ""),
        ("»[expect]\nrequest = \"GET /\"", "", "\"expect\" must be a list of tables, not a table", "write [[expect]]"),
        ("", r#""expect": »{}"#, "\"expect\" must be a list of objects, not an object", "put it in brackets: [{…}]"),
        ("expect = »true", r#""expect": »true"#, "not a boolean", ""),
        ("", r#""$schema": »null"#, "\"$schema\" must be a string, not null", ""),
        (
            "",
            r#""allow_no_users": »"yes""#,
            "must be true or false, not a string",
            "write true or false, without quotes",
        ),
        ("", r#""allow_no_users": »1"#, "\"allow_no_users\" must be true or false, not a number", ""),
        ("", r#""users": {}, »"users": {}"#, "duplicate key \"users\", first at 3:1", ""),
    ]);
}

#[test]
fn of_resources() {
    hold(&[
        (
            "[[resources]]\nname=\"A\"\npaths=[\"/a\"]\n»premissions={GET=\"a.b\"}\npermissions={GET=\"a.b\"}",
            r#"{"name": "A", "paths": ["/a"], »"premissions": {}, "permissions": {"GET": "a.b"}}"#,
            "unknown key \"premissions\" in a resource",
            "did you mean \"permissions\"?",
        ),
        (
            "»[[resources]]\npaths=[\"/a\"]\npermissions={GET=\"a.b\"}",
            r#"»{"paths": ["/a"], "permissions": {"GET": "a.b"}}"#,
            "a resource has no \"name\"",
            "",
        ),
        (
            "»[[resources]]\nname=\"A\"\npermissions={GET=\"a.b\"}",
            r#"»{"name": "A", "permissions": {"GET": "a.b"}}"#,
            "a resource has no \"paths\"",
            "",
        ),
        (
            "»[[resources]]\nname=\"A\"\npaths=[\"/a\"]",
            r#"»{"name": "A", "paths": ["/a"]}"#,
            "a resource has no \"permissions\"",
            "",
        ),
        (
            "[[resources]]\nname=\"A\"\npaths=»\"/a\"\npermissions={GET=\"a.b\"}",
            r#"{"name": "A", "paths": »"/a", "permissions": {"GET": "a.b"}}"#,
            "\"paths\" must be a list of strings, not a string",
            "put it in brackets: [\"…\"]",
        ),
        (
            "[[resources]]\nname=\"A\"\npaths=»[]\npermissions={GET=\"a.b\"}",
            r#"{"name": "A", "paths": »[], "permissions": {"GET": "a.b"}}"#,
            "\"paths\" is empty",
            "",
        ),
    ]);
}

#[test]
fn of_names_and_formats() {
    hold(&[
        (
            "[[resources]]\nname=»\"Products\"\npaths=[\"/a\"]\npermissions={GET=\"a.b\"}",
            "",
            "resource \"Products\" is there already, at 3:8",
            "",
        ),
        (
            "[[resources]]\nname=»\" A\"\npaths=[\"/a\"]\npermissions={GET=\"a.b\"}",
            r#"{"name": »" A", "paths": ["/a"], "permissions": {"GET": "a.b"}}"#,
            "a resource's name begins or ends with a space",
            "",
        ),
        (
            "[[resources]]\nname=»\"\"\npaths=[\"/a\"]\npermissions={GET=\"a.b\"}",
            r#"{"name": »"", "paths": ["/a"], "permissions": {"GET": "a.b"}}"#,
            "a resource's name is empty",
            "",
        ),
        (
            "[[resources]]\nname=\"A\"\npaths=[\"/a\"]\nformats=[»\".JSON\"]\npermissions={GET=\"a.b\"}",
            r#"{"name": "A", "paths": ["/a"], "formats": [»".JSON"], "permissions": {"GET": "a.b"}}"#,
            "format \".JSON\": a format is letters",
            "did you mean \"json\"?",
        ),
        (
            "[[resources]]\nname=\"A\"\npaths=[\"/a\"]\nformats=[\"x\", »\"x\"]\npermissions={GET=\"a.b\"}",
            r#"{"name": "A", "paths": ["/a"], "formats": ["x", »"x"], "permissions": {"GET": "a.b"}}"#,
            "\"x\" is listed twice, first at",
            "",
        ),
    ]);
}

#[test]
fn of_paths() {
    let paths = |paths: &str, message, help| {
        let in_toml = format!("[[resources]]\nname=\"A\"\npaths={paths}\npermissions={{GET=\"a.b\"}}");
        let in_json = format!("{{\"name\": \"A\", \"paths\": {paths}, \"permissions\": {{\"GET\": \"a.b\"}}}}");
        let row: Row = (in_toml.leak(), in_json.leak(), message, help);
        hold(&[row]);
    };
    paths("[»\"a\"]", "path \"a\": a path pattern begins with \"/\"", "did you mean \"/a\"?");
    paths("[»\"/a/\"]", "no slash at its end", "did you mean \"/a\"?");
    paths("[»\"/a/*\"]", "\"*\" is not a wildcard", "");
    paths("[»\"/a/../b\"]", "this would never match", "");
    paths("[»\"/{}\"]", "stands for a whole segment", "");
    paths("[»\"/é\"]", "'é' is in no canonical path", "");
    paths("[\"/a\", »3]", "each of \"paths\" must be a string, not a number", "");
    paths(
        "[»\"/products\"]",
        "path \"/products\" is also a path of resource \"Products\", at ",
        "remove one of the two",
    );
    paths(
        "[\"/a/{x}\", »\"/a/{y}\"]",
        "path \"/a/{y}\" covers what \"/a/{x}\" covers, a path of the same resource, at ",
        "the more specific path wins, and neither of these is: remove one",
    );
    hold(&[(
        "[[resources]]\nname=\"B\"\npaths=[\"/b.json\"]\npermissions={GET=\"a.b\"}\n[[resources]]\nname=\"A\"\n\
         paths=[»\"/b\"]\nformats=[\"json\"]\npermissions={GET=\"a.b\"}",
        r#"{"name": "B", "paths": ["/b.json"], "permissions": {"GET": "a.b"}},
           {"name": "A", "paths": [»"/b"], "formats": ["json"], "permissions": {"GET": "a.b"}}"#,
        "path \"/b\" may also be spelt \"/b.json\", which is a path of resource \"B\", at ",
        "remove the format \"json\", or that path",
    )]);
}

#[test]
fn of_requirements() {
    let rules = |in_toml: &str, in_json: &str, message, help| {
        let in_toml = format!("[[resources]]\nname=\"A\"\npaths=[\"/a\"]\npermissions={in_toml}");
        let in_json = format!("{{\"name\": \"A\", \"paths\": [\"/a\"], \"permissions\": {in_json}}}");
        hold(&[(in_toml.leak(), in_json.leak(), message, help)]);
    };
    rules("»{}", "»{}", "\"permissions\" is empty", "");
    rules("»[\"a.b\"]", "»[\"a.b\"]", "\"permissions\" of a resource must be a", "");
    rules("{GET=»1}", "{\"GET\": »1}", "what a method needs must be a permission or a list", "");
    rules("{GET=»[]}", "{\"GET\": »[]}", "an empty list requires nothing", "");
    rules("{»get=\"a.b\"}", "{»\"get\": \"a.b\"}", "unknown method \"get\"", "did you mean \"GET\"?");
    rules("{»PACTH=\"a.b\"}", "{»\"PACTH\": \"a.b\"}", "unknown method \"PACTH\"", "did you mean \"PATCH\"?");
    rules(
        "{»PURGE=\"a.b\"}",
        "{»\"PURGE\": \"a.b\"}",
        "unknown method \"PURGE\"",
        "methods are GET, POST, PUT, PATCH, DELETE, OPTIONS",
    );
    rules("{»HEAD=\"a.b\"}", "{»\"HEAD\": \"a.b\"}", "HEAD follows GET: remove it", "");
    rules("{»TRACE=\"a.b\"}", "{»\"TRACE\": \"a.b\"}", "TRACE is never forwarded", "");
    rules("{GET=»\"a.*\"}", "{\"GET\": »\"a.*\"}", "a wildcard may be granted, never required", "");
    rules("{GET=[\"a.b\", »\"*\"]}", "{\"GET\": [\"a.b\", »\"*\"]}", "never required", "");
    rules("{GET=»\"view\"}", "{\"GET\": »\"view\"}", "permission \"view\": a permission is words", "");
    rules("{GET=»\"A.View\"}", "{\"GET\": »\"A.View\"}", "a permission is words", "did you mean \"a.view\"?");
    rules("{GET=[»\"public\"]}", "{\"GET\": [»\"public\"]}", "\"public\" stands alone, not in a list", "");
    rules("{GET=[\"a.b\", »\"authenticated\"]}", "{\"GET\": [\"a.b\", »\"authenticated\"]}", "stands alone", "");
    rules("{GET=[\"a.b\", »\"a.b\"]}", "{\"GET\": [\"a.b\", »\"a.b\"]}", "\"a.b\" is listed twice", "");
    rules("{GET=\"a.b\", »GET=\"a.b\"}", "{\"GET\": \"a.b\", »\"GET\": \"a.b\"}", "duplicate key \"GET\"", "");
}

#[test]
fn of_roles_and_grants() {
    let near = "did you mean \"products.view\"?";
    hold(&[
        ("[roles]\nr = »1", r#""roles": {"r": »1}"#, "\"r\" must be a list of strings, not a number", ""),
        ("[roles]\n»\"\" = []", r#""roles": {»"": []}"#, "a role's name is empty", ""),
        (
            "[roles]\nr = [»\"prodcts.view\"]",
            r#""roles": {"r": [»"prodcts.view"]}"#,
            "nothing requires the permission \"prodcts.view\"",
            near,
        ),
        (
            "[users.amy]\npermissions = [»\"product.*\"]",
            r#""users": {"amy": {"permissions": [»"product.*"]}}"#,
            "nothing requires a permission that \"product.*\" covers",
            "did you mean \"products.*\"?",
        ),
        (
            "[users.amy]\npermissions = [\"panel.audit.view\", »\"panel.users.veiw\"]",
            r#""users": {"amy": {"permissions": ["panel.audit.view", »"panel.users.veiw"]}}"#,
            "nothing requires",
            "did you mean \"panel.users.view\"?",
        ),
        (
            "[roles]\nr = [»\"public\"]",
            r#""roles": {"r": [»"public"]}"#,
            "\"public\" and \"authenticated\" are reserved words",
            "",
        ),
        ("[roles]\nr = [»\"*.view\"]", r#""roles": {"r": [»"*.view"]}"#, "a wildcard stands alone", ""),
        (
            "[roles]\nr = [»\"Products.view\"]",
            r#""roles": {"r": [»"Products.view"]}"#,
            "permission \"Products.view\": a permission is words",
            near,
        ),
        ("[roles]\nr = [\"*\", »\"*\"]", r#""roles": {"r": ["*", »"*"]}"#, "\"*\" is listed twice", ""),
        (
            "[roles]\nwarehouse = []\n[users.amy]\nroles = [»\"warehuose\"]",
            r#""roles": {"warehouse": []}, "users": {"amy": {"roles": [»"warehuose"]}}"#,
            "unknown role \"warehuose\"",
            "did you mean \"warehouse\"?",
        ),
    ]);
}

#[test]
fn of_users() {
    hold(&[
        ("[users]\namy = »\"x\"", r#""users": {"amy": »"x"}"#, "a user must be a", ""),
        (
            "[users.amy]\n»api_acess = true",
            r#""users": {"amy": {»"api_acess": true}}"#,
            "unknown key \"api_acess\" in a user",
            "did you mean \"api_access\"?",
        ),
        (
            "[users.amy]\napi_access = »\"true\"",
            r#""users": {"amy": {"api_access": »"true"}}"#,
            "must be true or false, not a string",
            "write true or false, without quotes",
        ),
        ("[users.»\"a:b\"]", r#""users": {»"a:b": {}}"#, "a user's name has a ':'", ""),
        ("[users.»\"a\\tb\"]", r#""users": {»"a\tb": {}}"#, "a user's name has a control character", ""),
        ("[users.»\"\"]", r#""users": {»"": {}}"#, "a user's name is empty", ""),
        ("[users.»\"amy \"]", r#""users": {»"amy ": {}}"#, "begins or ends with a space: \"amy \"", ""),
        ("[users.amy]\n[users.»amy]", r#""users": {"amy": {}, »"amy": {}}"#, "duplicate key \"amy\", first at", ""),
        (
            "[users.amy]\naddresses = »[]",
            r#""users": {"amy": {"addresses": »[]}}"#,
            "\"addresses\" is empty: remove it to allow any address",
            "",
        ),
        (
            "[users.amy]\naddresses = [»\"10.1.2.3/8\"]",
            r#""users": {"amy": {"addresses": [»"10.1.2.3/8"]}}"#,
            "address \"10.1.2.3/8\": bits behind the prefix are set",
            "did you mean \"10.0.0.0/8\"?",
        ),
        (
            "[users.amy]\naddresses = [»\"office\"]",
            r#""users": {"amy": {"addresses": [»"office"]}}"#,
            "a network is an address and a prefix length",
            "",
        ),
        (
            "[users.amy]\naddresses = [»\"::ffff:10.0.0.1\"]",
            r#""users": {"amy": {"addresses": [»"::ffff:10.0.0.1"]}}"#,
            "no client ever comes from there",
            "write the IPv4 address: \"10.0.0.1\"",
        ),
    ]);
}

#[test]
fn of_rate_limits() {
    hold(&[
        (
            "[users.amy]\nrate_limit = »\"600/min\"",
            r#""users": {"amy": {"rate_limit": »"600/min"}}"#,
            "rate limit \"600/min\": \"min\" is no unit of time: there are second, minute, hour",
            "did you mean \"600/minute\"?",
        ),
        (
            "[users.amy]\nrate_limit = »\"0/hour\"",
            r#""users": {"amy": {"rate_limit": »"0/hour"}}"#,
            "rate limit \"0/hour\": the number of a rate is from 1 to 1000000",
            "",
        ),
        (
            "[users.amy]\n»rate_limits = \"1/hour\"",
            r#""users": {"amy": {»"rate_limits": "1/hour"}}"#,
            "unknown key \"rate_limits\" in a user",
            "did you mean \"rate_limit\"?",
        ),
    ]);
}

const USERS_TOML: &str =
    "[users.amy]\napi_access = true\npermissions = [\"products.view\"]\n[users.off]\npermissions = [\"*\"]\n";
const USERS_JSON: &str =
    r#""users": {"amy": {"api_access": true, "permissions": ["products.view"]}, "off": {"permissions": ["*"]}}"#;

fn expect(in_toml: &str, in_json: &str, message: &'static str, help: &'static str) {
    let in_toml = format!("{USERS_TOML}{in_toml}");
    let in_json = format!("{USERS_JSON}, \"expect\": [{in_json}]");
    hold(&[(in_toml.leak(), in_json.leak(), message, help)]);
}

/// An expectation of these three values.
fn both(user: &str, request: &str, decision: &str, message: &'static str, help: &'static str) {
    let in_toml = format!("[[expect]]\nuser = {user}\nrequest = {request}\ndecision = {decision}");
    let in_json = format!("{{\"user\": {user}, \"request\": {request}, \"decision\": {decision}}}");
    expect(&in_toml, &in_json, message, help);
}

#[test]
fn of_expectations() {
    expect("»[[expect]]\ndecision=\"deny\"", "»{\"decision\": \"deny\"}", "an expectation has no \"request\"", "");
    both("»\"amyy\"", "\"GET /\"", "\"deny\"", "unknown user \"amyy\"", "did you mean \"amy\"?");
    both("»1", "\"GET /\"", "\"deny\"", "\"user\" must be a string", "");
    let form = "write a method and a path: \"GET /api/v2/products\"";
    both("\"amy\"", "»\"/products\"", "\"deny\"", "\"/products\" is no request", form);
    both("\"amy\"", "»\"GET /a/../b\"", "\"deny\"", "would be answered 400: the path has a dot segment", "");
    both("\"amy\"", "\"GET /\"", "»\"denied\"", "\"denied\" is no decision", "write \"allow\" or \"deny\"");
}

#[test]
fn of_expectations_that_do_not_hold() {
    let rule = "decided by resource \"Products\", path \"/products\"";
    both(
        "\"amy\"",
        "\"PUT /products\"",
        "»\"allow\"",
        "expected \"allow\", but user \"amy\" may not \"PUT /products\": the permission products.edit is missing",
        format!("{rule}: PUT needs products.edit").leak(),
    );
    both(
        "\"amy\"",
        "\"HEAD /products\"",
        "»\"deny\"",
        "expected \"deny\", but user \"amy\" may \"HEAD /products\"",
        format!("{rule}: HEAD needs products.view, products.view is granted as products.view").leak(),
    );
    both(
        "\"amy\"",
        "\"DELETE /products\"",
        "»\"allow\"",
        "the resource does not list this method",
        format!("{rule}, which does not list DELETE").leak(),
    );
    both(
        "\"amy\"",
        "\"GET /other\"",
        "»\"allow\"",
        "no resource covers this path",
        "decided by the default: what no resource covers is denied",
    );
    both(
        "\"off\"",
        "\"DELETE /products\"",
        "»\"allow\"",
        "the resource does not list this method",
        format!("{rule}, which does not list DELETE").leak(),
    );
    expect(
        "[[expect]]\nrequest=\"GET /products\"\ndecision=»\"allow\"",
        "{\"request\": \"GET /products\", \"decision\": »\"allow\"}",
        "but a request without credentials may not \"GET /products\": credentials are required",
        format!("{rule}: GET needs products.view").leak(),
    );
}
