"""CTranslate2, imported the one way that makes it fast and keeps its memory flat."""

import ctypes
import importlib
import importlib.util
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
    _return_memory()
    package = importlib.util.find_spec("cmeel")
    if package and package.origin:
        library = Path(package.origin).parent.parent / "cmeel.prefix" / "lib" / "libomp.so"
        if library.is_file():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("ctranslate2")


def _return_memory() -> None:
    """Have the C library give the weights of a closed model back to the system.

    Each product is written by a model that is opened anew, whose threads take what they need from heaps of their own.
    Left alone, the library raises the size from which it maps memory when mapped memory is freed, keeps the weights in
    heaps, and has a heap for each thread: 340 MB became 1.2 GB within ten products.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, 4 << 20)
        library.mallopt(_M_ARENA_MAX, 2)
