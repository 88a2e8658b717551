# SPDX-License-Identifier: LGPL-2.1-or-later
# The module that python/build.py makes, as far as type checkers are concerned.
from typing import Any

ffi: Any
lib: Any
