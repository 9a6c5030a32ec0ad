"""Doors for other tools: an HTTP service, components, adapters."""
