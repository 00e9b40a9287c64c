"""The work that is compared under load: what is asked for, of which files, and the target."""

from dataclasses import dataclass, field

from .clients import H2load, Handshakes, Wrk, download, upload
from .world import Size


@dataclass
class Row:
    key: str
    # For the chart.
    short: str
    title: str
    # The kind of answer that is checked before and after each measure, see `probe.check`.
    kind: str
    client: object
    # Portcullis' CPU time for one request divided by that of the best peer must not be more; in row f, divided by that
    # with few users.
    target: float = None
    size: Size = field(default_factory=Size)
    note: str = ""


def load_rows(helper):
    x25519 = "TLS 1.3, X25519: the client offers no other, so that all do the same."
    return [
        Row("a", "small GET, HTTP/1.1", "small GET, HTTP/1.1, 64 connections kept alive",
            "small", Wrk(64), 0.80),
        Row("b", "small GET, HTTP/2", "small GET, HTTP/2, 16 connections with 8 streams",
            "small h2", H2load(16, 8), 1.00),
        Row("c1", "new connection, full handshake", "new connection for each small GET, full handshake",
            "small", Handshakes(helper, False), 0.75, note=x25519),
        Row("c2", "new connection, resumed", "new connection for each small GET, resumed",
            "small", Handshakes(helper, True), 0.75, note=x25519),
        Row("d1", "download of 1 MiB", "download of 1 MiB, HTTP/1.1, 16 connections",
            "download", download(), 0.85),
        Row("d2", "upload of 1 MiB", "upload of 1 MiB, HTTP/1.1, 16 connections",
            "upload", upload(), 0.85),
        Row("e1", "401, wrong token", "401 for a wrong token, HTTP/1.1, 64 connections",
            "wrong token", Wrk(64, right=False, status=401), 0.75,
            note="Portcullis' lock-out is off here: the others have none."),
        Row("e2", "403, not permitted", "403 for a method that is not permitted, HTTP/1.1, 64 connections",
            "forbidden", Wrk(64, method="DELETE", status=403), 0.75,
            note="nginx decides this before it looks at the token, so it hashes none here."),
    ]


def size_rows():
    """Row f: the small GET of row a, by users that take turns by chance."""
    rows = []
    for users, resources in ((10, 10), (1000, 10), (100_000, 10), (1_000_000, 10), (10, 10_000)):
        size = Size(users, resources)
        target = 1.05 if users == 1_000_000 or resources == 10_000 else None
        title = f"small GET as in a, {users:,} users, {resources:,} resources"
        rows.append(Row("f", "", title, "small", Wrk(64, turns=True), target, size))
    return rows
