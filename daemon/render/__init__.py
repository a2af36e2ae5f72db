"""A digest's value as text, HTML with charts, and CSV. Knows nothing of who gets it and how.

Import this inside commands only: templates, charts and the CSS inliner cost start-up time.
"""

from daemon.render.rendering import render

__all__ = ["render"]
