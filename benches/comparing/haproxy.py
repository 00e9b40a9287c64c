"""HAProxy as a contestant."""

import hashlib

from .contestant import Contestant, executable, line_writer
from .process import run
from .world import RIGHTS


class HAProxy(Contestant):
    """The hash of the whole Authorization header is looked up in a map of users.

    HAProxy has lists of users with hashed passwords, but only with hashes of crypt(3), which are slow on purpose. One
    SHA-256 and one look-up is the cheapest way that keeps no token in clear, and so the fairest to it.
    """

    title = "HAProxy"

    def __init__(self, world, program=None, name=title):
        super().__init__(world)
        self.program = program or [executable("haproxy")]
        self.name = name

    def version(self):
        return " ".join(run([*self.program, "-v"]).split()[:3]).replace(" version", "")

    def log_file(self):
        # It logs to a descriptor; this one is a file.
        return self.directory / "log" / "access.log"

    def configure(self):
        with line_writer(self.directory / "users.map") as out:
            for user in self.size.all_users():
                digest = hashlib.sha256(user.authorization().encode()).hexdigest().upper()
                out.write(f"{digest} buyer:{user.name}\n")
        rights = RIGHTS + [("GET", name) for name in self.size.extra_resources()]
        with line_writer(self.directory / "rights.map") as out:
            out.writelines(f"buyer:{method}:/api/v2/{name}/ 1\n" for method, name in rights)
        configuration = self.directory / "haproxy.cfg"
        configuration.write_text(self._configuration())
        return [*self.program, "-db", "-f", configuration]

    def _configuration(self):
        world = self.world
        directory = self.directory
        suites = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
        return f"""
global
    nbthread {self.workers}
    maxconn 16000
    # For two descriptors for each connection; idle ones need one.
    no strict-limits
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphersuites {suites}
    ssl-default-bind-curves X25519:P-256:P-384

defaults
    mode http
    log global
    option http-keep-alive
    http-reuse always
    timeout client 75s
    timeout http-keep-alive 75s
    timeout http-request 15s
    timeout connect 5s
    timeout server 60s
    unique-id-format %[uuid()]
    unique-id-header X-Request-Id
    log-format "%t %ID %ci %[var(txn.who),field(2,:)] \\"%HM %HPO\\" %ST %B %Ta %Tr"

frontend gate
    bind 127.0.0.1:{self.port} ssl crt {world.both} alpn h2,http/1.1 backlog 16000
    http-request set-var(txn.who) req.hdr(authorization),sha2(256),hex,map_str({directory}/users.map)
    http-request auth realm "Store API" unless {{ var(txn.who) -m found }}
    http-request set-var-fmt(txn.asked) "%[var(txn.who),field(1,:)]:%[method]:%[path]"
    http-request deny deny_status 403 unless {{ var(txn.asked),map_beg({directory}/rights.map) -m found }}
    http-request del-header Authorization
    http-request set-header X-Remote-User %[var(txn.who),field(2,:)]
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-after-response set-header X-Request-Id %[unique-id]
    default_backend api

backend api
    server api 127.0.0.1:{world.upstream_port}
"""
