"""nginx as a contestant."""

import base64
import hashlib

from .contestant import Contestant, executable, line_writer
from .process import run
from .world import RIGHTS, temporary_paths


class Nginx(Contestant):
    """auth_basic with the cheapest of its hashes, and two hashed maps for who may do what.

    The rule stands in the rewrite phase, before the token is looked at: nginx has no cheaper place for it. A user that
    no map knows passes it and is then refused with 401. So nginx hashes no token where it answers 403.
    """

    title = "nginx"
    # It reads the file of users line by line at each request.
    most_users = 1000

    def __init__(self, world, program=None, name=title):
        super().__init__(world)
        self.program = program or [executable("nginx")]
        self.name = name

    def version(self):
        # nginx tells it on standard error.
        text = run([*self.program, "-v"], both=True)
        return text.strip().split(": ")[-1].split(" (")[0].replace("/", " ")

    def number(self):
        return tuple(map(int, self.version().split()[1].split(".")))

    def configure(self):
        with line_writer(self.directory / "users") as out:
            for user in self.size.all_users():
                digest = base64.b64encode(hashlib.sha1(user.token.encode()).digest()).decode()
                out.write(f"{user.name}:{{SHA}}{digest}\n")
        with line_writer(self.directory / "roles") as out:
            out.writelines(f"{user.name} buyer;\n" for user in self.size.all_users())
        rights = RIGHTS + [("GET", name) for name in self.size.extra_resources()]
        with line_writer(self.directory / "rights") as out:
            out.writelines(f'"buyer {method} /api/v2/{name}/" 0;\n' for method, name in rights)
        configuration = self.directory / "nginx.conf"
        configuration.write_text(self._configuration())
        return [*self.program, "-e", "stderr", "-p", self.directory, "-c", configuration]

    def _configuration(self):
        world = self.world
        table = max(self.size.users, self.size.resources) * 4 + 2048
        # Newer ones want HTTP/2 said in a line of its own.
        old = self.number() < (1, 25, 1)
        listening = ("http2" if old else "") + (" reuseport" if self.workers > 1 else "")
        return f"""
daemon off; worker_processes {self.workers}; pid {self.directory}/nginx.pid; error_log stderr crit;
worker_rlimit_nofile 20000; pcre_jit on;
events {{ worker_connections 16000; {"" if self.workers > 1 else "accept_mutex off;"} }}
http {{
  {temporary_paths(self.directory / 'temp')}
  log_format audit '$time_iso8601 $request_id $remote_addr $remote_user "$request" $status $body_bytes_sent '
    '$request_time $upstream_response_time';
  access_log {self.directory}/log/access.log audit buffer=64k flush=1s;
  keepalive_requests 1000000000; keepalive_timeout 75; tcp_nodelay on;
  map_hash_max_size {table}; map_hash_bucket_size 128; variables_hash_max_size 2048;
  map $uri $resource {{ "~^(?<first>/api/v2/[^/]+/)" $first; default ""; }}
  map $remote_user $role {{ include {self.directory}/roles; default ""; }}
  # 1 is forbidden. Whoever has no role is no user and is asked for credentials.
  map "$role $request_method $resource" $forbidden {{ include {self.directory}/rights; "~^ " 0; default 1; }}
  upstream api {{ server 127.0.0.1:{world.upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{self.port} ssl {listening} backlog=16000;
    {"" if old else "http2 on;"}
    server_name localhost;
    ssl_certificate {world.certificate}; ssl_certificate_key {world.key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; ssl_ecdh_curve X25519:P-256:P-384;
    ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256;
    ssl_session_tickets on; ssl_session_timeout 6h;
    client_max_body_size 0; client_body_buffer_size 256k;
    auth_basic "Store API"; auth_basic_user_file {self.directory}/users;
    add_header X-Request-Id $request_id always;
    if ($forbidden) {{ return 403; }}
    location / {{
      proxy_pass http://api; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_buffer_size 16k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header Authorization "";
      proxy_set_header X-Remote-User $remote_user; proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""
