"""What the application proves itself with: a secret, or a certificate and its key, as PEM or PFX (docs/providers.md C).

Holds a private key: nothing of it is ever told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12

from connectors.errors import StopConnector
from connectors.settings import CertificateFile, Secret, SecretMissing

_MAKE = (
    "certificate_file holds the private key (RSA) and its certificate, as PEM or PFX; what protects it stands in "
    "certificate_password."
)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """References, as the config has them: a secret, or a certificate with or without a password."""

    secret: Secret | None
    certificate: CertificateFile | None
    password: Secret | None
    folder: Path

    def read(self) -> Any:
        """What msal takes as `client_credential`, read now. Raises `StopConnector`."""
        problem: StopConnector | None = None
        try:
            if self.certificate is None:
                return self.secret.resolve(self.folder).strip() if self.secret is not None else ""
            password = self.password.resolve(self.folder).encode() if self.password is not None else None
            return _signing(self.certificate.content(self.folder), password)
        except SecretMissing as error:
            problem = StopConnector("credentials", str(error), "Put the application's secret or certificate there.")
        raise problem


def certificate_end(credential: Credential) -> datetime:
    """When the certificate is good no longer. Raises `StopConnector`."""
    public = credential.read()["public_certificate"]
    return x509.load_pem_x509_certificate(public.encode()).not_valid_after_utc


def _signing(data: bytes, password: bytes | None) -> dict[str, str]:
    """Key and certificate for signing assertions. msal is given the key unprotected: it stays in memory."""
    key, certificates = _pem(data, password) if b"-----BEGIN" in data else _pfx(data, password)
    if not isinstance(key, RSAPrivateKey):
        raise _wrong("the key in certificate_file is no RSA key")
    public = key.public_key()
    own = next((certificate for certificate in certificates if certificate.public_key() == public), None)
    if own is None:
        raise _wrong("certificate_file holds no certificate of its key")
    return {
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "public_certificate": own.public_bytes(serialization.Encoding.PEM).decode(),
    }


def _pem(data: bytes, password: bytes | None) -> tuple[Any, list[x509.Certificate]]:
    block = _KEY.search(data)
    if block is None:
        raise _wrong("certificate_file holds no private key")
    protected = b"ENCRYPTED" in block[0]
    problem: StopConnector | None = None
    try:
        key = serialization.load_pem_private_key(block[0], password if protected else None)
        return key, [x509.load_pem_x509_certificate(found) for found in _CERTIFICATE.findall(data)]
    except TypeError:
        problem = _wrong("the key in certificate_file is protected, and certificate_password is not given")
    except (ValueError, ArithmeticError):
        problem = _unreadable(protected=protected)
    raise problem


def _pfx(data: bytes, password: bytes | None) -> tuple[Any, list[x509.Certificate]]:
    problem: StopConnector | None = None
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, password)
        return key, [certificate for certificate in (own, *others) if certificate is not None]
    except (ValueError, TypeError, ArithmeticError):
        problem = _unreadable(protected=True)
    raise problem


def _unreadable(*, protected: bool) -> StopConnector:
    doubt = ", or certificate_password is not its password" if protected else ""
    return _wrong(f"certificate_file is neither PEM nor PFX{doubt}")


def _wrong(what: str) -> StopConnector:
    return StopConnector("credentials", what, _MAKE)
