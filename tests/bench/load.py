"""Whether the API stays well under more requests than it can serve: 32 clients, 60 s, nothing but answers and 429.

    python tests/bench/load.py [--call creatives] [--clients 32] [--seconds 60]

Each client has a key of its own and asks, and asks again at once; one that is told to come later waits as long as
`Retry-After` says. Printed are answers by outcome with their times, how evenly the clients were served, and the memory
of the server at both ends.
The command fails where anything came but 200 and 429.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from functions.common.serving.keys import KeyFile, make_key
from tests.bench.coldstart import PRODUCT, ROOT, listening, server

CALLS = ("creatives", "score")
TEXTS = [
    {"field": "primary_text", "text": "Two deep pockets keep your tools at hand. Washed linen."},
    {"field": "headline", "text": "A linen apron with pockets"},
]


@dataclass
class Client:
    """One client, and what it was answered.

    Attributes:
        number: of the client.
        key: by which it is known.
        answers: outcome and seconds of each request.
    """

    number: int
    key: str
    answers: list[tuple[str, float]] = field(default_factory=list)

    def work(self, address: str, call: str, ends: float) -> None:
        """Ask until the time is over."""
        with httpx.Client(base_url=address, headers={"X-API-Key": self.key}, timeout=150, trust_env=False) as client:
            while (asked := time.monotonic()) < ends:
                try:
                    reply = client.post(f"/v1/{call}", json=self._body(call))
                except httpx.HTTPError as error:
                    self.answers.append((type(error).__name__, time.monotonic() - asked))
                    continue
                self.answers.append((str(reply.status_code), time.monotonic() - asked))
                if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    time.sleep(max(0.0, min(float(reply.headers["Retry-After"]), ends - time.monotonic())))

    def _body(self, call: str) -> dict[str, object]:
        product = {**PRODUCT, "product_id": f"{self.number}-{len(self.answers)}"}
        asked: dict[str, object] = {"product": product, "platforms": ["meta_feed"]}
        return asked | ({"texts": TEXTS} if call == "score" else {"n": 1})


def memory(port: int) -> float:
    """Resident memory of the processes that serve a port, in MB."""
    found = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"--port\0{port}\0" in (folder / "cmdline").read_text():
                status = (folder / "status").read_text()
                found += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
        except (OSError, StopIteration):
            continue  # It has just ended, or is the kernel's.
    return found


def share(times: list[float], of: float) -> float:
    """The time within which that share of the answers came."""
    return sorted(times)[min(len(times) - 1, int(of * len(times)))]


def report(clients: list[Client], seconds: float) -> bool:
    """Print what came; whether nothing else did but answers and 429."""
    answers = [answer for client in clients for answer in client.answers]
    counts = Counter(outcome for outcome, _ in answers)
    print(f"{'outcome':16} {'count':>7} {'rate':>9} {'p50':>9} {'p95':>9} {'p99':>9} {'most':>9}")
    for outcome, count in counts.most_common():
        times = [took for kind, took in answers if kind == outcome]
        figures = "".join(f"{share(times, of):8.2f} s" for of in (0.5, 0.95, 0.99, 1.0))
        print(f"{outcome:16} {count:7} {count / seconds:7.2f}/s{figures}")
    served = sorted(sum(outcome == "200" for outcome, _ in client.answers) for client in clients)
    even = sum(served) ** 2 / (len(served) * sum(n * n for n in served)) if any(served) else 0.0
    print(
        f"answers a client: {served[0]} to {served[-1]}, median {served[len(served) // 2]}; fairness {even:.2f} (Jain)"
    )
    return set(counts) <= {"200", "429"}


def press(call: str, count: int, seconds: float) -> bool:
    """The bench of one call."""
    os.environ.update({"THREADS": "40", "ADLOOM_THREADS": str(os.cpu_count() or 1), "ADLOOM_RATE": "1000000/second"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [make_key(f"client-{number}", ["creatives", "score"], 1) for number in range(count + 1)]
        keys = folder / "keys.json"
        keys.write_bytes(msgspec.json.encode(KeyFile(keys=[entry for _, entry in made])))
        source = ROOT / "functions" / "generate" / "main.py"
        with server(source, folder / "log", folder, ADLOOM_API_KEYS=str(keys)) as (_, port):
            listening(port).close()
            address = f"http://127.0.0.1:{port}"
            while httpx.get(f"{address}/readyz", timeout=60, trust_env=False).status_code != httpx.codes.OK:
                time.sleep(0.1)
            warm, *clients = [Client(number, secret) for number, (secret, _) in enumerate(made)]
            warm.work(address, call, time.monotonic() + 3)
            before = memory(port)
            ends = time.monotonic() + seconds
            threads = [threading.Thread(target=client.work, args=(address, call, ends)) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            after = memory(port)
        print(f"{call}: {count} clients, {seconds:.0f} s, {os.cpu_count()} cores")
        good = report(clients, seconds)
        print(f"memory of the server: {before:.0f} MB, then {after:.0f} MB")
    return good


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--call", choices=CALLS, action="append")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    results = [press(name, asked.clients, asked.seconds) for name in asked.call or CALLS]
    raise SystemExit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
