import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import pytest

from functions.common.models import Models
from quantize.baseline import TemplateAuthor
from quantize.evaluate import Bench
from quantize.figures import Report, Sample, Section
from quantize.held import held_out
from quantize.pyfunc import EXAMPLE
from quantize.registry import Registry

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are not ours to mend.


@pytest.fixture(scope="module")
def registered(books: Path, models: Models) -> str:
    """Address of the real models, registered."""
    _, products = held_out(1)
    evaluation, _ = Bench(products, models, []).evaluate(TemplateAuthor())
    evaluation = msgspec.structs.replace(evaluation, version=models.manifest("writer").version)
    section = Section(sample=Sample(name="test", products=1, fingerprint="f"), evaluations=[evaluation])
    made = Registry("served").register(models, Report(adloom="0", corpus="c", sections={"test": section}))
    return f"models:/served/{made.number}"


def test_the_signature_and_the_example_are_kept_with_the_model(registered: str) -> None:
    info = mlflow.models.get_model_info(registered)
    assert info.signature.inputs.input_names()[0] == "title"
    assert info.signature.inputs.required_input_names() == ["title"]
    assert {param.name for param in info.signature.params} == {"platforms", "voice", "candidates", "seed"}
    example: Any = mlflow.models.Model.load(registered).load_input_example(registered)
    assert example["title"].tolist() == list(EXAMPLE["title"])


def test_it_answers_in_a_process_that_has_only_what_was_logged(registered: str, tmp_path: Path) -> None:
    script = f"""
import sys
sys.path = [path for path in sys.path if path != {str(Path.cwd())!r}]
import mlflow
mlflow.set_tracking_uri({mlflow.get_tracking_uri()!r})
model = mlflow.pyfunc.load_model({registered!r})
import json, pandas
answer = model.predict(pandas.DataFrame([{{"title": "Oak stool"}}, {{"title": "Enamel mug", "product_id": "mug"}}]),
                       params={{"platforms": "tiktok,pinterest", "candidates": 1}})
import functions
print(json.dumps([functions.__file__ or functions.__path__[0], answer]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where, answer = json.loads(done.stdout.splitlines()[-1])
    assert "artifacts" in where or "code" in where
    assert not where.startswith(str(Path.cwd()))
    assert [(each["product_id"], each["platform"]) for each in answer] == [
        ("1", "pinterest"),
        ("1", "tiktok"),
        ("mug", "pinterest"),
        ("mug", "tiktok"),
    ]
    assert {each["status"] for each in answer} <= {"ready", "needs_review", "rejected"}


@pytest.fixture
def server(registered: str, tmp_path: Path, free_port: int) -> Iterator[str]:
    """`mlflow models serve` in a process of its own; its address."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--model-uri", registered]
    # MLflow starts uvicorn by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "PATH": path}
    said = tmp_path / "serve.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(free_port)], stdout=log, stderr=log, env=environment, start_new_session=True
        )
    address = f"http://127.0.0.1:{free_port}"
    deadline = time.monotonic() + 180
    try:
        while not _answers(f"{address}/ping"):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.5)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_it_is_served_by_mlflow(server: str) -> None:
    body = {
        "dataframe_records": [{"title": "Enamel mug, blue", "attributes": {"Colour": "Blue"}, "language": "en"}],
        "params": {"platforms": "tiktok", "candidates": 1},
    }
    call = urllib.request.Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(call, timeout=120) as answer:
        predictions = json.load(answer)["predictions"]
    assert [each["platform"] for each in predictions] == ["tiktok"]
    assert predictions[0]["status"] in {"ready", "needs_review", "rejected"}
