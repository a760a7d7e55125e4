"""What JSON and YAML files hold, as Python values."""

from __future__ import annotations

from typing import Any

# Values: None, bool, numbers, text, lists and objects of these. Not spelled out as a recursive type: each look-up would
# need a cast, where every tree is checked as a whole by the frozen type that it becomes.
JsonObject = dict[str, Any]
