"""The terminal under the screen: themes, filters, clipboard, link, signals.

Owns what is bound to Textual and to the bytes a terminal obeys. What follows from the environment
is decided in `treering.present.terminal`, where ``doctor`` sees it too.
"""
