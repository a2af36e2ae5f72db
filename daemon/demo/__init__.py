"""The made-up company of `rapport demo`: calendar files and a config, and nothing else.

The files are all that is the demo's own; sync, report and digest then run on them as on anybody's.
The same day gives the same bytes.
"""

from daemon.demo.company import DemoCompany, write_company

__all__ = ["DemoCompany", "write_company"]
