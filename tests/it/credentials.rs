//! Credentials that count: their spellings, passwords brought along from elsewhere, and where a user may come from.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::harness::{AMY, Ask, Gateway, Protocol, SECRETS, basic, document, user};

async fn status(gateway: &Gateway, protocol: Protocol, ask: Ask) -> u16 {
    let answer = gateway.ask(protocol, &ask).await;
    if answer.status() == 200 {
        assert_eq!(gateway.upstream.only().head.word(), "/play/sized/1");
        gateway.upstream.forget();
    } else {
        gateway.upstream.assert_nothing_reached().await;
    }
    answer.status()
}

fn ask() -> Ask {
    Ask::get("/play/sized/1")
}

#[tokio::test]
async fn names_and_tokens_may_be_of_any_letters() {
    let plays = "api_access = true\npermissions = [\"play.use\"]";
    let users = [
        ("zoë", "pcl_zoësTokenNobodyMayEverSee"),
        ("шоп 商店", "€-token"),
        ("colon", "to:ken:with:colons:"),
        ("spaced", " token with spaces "),
        ("a@b.example", "token=="),
    ];
    let mut text = document();
    text.extend(users.iter().map(|one| user(*one, plays)));
    let gateway = Gateway::guarding(text);
    for protocol in Protocol::BOTH {
        for one in users {
            let answer = gateway.ask(protocol, &ask().by(one)).await;
            assert_eq!(answer.status(), 200, "{}", one.0);
            assert_eq!(gateway.upstream.only().head.value("x-remote-user").as_deref(), Some(one.0));
            gateway.upstream.forget();
            assert_eq!(gateway.entry(&answer).await["user"], one.0);
            let shorter = one.1.trim_end_matches([':', ' ', '=', 'e', 'n']);
            assert_eq!(status(&gateway, protocol, ask().by((one.0, shorter))).await, 401, "{}", one.0);
        }
    }
}

#[tokio::test]
async fn the_scheme_is_a_word_in_any_case() {
    let gateway = Gateway::usual();
    let good = basic(AMY);
    let encoded = good.trim_start_matches("Basic ");
    for protocol in Protocol::BOTH {
        for scheme in ["Basic", "basic", "BASIC", "bAsIc", "Basic  "] {
            let ask = ask().field("Authorization", format!("{scheme} {encoded}"));
            assert_eq!(status(&gateway, protocol, ask).await, 200, "{scheme:?}");
        }
    }
}

#[tokio::test]
async fn passwords_brought_along_count_like_tokens() {
    let bcrypt = bcrypt::hash("hunter2 and more", 4).unwrap();
    let params = Params::new(64, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let argon2 = argon2.hash_password(b"correct horse").unwrap().to_string();
    let plays = "api_access = true\npermissions = [\"play.use\"]";
    let more = format!(
        "\n[users.bea]\ntokens = [\"{bcrypt}\"]\n{plays}\n\n[users.ann]\ntokens = [\"{argon2}\"]\n{plays}\n\
         \n[users.idle]\ntokens = [\"{}\"]\n",
        bcrypt::hash("asleep", 4).unwrap()
    );
    let gateway = Gateway::guarding(document() + &more);
    for protocol in Protocol::BOTH {
        // Twice: the second is answered from memory, and is the same.
        for _ in 0..2 {
            for (user, expected, reason) in [
                (("bea", "hunter2 and more"), 200, "ok"),
                (("bea", "hunter2 and mor"), 401, "wrong_token"),
                (("bea", ""), 401, "wrong_token"),
                (("bea", "correct horse"), 401, "wrong_token"),
                (("bea", &*bcrypt), 401, "wrong_token"),
                (("ann", "correct horse"), 200, "ok"),
                (("ann", "correct horse "), 401, "wrong_token"),
                (("ann", "hunter2 and more"), 401, "wrong_token"),
                (("idle", "asleep"), 401, "no_api_access"),
                (("idle", "awake"), 401, "wrong_token"),
                (("nobody", "correct horse"), 401, "unknown_user"),
                (AMY, 200, "ok"),
            ] {
                let answer = gateway.ask(protocol, &ask().by(user)).await;
                assert_eq!(answer.status(), expected, "{}", user.0);
                assert_eq!(gateway.entry(&answer).await["reason"], reason, "{}", user.0);
                if expected == 200 {
                    gateway.upstream.only();
                    gateway.upstream.forget();
                } else {
                    gateway.upstream.assert_nothing_reached().await;
                }
            }
        }
    }
    let log = gateway.audit_text();
    for secret in ["hunter2", "correct horse", "asleep", &bcrypt, &argon2] {
        assert!(!log.contains(secret), "{secret} stands in the audit");
    }
}

#[tokio::test]
async fn a_user_comes_from_their_own_networks() {
    let gateway = Gateway::usual();
    let [_, _, _, _, far, near, ..] = SECRETS;
    for protocol in Protocol::BOTH {
        assert_eq!(status(&gateway, protocol, ask().by(("near", near))).await, 200);
        for claim in ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip"] {
            let ask = ask().by(("far", far)).field(claim, "10.1.2.3");
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 403, "{claim}");
            let entry = gateway.entry(&answer).await;
            assert_eq!((&entry["reason"], &entry["address"]), (&"address".into(), &"127.0.0.1".into()));
            gateway.upstream.assert_nothing_reached().await;
        }
        // From the wrong place with the wrong token, one is nobody.
        assert_eq!(status(&gateway, protocol, ask().by(("far", near))).await, 401);
    }
}
