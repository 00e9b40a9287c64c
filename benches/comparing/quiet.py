"""What other programs take of the machine, and waiting until they take little."""

import os
import resource
import time
from pathlib import Path

# From this part of the machine on, others change what is measured: they take caches, and cores away in mid-request.
DISTURBED = 0.05
SAMPLE_SECONDS = 0.25
# A machine that is never quiet is measured all the same, once this has been waited for in the whole run.
WHOLE_PATIENCE_SECONDS = 600


class Patience:
    """Waits for a quiet machine as long as there is patience left."""

    def __init__(self, seconds):
        self.left = seconds

    def wait_for_quiet(self):
        while self.left > 0:
            others = Others()
            time.sleep(SAMPLE_SECONDS)
            if others.share() <= DISTURBED:
                return
            self.left -= SAMPLE_SECONDS


PATIENCE = Patience(WHOLE_PATIENCE_SECONDS)


class Others:
    """What part of the machine other programs take from now on, while a contestant is measured or none is."""

    def __init__(self, contestant=None):
        self.children = [contestant.child, contestant.world.upstream] if contestant else []
        self.began = time.monotonic()
        self.before = self._taken()

    def _taken(self):
        """Seconds that the cores were not idle, less those of the proxy, the upstream, the clients and this program."""
        clients = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = sum(child.cpu() for child in self.children) / 1e9
        return machine_busy() - own - clients.ru_utime - clients.ru_stime - time.process_time()

    def share(self):
        whole = (time.monotonic() - self.began) * os.cpu_count()
        return max(0.0, (self._taken() - self.before) / whole)


def machine_busy():
    """Seconds in which any core was not idle, since the machine started; what a hypervisor took away is among them."""
    user, nice, system, _idle, _wait, interrupts, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
