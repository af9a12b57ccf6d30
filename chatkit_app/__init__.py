"""An AI assistant with tools, on the server and in the page, for any Django site."""
__version__ = "0.1.0.dev0"
