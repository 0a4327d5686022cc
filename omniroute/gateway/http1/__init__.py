"""HTTP/1.1 to upstreams, with no more work per request than the wire asks for."""
