"""The built-in demo provider: answers without any vendor, key or network."""

from omniroute.gateway.demo.provider import DEMO_ACCOUNT, DEMO_PROVIDER
from omniroute.gateway.demo.upstream import DemoUpstream

__all__ = ["DEMO_ACCOUNT", "DEMO_PROVIDER", "DemoUpstream"]
