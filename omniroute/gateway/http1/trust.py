"""Whom TLS believes: the certificate authorities this machine trusts."""

import ssl
import sys


def system_trust() -> ssl.SSLContext:
    """A context for HTTP/1.1 that trusts what the system does, or what `SSL_CERT_FILE` names. Reads files."""
    context = _context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context() -> ssl.SSLContext:
    if sys.platform not in ("darwin", "win32") and ssl.get_default_verify_paths().cafile is not None:
        # What truststore would trust, too; but it reads the file again, 25 ms, for each connection.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        return context
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
