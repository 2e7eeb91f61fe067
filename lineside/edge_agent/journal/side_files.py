"""sqlite-utils for the files beside the journal, without the tables of other libraries.

sqlite-utils imports pandas and numpy wherever they are installed, only to know their types if it is
given some. An edge gives it none, and would pay 0.3 s at every start and 60 MB for ever.
"""

from __future__ import annotations

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)
_not_needed = [name for name in ("pandas", "numpy") if name not in _modules]
_modules |= dict.fromkeys(_not_needed)  # None: an import of it is refused, as if not installed
try:
    from sqlite_utils import Database
finally:
    for _name in _not_needed:
        del _modules[_name]

__all__ = ["Database"]
