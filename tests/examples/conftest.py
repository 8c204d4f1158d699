"""The client for hotlines, importable from the checkout as it is."""

import sys

from tests.conftest import ROOT

CLIENT = str(ROOT / "clients" / "python")
if CLIENT not in sys.path:
    sys.path.insert(0, CLIENT)
