"""Where objects live: a local folder or a Google Cloud Storage bucket, behind one small interface.

An object is written once: its name follows from what it was made from, so a second writer has the same bytes to
write, and the first one wins. Both stores create atomically: a reader never sees half an object.
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from functions.common.errors import InputError, NotFoundError, PassingError

if TYPE_CHECKING:
    from google.cloud.storage import Bucket

_SEGMENT = re.compile(r"(?!\.{1,2}$)[^\x00-\x1f\x7f/]+")
"""Between two ``/``, as file systems and Cloud Storage have it (https://cloud.google.com/storage/docs/objects#naming)."""
_LONGEST_SEGMENT = 255
_LONGEST_NAME = 1000


_STAGING = ".staging"
_TYPE = "application/octet-stream"


class Store(Protocol):
    """A flat space of named objects.

    Every method raises InputError for a name that is not `allowed`, and PassingError where the store does not answer.
    """

    @property
    def uri(self) -> str:
        """The store's root, as `open_store` takes it."""

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that does not exist yet; False where it does, leaving it as it is."""

    def create_from(self, name: str, path: Path) -> bool:
        """`create` with the bytes of a local file, of any size, without holding them in memory."""

    def replace(self, name: str, data: bytes) -> None:
        """Write an object whether it exists or not: for what is derived from other objects only."""

    def read(self, name: str) -> bytes:
        """The bytes of an object; NotFoundError where it does not exist."""

    def open(self, name: str) -> IO[bytes]:
        """A binary stream over an object, for objects too large to hold; NotFoundError where it does not exist."""

    def exists(self, name: str) -> bool:
        """Whether the object is there."""

    def names(self, prefix: str) -> Iterator[str]:
        """Names of the objects below a folder-like prefix (``ledger/abc/``), in order."""


def open_store(uri: str | Path) -> Store:
    """The store at a ``gs://bucket/prefix`` address or in a local folder (made where it is missing)."""
    text = str(uri)
    if text.startswith("gs://"):
        return BucketStore.connect(text)
    if "://" in text:
        raise InputError(f"storage {text!r}: only gs://bucket/prefix and local folders are supported")
    return FolderStore(Path(text))


def allowed(name: str) -> bool:
    """Whether a bucket and a folder alike can hold an object of this name."""
    try:
        sizes = [len(segment.encode()) for segment in name.split("/")]
    except UnicodeEncodeError:  # A file name that is not UTF-8.
        return False
    segments = all(_SEGMENT.fullmatch(segment) for segment in name.split("/"))
    return segments and max(sizes) <= _LONGEST_SEGMENT and sum(sizes) + len(sizes) <= _LONGEST_NAME


def checked(name: str) -> str:
    """The name itself where it may name an object."""
    if not allowed(name):
        found = name if len(name) <= 120 else f"{name[:120]}…"
        raise InputError(
            f"object name {found!r} is not allowed: use 1 to {_LONGEST_SEGMENT} bytes between two /, {_LONGEST_NAME} in"
            " all, without . or .. there, and no control characters"
        )
    return name


class FolderStore:
    """A local folder as a store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[Path] = set()
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{root}: cannot be used as an output folder ({error.strerror}); name another") from error

    @property
    def uri(self) -> str:
        return str(self.root)

    def create(self, name: str, data: bytes) -> bool:
        target = self._path(name)
        if target.exists():
            return False
        return self._publish(self._stage(target, data), target)

    def create_from(self, name: str, path: Path) -> bool:
        target = self._path(name)
        if target.exists():
            return False
        with path.open("rb") as source:
            staged = self._stage(target, source)
        return self._publish(staged, target)

    def replace(self, name: str, data: bytes) -> None:
        target = self._path(name)
        self._stage(target, data).replace(target)

    def read(self, name: str) -> bytes:
        with self.open(name) as stream:
            return stream.read()

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._path(name).open("rb")
        except FileNotFoundError as error:
            raise NotFoundError(f"{self.root}/{name}: no such object") from error

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def names(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix.rstrip("/"))
        found = (path for path in folder.rglob("*") if path.is_file())
        yield from sorted(path.relative_to(self.root).as_posix() for path in found)

    def sweep(self) -> None:
        """Remove half-written files that a killed writer left; for the only writer of the folder."""
        shutil.rmtree(self.root / _STAGING, ignore_errors=True)
        self._folders.discard(self.root / _STAGING)

    def _path(self, name: str) -> Path:
        return self.root / checked(name)

    def _stage(self, target: Path, data: bytes | IO[bytes]) -> Path:
        """The data in a file of the same file system, whole."""
        staged = self.root / _STAGING / secrets.token_hex(8)
        try:
            for folder in {staged.parent, target.parent} - self._folders:
                folder.mkdir(parents=True, exist_ok=True)
                self._folders.add(folder)
            with staged.open("wb") as stream:
                if isinstance(data, bytes):
                    stream.write(data)
                else:
                    while block := data.read(1 << 20):
                        stream.write(block)
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise PassingError(f"{target}: cannot be written ({error.strerror})") from error
        return staged

    @staticmethod
    def _publish(staged: Path, target: Path) -> bool:
        """Link rather than rename: a link refuses to replace, as a generation precondition does."""
        try:
            os.link(staged, target)
        except FileExistsError:
            return False
        finally:
            staged.unlink()
        return True


class BucketStore:
    """A bucket, or a prefix of one, as a store.

    Creation carries ``if_generation_match=0``, so of two writers exactly one succeeds
    (https://cloud.google.com/storage/docs/request-preconditions). ``STORAGE_EMULATOR_HOST`` points the client at
    an emulator.
    """

    def __init__(self, bucket: "Bucket", prefix: str, patience: float = 60.0) -> None:
        """A store over a bucket; a call that fails for now is tried again for `patience` seconds."""
        from google.cloud.storage.retry import DEFAULT_RETRY

        self.bucket = bucket
        self.prefix = prefix
        self.retry = DEFAULT_RETRY.with_timeout(patience)

    @classmethod
    def connect(cls, uri: str) -> "BucketStore":
        """The store at ``gs://bucket/prefix``, with the environment's credentials."""
        # Imported here: half a second that work on a local folder does not pay.
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud.storage import Client

        name, _, prefix = uri.removeprefix("gs://").partition("/")
        try:
            if os.environ.get("STORAGE_EMULATOR_HOST"):
                client = Client(project="emulator", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
            else:
                client = Client()
        except (DefaultCredentialsError, OSError) as error:
            message = f"{uri}: no Google Cloud credentials; run `gcloud auth application-default login`"
            raise InputError(message) from error
        return cls(client.bucket(name), f"{prefix.strip('/')}/" if prefix.strip("/") else "")

    @property
    def uri(self) -> str:
        return f"gs://{self.bucket.name}/{self.prefix}".rstrip("/")

    def create(self, name: str, data: bytes) -> bool:
        blob = self.bucket.blob(self._key(name))
        return self._created(name, lambda **options: blob.upload_from_string(data, **options))

    def create_from(self, name: str, path: Path) -> bool:
        blob = self.bucket.blob(self._key(name))
        return self._created(name, lambda **options: blob.upload_from_filename(str(path), **options))

    def _created(self, name: str, upload: Callable[..., None]) -> bool:
        from google.api_core.exceptions import PreconditionFailed

        try:
            with self._answers(name):
                upload(content_type=_TYPE, if_generation_match=0, retry=self.retry)
        except PreconditionFailed:
            return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        with self._answers(name):
            self.bucket.blob(self._key(name)).upload_from_string(data, content_type=_TYPE, retry=self.retry)

    def read(self, name: str) -> bytes:
        with self._answers(name):
            data: bytes = self.bucket.blob(self._key(name)).download_as_bytes(retry=self.retry)
            return data

    def open(self, name: str) -> IO[bytes]:
        with self._answers(name):
            blob = self.bucket.blob(self._key(name))
            blob.reload(retry=self.retry)
            stream: IO[bytes] = blob.open("rb", chunk_size=1 << 20, retry=self.retry)
            return stream

    def exists(self, name: str) -> bool:
        with self._answers(name):
            return bool(self.bucket.blob(self._key(name)).exists(retry=self.retry))

    def names(self, prefix: str) -> Iterator[str]:
        with self._answers(prefix):
            key = self._key(prefix.rstrip("/")) + "/"
            for blob in self.bucket.client.list_blobs(self.bucket, prefix=key, retry=self.retry):
                yield blob.name.removeprefix(self.prefix)

    def _key(self, name: str) -> str:
        return self.prefix + checked(name)

    @contextmanager
    def _answers(self, name: str) -> Iterator[None]:
        """The library's faults as Adloom's own; a failed precondition is the caller's to read."""
        from google.api_core import exceptions
        from google.auth.exceptions import TransportError
        from requests.exceptions import RequestException

        where = f"{self.uri}/{name}"
        try:
            yield
        except exceptions.NotFound as error:
            raise NotFoundError(f"{where}: no such object or bucket") from error
        except exceptions.PreconditionFailed:
            raise
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise InputError(f"{where}: access refused; grant this identity Storage Object User") from error
        except (exceptions.GoogleAPICallError, exceptions.RetryError, RequestException, TransportError) as error:
            raise PassingError(f"{where}: storage did not answer ({type(error).__name__}); try again") from error
