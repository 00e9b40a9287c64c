"""Portcullis as a contestant."""

import hashlib

from .contestant import Contestant, line_writer
from .process import run

METHODS = {"products": {"GET": "products.view", "POST": "products.create", "DELETE": "products.delete"},
           "files": {"GET": "files.view"}, "uploads": {"POST": "uploads.create"}}


class Portcullis(Contestant):
    name = "Portcullis"

    def __init__(self, world, program):
        super().__init__(world)
        self.program = program

    def version(self):
        return run([self.program, "--version"]).strip().replace("portcullis", "Portcullis")

    def configure(self):
        self.document = self.directory / "policy" / "access.toml"
        self.document.parent.mkdir()
        self.write_document(self.document)
        settings = self.directory / "portcullis.toml"
        settings.write_text(f"""
access = "policy/access.toml"
[listen]
https = ["127.0.0.1:{self.port}"]
workers = {self.workers}
[tls]
certificate = "{self.world.certificate}"
key = "{self.world.key}"
[upstream]
servers = ["http://127.0.0.1:{self.world.upstream_port}"]
max_idle = 256
[limits]
# As for the others: connections are not made anew while it is measured.
connection_requests = 1000000000
[lockout]
# The others have none, and it would answer 429 to what is measured as 401.
enabled = false
[audit]
to = "{self.directory}/log/access.log"
""")
        return [self.program, "serve", "--config", settings]

    def write_document(self, path, changed=None):
        """The access document; `changed` gives some users another token, by name."""
        changed = changed or {}
        with line_writer(path) as out:
            for name, methods in METHODS.items():
                write_resource(out, name, methods)
            extra = self.size.extra_resources()
            for name in extra:
                write_resource(out, name, {"GET": f"{name}.view"})
            granted = ["products.view", "products.create", "files.view", "uploads.create"]
            granted += [f"{name}.view" for name in extra]
            out.write("[roles]\nbuyer = [" + ", ".join(f'"{name}"' for name in granted) + "]\n\n")
            for user in self.size.all_users():
                token = changed.get(user.name, user.token)
                digest = hashlib.sha256(token.encode()).hexdigest()
                out.write(f'[users.{user.name}]\napi_access = true\ntokens = ["sha256:{digest}"]\nroles = ["buyer"]\n')


def write_resource(out, name, methods):
    permissions = ", ".join(f'{method} = "{permission}"' for method, permission in methods.items())
    out.write(f'[[resources]]\nname = "{name}"\npaths = ["/api/v2/{name}/**"]\npermissions = {{ {permissions} }}\n\n')
