"""schemathesis: what the doors answer against what they say that they answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from functions.common.models import Models
from tests.serving.servers import DOORS, Issuer, Keys, Serve, Server

CHECKS = Path(sys.executable).with_name("schemathesis")


def checked(server: Server, credential: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # Wrong credentials are slowed down, which the check of them takes for a fault; tests of access are elsewhere.
    command = [str(CHECKS), "run", f"{server.url}/openapi.json", "--header", credential, "--seed", "1"]
    command += [
        "--phases",
        "coverage,fuzzing",
        "--max-examples",
        "20",
        "--request-timeout",
        "60",
        "--no-color",
        "--exclude-checks",
        "ignored_auth",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=folder)


def test_verdicts_are_answered_as_described(serve: Serve, keys: Keys, tmp_path: Path) -> None:
    key = keys.add("fuzz", ["feedback"])
    server = serve(DOORS / "feedback" / "main.py", ADLOOM_API_KEYS=str(keys.path), ADLOOM_RATE="100000/minute")
    done = checked(server, f"X-API-Key: {key}", tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("function", ["validate", "score"])
def test_inner_functions_answer_as_described(
    serve: Serve, issuer: Issuer, models: Models, function: str, tmp_path: Path
) -> None:
    assert models.manifest("embedder")
    server = serve(
        DOORS / function / "main.py",
        ADLOOM_BROKER_ISSUER=issuer.url,
        ADLOOM_BROKER_SUBJECTS="system:serviceaccount:adloom:*",
    )
    done = checked(server, f"Authorization: Bearer {issuer.token()}", tmp_path)
    assert done.returncode == 0, done.stdout
