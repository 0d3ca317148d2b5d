"""A small local web page and HTTP endpoint: images in, saliency maps out."""

from kerasal.serving.app import create_app
from kerasal.serving.receiving import Limits
from kerasal.serving.server import listen, server

__all__ = ["Limits", "create_app", "listen", "server"]
