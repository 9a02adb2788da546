"""How a gate says what it found."""

from functions.common.records import Finding
from functions.score.words import Text


def gate(rule: str, text: Text, found: str, message: str) -> Finding:
    """A finding that makes the text unusable.

    Args:
        found: the piece of the text at fault, shortened to 80 characters.
        message: what is wrong, in words that a shop owner understands.
    """
    return Finding(rule=rule, severity="gate", field=text.field, found=found[:80], message=message)
