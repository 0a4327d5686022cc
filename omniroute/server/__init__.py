"""The aiohttp server: routes, guards, process life."""
