//! The sample store over a real socket, with a client that writes its requests byte by byte.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A store that serves until it is told to stop.
struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Running {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(super::serve(listener, async move {
            let _ = stopped.await;
        }));
        Self { address, stop, server }
    }

    async fn ask(&self, line: &str, headers: &str, body: &str) -> Answer {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let text = format!("{line} HTTP/1.1\r\nHost: store\r\nConnection: close\r\n{headers}{length}\r\n{body}");
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", "").await
    }

    async fn send(&self, line: &str, body: &Value) -> Answer {
        self.ask(line, "Content-Type: application/json\r\n", &body.to_string()).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json"), "{}", self.head);
        serde_json::from_str(&self.body).unwrap()
    }
}

#[tokio::test]
async fn records_live_from_creation_to_deletion() {
    let store = Running::start().await;
    let created = store.send("POST /api/v2/products", &json!({ "name": "Mug", "price": "8.0000", "id": 1 })).await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_u64().expect("an id");
    assert_eq!(id, 7, "a client does not choose the id");

    let one = format!("/api/v2/products/{id}");
    assert_eq!(store.get(&one).await.json()["name"], "Mug");
    assert_eq!(store.get("/api/v2/products/count").await.json(), json!({ "count": 7 }));

    let edited = store.send(&format!("PUT {one}"), &json!({ "price": "9.0000" })).await;
    assert_eq!((edited.status, &edited.json()["price"]), (200, &json!("9.0000")));
    assert_eq!(store.get(&one).await.json(), json!({ "id": 7, "name": "Mug", "price": "9.0000" }));

    let deleted = store.ask(&format!("DELETE {one}"), "", "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(store.get(&one).await.status, 404);
    assert_eq!(store.ask(&format!("DELETE {one}"), "", "").await.status, 404);
    let next = store.send("POST /api/v2/products", &json!({ "name": "Cup", "price": "7.0000" })).await;
    assert_eq!(next.json()["id"], 8, "an id is not given twice");
}

#[tokio::test]
async fn every_area_is_listed_counted_and_emptied() {
    let store = Running::start().await;
    for (area, count) in [("products", 6), ("orders", 4), ("customers", 3), ("coupons", 3)] {
        let path = format!("/api/v2/{area}");
        let listed = store.get(&path).await;
        assert_eq!((listed.status, listed.json().as_array().unwrap().len()), (200, count), "{area}");
        assert_eq!(store.get(&format!("{path}/count")).await.json(), json!({ "count": count }));
        assert_eq!(store.ask(&format!("DELETE {path}"), "", "").await.status, 204);
        assert_eq!(store.get(&path).await.json(), json!([]), "{area}");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let store = Running::start().await;
    for (query, ids) in [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("?limit=2", vec![1, 2]),
        ("?page=2&limit=4", vec![5, 6]),
        ("?page=9", vec![]),
        ("?sort=name", vec![1, 2, 3, 4, 5, 6]),
    ] {
        let listed = store.get(&format!("/api/v2/products{query}")).await.json();
        let found: Vec<_> = listed.as_array().unwrap().iter().filter_map(|item| item["id"].as_u64()).collect();
        assert_eq!(found, ids, "{query}");
    }
    for query in ["?page=0", "?limit=0", "?limit=251", "?limit=many"] {
        assert_eq!(store.get(&format!("/api/v2/products{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_record_is_refused() {
    let store = Running::start().await;
    for (line, body, message) in [
        ("POST /api/v2/products", r#"{"name":"Mug"}"#, "The field \"price\" is required."),
        ("POST /api/v2/products", r#"{"name":"","price":"1"}"#, "The field \"name\" is required."),
        ("POST /api/v2/customers", r#"{"first_name":"A","last_name":"B"}"#, "The field \"email\" is required."),
        ("PUT /api/v2/products/1", r#"{"name":null}"#, "The field \"name\" is required."),
        ("POST /api/v2/products", "{", "The body is not a JSON object with the record's fields."),
        ("POST /api/v2/products", "[]", "The body is not a JSON object with the record's fields."),
    ] {
        let refused = store.ask(line, "", body).await;
        assert_eq!(refused.json(), json!([{ "status": 400, "message": message }]), "{line} {body}");
        assert_eq!(refused.status, 400, "{line} {body}");
    }
    assert_eq!(store.get("/api/v2/products/count").await.json(), json!({ "count": 6 }));
    assert_ne!(store.get("/api/v2/products/1").await.json()["name"], Value::Null);
}

#[tokio::test]
async fn errors_have_the_stores_form() {
    let store = Running::start().await;
    let body = r#"[{"status":404,"message":"The requested resource was not found."}]"#;
    for path in ["/", "/api/v2", "/api/v2/carts", "/api/v2/products/999", "/api/v2/products/x", "/api/v2//products"] {
        let missing = store.get(path).await;
        assert_eq!((missing.status, missing.body.as_str()), (404, body), "{path}");
    }
    let xml = store.get("/api/v2/products/999.xml").await;
    assert_eq!(xml.status, 404);
    assert!(xml.body.ends_with(
        "<errors><error><status>404</status><message>The requested resource was not found.</message></error></errors>"
    ));
    for (line, allow) in [
        ("PUT /api/v2/products", "get, head, post, delete"),
        ("POST /api/v2/products/1", "get, head, put, delete"),
        ("DELETE /api/v2/products/count", "get, head"),
        ("PATCH /api/v2/time", "get, head"),
    ] {
        let refused = store.ask(line, "", "").await;
        assert_eq!(refused.status, 405, "{line}");
        assert!(refused.head.contains(&format!("allow: {allow}\r\n")), "{line}: {}", refused.head);
    }
}

#[tokio::test]
async fn every_spelling_of_a_path_is_answered() {
    let store = Running::start().await;
    let plain = store.get("/api/v2/orders/100").await.json();
    assert_eq!(plain["id"], 100);
    for path in ["/api/v2/orders/100/", "/api/v2/orders/100.json", "/api/v2/orders/100.json/"] {
        assert_eq!(store.get(path).await.json(), plain, "{path}");
    }
    let by_suffix = store.get("/api/v2/orders/100.xml").await;
    let by_accept = store.ask("GET /api/v2/orders/100", "Accept: application/xml\r\n", "").await;
    for answer in [&by_suffix, &by_accept] {
        assert!(answer.head.contains("content-type: application/xml"), "{}", answer.head);
        assert!(answer.body.contains("<order>") && answer.body.contains("<id>100</id>"), "{}", answer.body);
    }
    assert_eq!(by_suffix.body, by_accept.body);
    assert!(store.get("/api/v2/customers.xml").await.body.contains("<last_name>O&apos;Brien</last_name>"));
}

#[tokio::test]
async fn time_and_store_are_told() {
    let store = Running::start().await;
    let time = store.get("/api/v2/time").await.json()["time"].as_u64().expect("seconds");
    assert!(time > 1_700_000_000, "{time}");
    assert_eq!(store.get("/api/v2/store").await.json()["domain"], "store.example");
    assert!(store.get("/api/v2/time.xml").await.body.contains("<time><time>"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let store = Running::start().await;
    let length = store.get("/api/v2/products").await.body.len();
    let head = store.ask("HEAD /api/v2/products", "", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.head.contains(&format!("content-length: {length}")), "{}", head.head);
}

#[tokio::test]
async fn a_body_has_a_largest_size() {
    let store = Running::start().await;
    // One byte too many, so that nothing is left unread when the answer comes.
    let (start, end) = (r#"{"price":"1","name":""#, r#""}"#);
    let name = "x".repeat(super::BODY_LIMIT - start.len() - end.len());
    let line = "POST /api/v2/products";
    assert_eq!(store.ask(line, "", &format!("{start}{name}x{end}")).await.status, 413);
    assert_eq!(store.get("/api/v2/products/count").await.json(), json!({ "count": 6 }));
    assert_eq!(store.ask(line, "", &format!("{start}{name}{end}")).await.status, 201);
}

#[tokio::test]
async fn it_ends_when_told_to() {
    let store = Running::start().await;
    assert_eq!(store.get("/api/v2/time").await.status, 200);
    store.stop.send(()).unwrap();
    store.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(store.address).await.is_err());
}
