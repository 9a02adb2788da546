"""CTranslate2, imported the one way that makes it fast and keeps its memory flat."""

import ctypes
import importlib
import importlib.util
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Parameters of mallopt(3)."""


@cache
def ctranslate2() -> ModuleType:
    """The library, with LLVM's OpenMP runtime loaded before it.

    The GNU runtime inside CTranslate2's wheel makes two threads slower than one on small matrices; whichever
    OpenMP library a process loads first serves all of it.
    """
    _few_heaps()
    package = importlib.util.find_spec("cmeel")
    if package and package.origin:
        library = Path(package.origin).parent.parent / "cmeel.prefix" / "lib" / "libomp.so"
        if library.is_file():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("ctranslate2")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold a Ctrl-C back while two threads import.

    One that arrives while the main thread takes the lock of the imports leaves it taken for good, and the other thread
    waits for it for ever.
    """
    pressed = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # Nothing is raised in this thread.
        return
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def return_memory() -> None:
    """Give what a closed model took back to the system.

    Each product is written by a model that is opened anew, in threads of its own. Left alone, the C library keeps the
    closed ones' weights in its heaps: 340 MB became 1.2 GB within ten products.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _few_heaps() -> None:
    """Have the C library keep two heaps, and not one for each thread; map only what is as large as a vocabulary.

    Less would be mapped anew at each step of the decoder: its logits take 8 MB, and a third of the time went there.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, 16 << 20)
        library.mallopt(_M_ARENA_MAX, 2)
