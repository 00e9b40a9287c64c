"""The clients: each loads a contestant for some seconds and tells what came back."""

import re
from dataclasses import dataclass

from .process import Failure, run
from .world import DOWNLOAD, MEBIBYTE, SMALL, UPLOAD, User

ACCEPT = "Accept: application/json"
# All requests are written before the load begins, so that the client does little for each. Each has a number, or those of
# one user would be one text in its memory, and the client would have less to do where there are few users.
TURNS = """
local requests, next = {}, 0
init = function()
  for value in io.lines("FILE") do
    requests[#requests + 1] = wrk.format("GET", nil, {
      ["Authorization"] = value, ["Accept"] = "application/json", ["X-Turn"] = string.format("%05d", #requests),
    })
  end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
"""


@dataclass
class Load:
    """What a client saw: requests that were answered rightly, for how long, and how soon (in microseconds)."""

    requests: int
    seconds: float
    p50: float
    p99: float


@dataclass
class Wrk:
    """wrk: HTTP/1.1, kept alive, one thread."""

    connections: int
    path: str = SMALL
    method: str = "GET"
    right: bool = True
    # The status of all answers. wrk itself counts only those that are neither 2xx nor 3xx.
    status: int = 200
    # Whether many users take turns.
    turns: bool = False
    body: int = 0

    def __call__(self, contestant, seconds):
        user = User(0)
        authorization = user.authorization() if self.right else user.wrong()
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency", "--timeout", "20s",
                   "-H", f"Authorization: {authorization}", "-H", ACCEPT]
        script = self._script(contestant)
        if script:
            path = contestant.directory / "wrk.lua"
            path.write_text(script)
            command += ["-s", path]
        text = run([*command, f"https://localhost:{contestant.port}{self.path}"])
        return self._read(contestant, text)

    def _script(self, contestant):
        lines = []
        if self.method != "GET":
            lines.append(f'wrk.method = "{self.method}"')
        if self.body:
            lines.append(f'wrk.body = string.rep("x", {self.body})')
        if self.turns:
            values = contestant.directory / "authorizations"
            values.write_text("".join(f"{user.authorization()}\n" for user in contestant.size.some_users()))
            lines.append(TURNS.replace("FILE", str(values)))
        return "\n".join(lines)

    def _read(self, contestant, text):
        found = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
        if not found:
            raise Failure(f"wrk tells nothing of {contestant.name}:\n{text}")
        requests, seconds = int(found[1]), float(found[2]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found[3]]
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        refused = int(refused[1]) if refused else 0
        wanted = requests if self.status >= 400 else 0
        errors = re.search(r"Socket errors: .*", text)
        if refused != wanted or errors or requests == 0:
            raise Failure(f"{contestant.name}: of {requests} answers {refused} are neither 2xx nor 3xx, "
                          f"where {wanted} should be. {errors[0] if errors else ''}")
        return Load(requests, seconds, latency(text, "50%"), latency(text, "99%"))


def latency(text, part):
    found = re.search(rf"^\s+{part}\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    if not found:
        raise Failure(f"wrk tells no latencies:\n{text}")
    value, unit = found.groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[unit]


@dataclass
class H2load:
    """h2load: HTTP/2, one thread, streams on each connection at once."""

    connections: int
    streams: int

    def __call__(self, contestant, seconds):
        log = contestant.directory / "log" / "h2load.log"
        log.unlink(missing_ok=True)
        text = run(["h2load", "-t1", f"-c{self.connections}", f"-m{self.streams}", f"-D{seconds}",
                    f"--log-file={log}", "-H", f"authorization: {User(0).authorization()}",
                    "-H", ACCEPT.lower(), f"https://localhost:{contestant.port}{SMALL}"])
        # Start, status and microseconds of each request: h2load itself tells no percentiles.
        times, wrong = [], 0
        with open(log, encoding="ascii") as lines:
            for line in lines:
                _, status, took = line.split("\t")
                times.append(int(took))
                wrong += status != "200"
        found = re.search(r"finished in ([\d.]+)(ms|s), ", text)
        failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", text)
        if wrong or not times or not found or any(map(int, failed.groups())):
            raise Failure(f"{contestant.name}: {wrong} of {len(times)} answers are not 200\n{text}")
        times.sort()
        seconds = float(found[1]) * (1e-3 if found[2] == "ms" else 1)
        return Load(len(times), seconds, times[len(times) // 2], times[len(times) * 99 // 100])


@dataclass
class Handshakes:
    """A new connection for each request, by the helper."""

    helper: object
    resume: bool

    def __call__(self, contestant, seconds):
        told = helper(self.helper, contestant, "handshakes", f"--seconds={seconds}",
                      *(["--resume"] if self.resume else []))
        requests, resumed = int(told["requests"]), int(told["resumed"])
        # The first connection of each of the four lanes has nothing to resume.
        right = resumed >= requests - 4 if self.resume else resumed == 0
        if int(told["failures"]) or not right or not requests:
            raise Failure(f"{contestant.name}: {told}")
        contestant.agreed = told["agreed"]
        return Load(requests, float(told["seconds"]), float(told["p50_us"]), float(told["p99_us"]))


def helper(program, contestant, *words):
    text = run(helper_command(program, contestant, *words))
    return read_pairs(text.splitlines()[-1])


def helper_command(program, contestant, *words):
    return [program, *words, f"--port={contestant.port}", f"--ca={contestant.world.ca}",
            f"--auth={User(0).authorization()}", f"--path={SMALL}"]


def read_pairs(line):
    return dict(pair.split("=", 1) for pair in line.split())


def download():
    return Wrk(16, path=DOWNLOAD)


def upload():
    return Wrk(16, path=UPLOAD, method="POST", body=MEBIBYTE)
