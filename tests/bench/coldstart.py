"""How long a function that sleeps takes to its first creative over HTTP, beside a bare function of the framework.

    python tests/bench/coldstart.py [--runs 5]

Each run starts both servers anew, one after the other: a hello function, and generate's door with the installed models,
asked for one creative for one platform. The models' files are in the page cache, and bytecode is compiled, as both are
in the images. After the runs, the steps of one more start are shown, as the server itself tells them.
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
HELLO = "def handle(request):\n    return 'hello'\n"
PRODUCT = {
    "title": "Linen apron with pockets",
    "description": "A washed linen apron with two deep pockets and an adjustable neck strap. One size.",
    "brand": "Casa Nova",
    "category": "Home > Kitchen > Aprons",
    "attributes": {"Material": "Linen", "Colour": "Oat"},
}
ASKED = json.dumps({"product": PRODUCT, "platforms": ["meta_feed"], "n": 1})
PATIENCE = 120


def listening(port: int) -> http.client.HTTPConnection:
    """A connection to the server, as soon as there is one."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.002)
        else:
            return connection
    raise SystemExit("the server does not listen")


@contextmanager
def server(source: Path, log: Path, folder: Path, **access: str) -> Iterator[tuple[float, int]]:
    """A function's server; the moment it was started, and its port. `access` replaces the settings that open it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    born = time.time()
    settings = {"ADLOOM_STORE": str(folder / "store"), "WORKERS": "1", "PYTHONPATH": str(ROOT)}
    settings |= access or {"ADLOOM_AUTH": "off"}
    command = [sys.executable, "-m", "functions_framework", "--source", str(source), "--target", "handle"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **settings, "ADLOOM_BENCH_BORN": str(born)}, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        yield born, port
    finally:
        process.terminate()
        process.wait(60)


def answer(source: Path, log: Path, folder: Path, body: str) -> tuple[float, float, bytes]:
    """Seconds from the start to the first answer, those of the same request once more, and the first answer."""
    with server(source, log, folder) as (born, port):
        found = []
        connection = listening(port)
        for _ in range(2):
            asked = time.time()
            connection.request("POST", "/v1/creatives", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            data = reply.read()
            if reply.status != http.client.OK:
                raise SystemExit(f"the server answered {reply.status}: {data[:200]!r}\n{log.read_text()[-2000:]}")
            found.append((time.time() - asked, time.time() - born, data))
        connection.close()
    return found[0][1], found[1][0], found[0][2]


def steps(log: Path) -> Iterator[tuple[float, str]]:
    """What the server said of its first request: milliseconds since its start, and the step."""
    for line in log.read_text().splitlines():
        if told := re.fullmatch(r"step ([\d.]+) (.*)", line):
            yield float(told[1]), told[2]
            if told[2] == "request: done":
                return


def measure(runs: int) -> None:
    """Print both times, their ratio, and the steps."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "functions"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hello, log = folder / "hello.py", folder / "log"
        hello.write_text(HELLO)
        door = ROOT / "functions" / "generate" / "main.py"
        pairs = []
        for number in range(runs + 1):
            bare, _, _ = answer(hello, log, folder, "{}")
            first, again, data = answer(door, log, folder, ASKED)
            if number:  # The first pair fills the page cache.
                pairs.append((bare, first, again))
        (made,) = json.loads(data)["creatives"]
        print(f"{'a hello function':44} {median(pair[0] for pair in pairs):7.3f} s")
        print(f"{'the first creative':44} {median(pair[1] for pair in pairs):7.3f} s  ({made['status']})")
        print(f"{'ratio, median of ' + str(runs) + ' paired runs':44} {median(b / a for a, b, _ in pairs):7.2f} x")
        print(f"{'the same request, once awake':44} {median(pair[2] for pair in pairs):7.3f} s")
        answer(Path(__file__).with_name("waking.py"), log, folder, ASKED)
        print("\nthe steps of one more start:")
        last = 0.0
        for at, step in steps(log):
            print(f"{at:8.0f} ms  +{at - last:5.0f}  {step}")
            last = at


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    measure(parser.parse_args().runs)


if __name__ == "__main__":
    main()
