"""CTranslate2, imported the one way that makes it fast."""

import ctypes
import importlib
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType


@cache
def ctranslate2() -> ModuleType:
    """The library, with LLVM's OpenMP runtime loaded before it.

    The GNU runtime inside CTranslate2's wheel makes two threads slower than one on small matrices; whichever
    OpenMP library a process loads first serves all of it.
    """
    package = importlib.util.find_spec("cmeel")
    if package and package.origin:
        library = Path(package.origin).parent.parent / "cmeel.prefix" / "lib" / "libomp.so"
        if library.is_file():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("ctranslate2")
