"""TLS to MySQL and MariaDB: by the authority that the database's URL names, or not at all."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs, urlsplit

from aiomysql import connection
from pymysql.constants import CLIENT, CR
from pymysql.err import OperationalError

from store import answers

AUTHORITY = "ssl_ca"
"""In a database's URL, and in the credentials made of it: a PEM file with who signs its certificate."""


def authority(url: str) -> str | None:
    """The file of the authority; without one the server is spoken to in the clear.

    Raises:
        ValueError: TLS is asked for in words of other programs, or by no file.
    """
    parts = urlsplit(url)
    if parts.fragment or ";" in parts.query:  # what stands behind these would be left out
        raise ValueError("in its query %23 stands for # and %3B for ;")
    asked = parse_qs(parts.query, keep_blank_values=True)
    words = {name for name in asked if name.lower().startswith(("ssl", "tls"))}
    if words and (words != {AUTHORITY} or not asked[AUTHORITY][-1]):
        raise ValueError(f"TLS is asked for by an authority's file alone: ?{AUTHORITY}=/path/to/ca.pem")
    return asked[AUTHORITY][-1] if words else None


def trusting(file: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with servers whose certificate, for their host, is signed by the file's authority.

    Raises:
        OSError: the file cannot be read, or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise OSError(f"{file} holds no certificate in PEM") from error
    except OSError as error:
        raise OSError(f"{file} cannot be read: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Connection(answers.Connection):
    """aiomysql's, which by itself goes on in the clear, password and all, where a server offers no TLS.

    Whoever stands between could so take the offer away.
    """

    async def _request_authentication(self) -> None:
        if self._ssl_context and not self.server_capabilities & CLIENT.SSL:
            raise OperationalError(CR.CR_SSL_CONNECTION_ERROR, "the server offers no TLS")
        await super()._request_authentication()

    def close(self) -> None:
        """At once: for the server's farewell by TLS, a loop that ends would not wait."""
        if self._writer and self._ssl_context:
            self._writer.transport.abort()
        super().close()


connection.Connection = Connection  # its pool asks for no class
