"""Measures the gateway beside a bare aiohttp pass-through, in one run on one machine."""
