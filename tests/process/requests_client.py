"""Python's requests against a gateway: HOST MANAGER TOKEN VIEWER TOKEN, with REQUESTS_CA_BUNDLE set."""

import sys

import requests

host, manager, manager_token, viewer, viewer_token = sys.argv[1:]
products = f"https://{host}/api/v2/products"


def expect(response, status):
    assert response.status_code == status, (response.request.method, response.url, response.status_code, response.text)
    assert response.headers["X-Request-Id"]
    return response


with requests.Session() as session:
    session.auth = (manager, manager_token)
    before = expect(session.get(products), 200).json()
    assert before[0]["name"]
    created = expect(session.post(products, json={"name": "Mug", "price": "9.00"}), 201).json()
    mug = f"{products}/{created['id']}"
    assert expect(session.get(mug), 200).json()["name"] == "Mug"
    assert expect(session.put(mug, json={"price": "8.00"}), 200).json()["price"] == "8.00"
    assert expect(session.head(mug), 200).content == b""
    assert expect(session.get(mug + ".xml"), 200).text.startswith("<?xml")
    # A body whose length is not known beforehand goes out in chunks.
    expect(session.put(mug, data=iter([b'{"name": ', b'"Cup"}'])), 200)
    assert expect(session.get(mug + "/"), 200).json()["name"] == "Cup"
    expect(session.delete(mug), 204)
    expect(session.get(mug), 404)
    count = expect(session.get(products + "/count"), 200).json()["count"]
    assert count == len(before)

    # What is refused does not reach the store, and the connection serves on.
    session.auth = (viewer, viewer_token)
    denied = expect(session.delete(f"{products}/1"), 403)
    assert "products.delete" in denied.json()[0]["message"]
    expect(session.post(products, json={"name": "Mug", "price": "9.00"}), 403)
    expect(session.get(f"https://{host}/api/v2/orders"), 403)
    expect(session.get(f"https://{host}/api/v1/products"), 403)
    session.auth = (viewer, viewer_token + "x")
    challenge = expect(session.get(products), 401).headers["WWW-Authenticate"]
    assert challenge.startswith('Basic realm="'), challenge
    session.auth = None
    assert expect(session.get(products), 401).headers["WWW-Authenticate"] == challenge
    session.auth = (viewer, viewer_token)
    assert expect(session.get(products + "/count"), 200).json()["count"] == count
