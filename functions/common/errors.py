"""The faults that Adloom tells apart.

    AdloomError                anything that Adloom itself reports in one line
    ├── InputError             permanent: what was given is at fault; doing it again changes nothing
    │   └── NotFoundError      the object, batch or file named does not exist
    ├── PassingError           passing: storage or a remote host did not answer; the same call may work later
    └── ModelError             the language or embedding model is missing or damaged

Each message says what, where, what was found, and what to do.
"""

from typing import ClassVar


class AdloomError(Exception):
    """Base of every fault that is shown to a user as one line, with the exit code of the command."""

    exit_code: ClassVar[int] = 1


class InputError(AdloomError):
    """What was given cannot be used; a retry gives the same answer."""

    exit_code = 3


class NotFoundError(InputError):
    """The thing named does not exist."""


class PassingError(AdloomError):
    """Something outside failed for now; a retry may succeed."""

    exit_code = 5


class ModelError(AdloomError):
    """A model is not there, or is not what its manifest says."""

    exit_code = 4
