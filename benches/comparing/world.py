"""What all contestants share: a directory, a certificate, users, resources, and the upstream."""

import base64
import hashlib
import random
from pathlib import Path

from .process import CLIENT_CORES, Child, Failure, free_ports, run, wait_for_port

PRODUCT = ('{"id":7,"name":"Rubber duck","code":"DUCK-7","price":4.90,"currency":"EUR","stock":112,"category":"Bath",'
           '"updated":"2025-01-01T12:00:00Z"}')
MEBIBYTE = 1 << 20
SMALL = "/api/v2/products/7"
ECHO = "/api/v2/products/echo"
DOWNLOAD = "/api/v2/files/1m.bin"
UPLOAD = "/api/v2/uploads/1"
# What the role "buyer" may do, for peers that are told by method and first segment. DELETE is what it may not.
RIGHTS = [("GET", "products"), ("POST", "products"), ("GET", "files"), ("POST", "uploads")]


class User:
    def __init__(self, number):
        # Of one length, so that who comes later does not cost more by that.
        self.name = f"user{number:07}"
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        self.token = f"pcl_{digest[:43]}"

    def authorization(self, token=None):
        text = f"{self.name}:{token or self.token}"
        return "Basic " + base64.b64encode(text.encode()).decode()

    def wrong(self):
        return self.authorization("pcl_" + "0" * 43)


class Size:
    """How many users and resources there are."""

    def __init__(self, users=10, resources=10):
        self.users = users
        self.resources = resources

    def all_users(self):
        return map(User, range(self.users))

    def extra_resources(self):
        """Names of the resources beside the three that are asked for."""
        return [f"thing{number}" for number in range(self.resources - 3)]

    def some_users(self, count=50_000):
        """Users by chance, the same in each run. As many for each size, for what the client does must not depend on it."""
        return [User(number) for number in random.Random(1).choices(range(self.users), k=count)]

    def __str__(self):
        return f"{self.users}-{self.resources}"


class World:
    """The temporary directory and what stands in it for the whole run."""

    def __init__(self, directory, portcullis):
        self.directory = Path(directory)
        self.directory.chmod(0o755)
        run([portcullis, "cert", "--out", self.directory / "certs", "--host", "localhost"])
        certs = self.directory / "certs"
        self.certificate, self.key = certs / "server.pem", certs / "server.key"
        self.ca = certs / "ca.pem"
        self.both = self.directory / "both.pem"
        self.both.write_text(self.certificate.read_text() + self.key.read_text())
        self.upstream = None
        self.upstream_port = None
        self.logs = self.directory / "logs"
        self.logs.mkdir()

    def start_upstream(self):
        """One nginx worker beside the client. Its log is off: it is not what is measured."""
        files = self.directory / "files" / "api" / "v2" / "files"
        files.mkdir(parents=True)
        (files / "1m.bin").write_bytes(random.Random(2).randbytes(MEBIBYTE))
        self.files = self.directory / "files"
        for _ in range(3):
            self.upstream_port, = free_ports(1)
            configuration = self.directory / "upstream.conf"
            configuration.write_text(self._upstream_configuration())
            self.upstream = Child(["nginx", "-e", "stderr", "-p", self.directory, "-c", configuration],
                                  CLIENT_CORES, self.logs / "upstream.txt")
            if wait_for_port(self.upstream, self.upstream_port, 10):
                return
        raise Failure(f"the upstream does not start:\n{self.upstream.said()}")

    def _upstream_configuration(self):
        """Small answers from memory, a file, and an answer to an upload once it has been read."""
        seen = " ".join(f"{name}=$http_{name}" for name in SEEN)
        return f"""
daemon off; worker_processes 1; pid {self.directory}/upstream.pid; error_log stderr; worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 300;
  client_max_body_size 0; client_body_buffer_size 2m;
  {temporary_paths(self.directory / 'upstream-temp')}
  server {{
    listen 127.0.0.1:{self.upstream_port} backlog=16000;
    default_type application/json;
    location /api/v2/ {{ return 200 '{PRODUCT}'; }}
    location = {ECHO} {{ return 200 '{seen}'; }}
    location /api/v2/files/ {{ root {self.files}; default_type application/octet-stream; }}
    # nginx reads the whole body before it asks a server of its own, so the answer comes when the body has been read.
    location /api/v2/uploads/ {{
      proxy_pass http://unix:{self.directory}/done.sock:; proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }}
  }}
  server {{ listen unix:{self.directory}/done.sock; location / {{ return 204; }} }}
}}
"""


# The headers that the upstream tells back, so that it can be checked that all contestants send the same.
SEEN = ["host", "authorization", "x_remote_user", "x_forwarded_for", "x_forwarded_proto", "x_forwarded_host",
        "x_request_id"]


def temporary_paths(directory):
    """nginx makes these at its start, whether it needs them or not."""
    directory.mkdir(exist_ok=True)
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    return " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)
