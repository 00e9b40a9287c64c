//! Access documents with the users that a test asks for.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use portcullis::policy::TokenHash;

use crate::kept;

/// A user, and the token that only the user is meant to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) token: &'static str,
}

/// Never touched by any save: whatever happens to her requests is an error.
pub(crate) const AMY: User = User { name: "amy", token: "amy's token" };
/// Loses his access.
pub(crate) const BOB: User = User { name: "bob", token: "bob's token" };
/// Comes and goes; her entry in a document is as long as bob's.
pub(crate) const EVE: User = User { name: "eve", token: "eve's token" };

impl User {
    /// The value of the Authorization header.
    pub(crate) fn basic(self) -> String {
        kept::credentials(self.name, self.token);
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.name, self.token)))
    }

    /// A user by that name who has the wrong token.
    pub(crate) fn with_wrong_token(self) -> Self {
        Self { token: "some other token", ..self }
    }
}

/// The resources that every document here has. Nobody may delete products.
pub(crate) const RESOURCES: &str = r#"
[[resources]]
name = "Products"
paths = ["/api/v2/products/**"]
permissions = { GET = "products.view", POST = "products.create", DELETE = "products.delete" }

[[resources]]
name = "Streams"
paths = ["/streams/**"]
permissions = { GET = "streams.use", POST = "streams.use", PUT = "streams.use" }
"#;

/// A document with these users, all of whom may view products and use streams.
pub(crate) fn document(users: &[User]) -> String {
    let mut text = RESOURCES.to_owned();
    for User { name, token } in users {
        kept::credentials(name, token);
        let hash = TokenHash::of(token.as_bytes());
        let permissions = r#"["products.view", "streams.use"]"#;
        write!(text, "\n[users.{name}]\napi_access = true\ntokens = [\"{hash}\"]\npermissions = {permissions}\n")
            .unwrap();
    }
    text
}
