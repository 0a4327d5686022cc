"""JSON Schemas of tools and answers, in the subset of them that a dialect takes."""

from omniroute.formats.schema.compiled import Compiled, compiled

__all__ = ["Compiled", "compiled"]
