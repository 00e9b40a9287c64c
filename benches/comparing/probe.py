"""Single requests, to check that a contestant answers rightly before it is measured."""

import http.client
import socket
import ssl
import time

from .process import Failure, run
from .world import DOWNLOAD, ECHO, MEBIBYTE, PRODUCT, SEEN, SMALL, UPLOAD, User


def context(world):
    made = ssl.create_default_context(cafile=str(world.ca))
    made.set_alpn_protocols(["http/1.1"])
    return made


def ask(contestant, method, path, authorization, body=None):
    """One request over a connection of its own: the status, the headers in lower case, the body."""
    connection = http.client.HTTPSConnection("localhost", contestant.port, timeout=10,
                                             context=context(contestant.world))
    try:
        connection.request(method, path, body=body, headers={"Authorization": authorization})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()


def wait_until_right(contestant, seconds):
    """Waits for the first right answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            check(contestant, "small")
            return
        except (OSError, http.client.HTTPException, Failure):
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def check(contestant, kind):
    """Whether an answer of a kind is the right one, with its body and its request id; Failure if it is not."""
    user = User(0)
    right, wrong = user.authorization(), user.wrong()
    method, path, authorization, body, status, wanted = {
        "small": ("GET", SMALL, right, None, 200, PRODUCT.encode()),
        "small h2": ("GET", SMALL, right, None, 200, PRODUCT.encode()),
        "download": ("GET", DOWNLOAD, right, None, 200, None),
        "upload": ("POST", UPLOAD, right, bytes(MEBIBYTE), 204, b""),
        "wrong token": ("GET", SMALL, wrong, None, 401, None),
        "forbidden": ("DELETE", SMALL, right, None, 403, None),
    }[kind]
    if kind == "small h2":
        return check_h2(contestant, right, wanted)
    got = ask(contestant, method, path, authorization, body)
    if kind == "download":
        wanted = (contestant.world.files / DOWNLOAD.lstrip("/")).read_bytes()
    if got[0] != status or (wanted is not None and got[2] != wanted) or "x-request-id" not in got[1]:
        raise Failure(f"{contestant.name} answers {method} {path} with {got[0]}, {got[1]}, {got[2][:200]!r}, "
                      f"where {status} is right")


def check_h2(contestant, authorization, wanted):
    got = run(["nghttp", "--no-verify-peer", f"--header=authorization: {authorization}",
               f"https://127.0.0.1:{contestant.port}{SMALL}"])
    if got.encode() != wanted:
        raise Failure(f"{contestant.name} answers GET {SMALL} over HTTP/2 with {got[:200]!r}")


def check_headers(contestant):
    """Whether the upstream gets what it should, and the credentials do not reach it."""
    user = User(0)
    status, headers, body = ask(contestant, "GET", ECHO, user.authorization())
    seen = dict(part.split("=", 1) for part in body.decode().split(" "))
    host = f"localhost:{contestant.port}"
    wanted = {"host": host, "authorization": "", "x_remote_user": user.name, "x_forwarded_for": "127.0.0.1",
              "x_forwarded_proto": "https", "x_forwarded_host": host, "x_request_id": headers.get("x-request-id")}
    if status != 200 or seen != wanted or set(seen) != set(SEEN):
        raise Failure(f"{contestant.name} makes the upstream see {seen}, where {wanted} is right")


def tls(contestant):
    """What version and cipher an OpenSSL client agrees on."""
    with socket.create_connection(("127.0.0.1", contestant.port)) as plain:
        with context(contestant.world).wrap_socket(plain, server_hostname="localhost") as secure:
            name, version, _ = secure.cipher()
            return f"{version} {name}"
