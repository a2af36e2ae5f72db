"""Microsoft's token endpoint as far as an app without a user needs it: a secret or a signed assertion against a token.

Errors are the AADSTS codes that the real one gives (`docs/providers.md` C), with its status and its words' shape.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.fakes.http_fake import Answer, json_answer

MAIL_SCOPE = "https://outlook.office365.com/.default"
ROLES = frozenset({"Calendars.ReadBasic.All", "User.Read.All", "GroupMember.Read.All"})
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME_SECONDS = 3599

# code: status, error, the sentence
_ERRORS = {
    50027: (401, "invalid_client", "JWT token is invalid or malformed."),
    50034: (400, "invalid_grant", "The user account does not exist in the directory."),
    53003: (400, "access_denied", "Access has been blocked by Conditional Access policies."),
    65001: (400, "invalid_grant", "The user or administrator has not consented to use the application."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type."),
    90002: (400, "invalid_tenant", "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
    500011: (400, "invalid_resource", "The resource principal named {scope} was not found in the tenant."),
    700016: (400, "unauthorized_client", "Application with identifier '{app}' was not found in the directory."),
    700023: (401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    700027: (401, "invalid_client", "The certificate used to sign the client assertion is not registered."),
    900023: (
        400,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name nor external.",
    ),
    1002012: (400, "invalid_scope", "The provided value for scope {scope} is not valid. It must have /.default."),
    7000215: (401, "invalid_client", "Invalid client secret provided. Ensure the secret being sent is the value."),
    7000216: (401, "invalid_client", "'client_assertion' or 'client_secret' is required for this grant type."),
    7000222: (401, "invalid_client", "The provided client secret keys for app '{app}' are expired."),
}


class Denied(Exception):
    """No token, because of this AADSTS code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@cache
def _key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _certificate(name: str) -> x509.Certificate:
    """A self-signed certificate as an administrator makes one; made once for each name, for it takes a while."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"rapport {name}")])
    builder = x509.CertificateBuilder(subject, subject, _key(name).public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
    return dated.sign(_key(name), hashes.SHA256())


@dataclass(frozen=True)
class Grant:
    """What a token is good for."""

    audience: str
    roles: frozenset[str]
    expires_at: float


@dataclass
class Tokens:
    """The app as it is registered, and the tokens given so far."""

    authority: str
    audience: str
    tenant_id: str
    client_id: str
    secret: str
    roles: set[str] = field(default_factory=lambda: set(ROLES))
    secret_expired: bool = False
    denied: int | None = None
    given: int = 0
    requests: int = 0
    skew: timedelta = timedelta(0)
    _registered: dict[str, x509.Certificate] = field(default_factory=dict)
    _grants: dict[str, Grant] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pem(self, folder: Path, name: str, password: str | None = None, *, registered: bool = True) -> Path:
        """Writes key and certificate in one file, and registers the certificate with the app."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        key = _key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        path = folder / "m365.pem"
        path.write_bytes(key + _certificate(name).public_bytes(serialization.Encoding.PEM))
        return self._made(path, name, registered)

    def pfx(self, folder: Path, name: str, password: str, *, registered: bool = True) -> Path:
        """The same as PKCS #12."""
        encryption = serialization.BestAvailableEncryption(password.encode())
        path = folder / "m365.pfx"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(b"rapport", _key(name), _certificate(name), None, encryption)
        )
        return self._made(path, name, registered)

    def _made(self, path: Path, name: str, registered: bool) -> Path:
        path.chmod(0o600)
        if registered:
            for algorithm in (hashes.SHA1(), hashes.SHA256()):  # noqa: S303  # x5t is SHA-1 by definition
                self._registered[_padless(_certificate(name).fingerprint(algorithm))] = _certificate(name)
        return path

    def unregister(self) -> None:
        """No certificate is the app's any more."""
        self._registered.clear()

    def revoke(self) -> None:
        """Every token given so far is dead."""
        with self._lock:
            self._grants.clear()

    def grant(self, authorization: str) -> Grant | None:
        """What a request's `Authorization` is good for; None if for nothing."""
        found = self._grants.get(authorization.removeprefix("Bearer "))
        return found if found is not None and found.expires_at > self._now() else None

    def configuration(self, tenant: str) -> Answer:
        """`/TENANT/v2.0/.well-known/openid-configuration`."""
        if tenant.lower() != self.tenant_id:
            return _refusal(Denied(90002 if len(tenant) == len(self.tenant_id) else 900023), tenant=tenant)
        return json_answer(
            200,
            {
                "token_endpoint": self.endpoint,
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "authorization_endpoint": f"{self.authority}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{self.authority}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{self.authority}/discovery/v2.0/keys",
                "issuer": f"{self.authority}/v2.0",
                "tenant_region_scope": "EU",
            },
        )

    @property
    def endpoint(self) -> str:
        return f"{self.authority}/oauth2/v2.0/token"

    def token(self, tenant: str, body: bytes) -> Answer:
        """`/TENANT/oauth2/v2.0/token`."""
        fields = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        with self._lock:
            self.requests += 1
            try:
                return self._granted(tenant, fields)
            except Denied as error:
                return _refusal(error, tenant=tenant, app=fields.get("client_id", ""), scope=fields.get("scope", ""))

    def _granted(self, tenant: str, fields: dict[str, str]) -> Answer:
        if tenant.lower() != self.tenant_id:
            raise Denied(90002)
        if fields.get("grant_type") != "client_credentials":
            raise Denied(70003)
        if fields.get("client_id") != self.client_id:
            raise Denied(700016)
        audience = self._audience(fields.get("scope", "").split())
        if "client_assertion" in fields:
            self._check_assertion(fields)
        elif "client_secret" not in fields:
            raise Denied(7000216)
        elif fields["client_secret"] != self.secret:
            raise Denied(7000215)
        elif self.secret_expired:
            raise Denied(7000222)
        if self.denied is not None:
            raise Denied(self.denied)
        return json_answer(200, self._new(audience))

    def _audience(self, scopes: list[str]) -> str:
        named = [scope for scope in scopes if scope not in ("openid", "profile", "offline_access")]
        if len(named) != 1 or not named[0].endswith("/.default"):
            raise Denied(1002012)
        if named[0] not in (f"{self.audience}/.default", MAIL_SCOPE):
            raise Denied(500011)
        return named[0].removesuffix("/.default")

    def _new(self, audience: str) -> dict[str, Any]:
        self.given += 1
        now = self._now()
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + _LIFETIME_SECONDS,
            "appid": self.client_id,
            "idtyp": "app",
            "tid": self.tenant_id,
            **({"roles": sorted(self.roles)} if self.roles else {}),
        }
        token = ".".join((_part({"typ": "JWT", "alg": "RS256"}), _part(claims), secrets.token_urlsafe(48)))
        self._grants[token] = Grant(audience, frozenset(self.roles), now + _LIFETIME_SECONDS)
        return {
            "token_type": "Bearer",
            "expires_in": _LIFETIME_SECONDS,
            "ext_expires_in": _LIFETIME_SECONDS,
            "access_token": token,
        }

    def _check_assertion(self, fields: dict[str, str]) -> None:
        """Whose it is, for whom, until when. A client may send one again until it ends."""
        if fields.get("client_assertion_type") != _ASSERTION:
            raise Denied(50027)
        signed, _, signature = fields["client_assertion"].rpartition(".")
        try:
            header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
            raw = _unpadded(signature)
        except (ValueError, binascii.Error):
            raise Denied(50027) from None
        self._check_signature(header, signed.encode(), raw)
        if claims.get("aud") not in (self.endpoint, self.authority, f"{self.authority}/v2.0"):
            raise Denied(700023)
        if claims.get("iss") != self.client_id or claims.get("sub") != self.client_id or not claims.get("jti"):
            raise Denied(50027)
        now = self._now()
        if not now - 5 <= claims["exp"] <= now + 86_400 or claims.get("nbf", 0) > now + 300:
            raise Denied(700024)

    def _check_signature(self, header: dict[str, Any], signed: bytes, signature: bytes) -> None:
        certificate = self._registered.get(str(header.get("x5t#S256") or header.get("x5t", "")).rstrip("="))
        if certificate is None:
            raise Denied(700027)
        public = certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        forms: dict[str, padding.AsymmetricPadding] = {"PS256": pss, "RS256": padding.PKCS1v15()}
        if header.get("alg") not in forms:
            raise Denied(50027)
        try:
            public.verify(signature, signed, forms[header["alg"]], hashes.SHA256())
        except InvalidSignature:
            raise Denied(700027) from None

    def _now(self) -> float:
        return time.time() + self.skew.total_seconds()


def _refusal(error: Denied, **names: str) -> Answer:
    status, kind, text = _ERRORS[error.code]
    told = text.format_map({"tenant": "", "app": "", "scope": "", **names})
    return json_answer(
        status,
        {
            "error": kind,
            "error_description": f"AADSTS{error.code}: {told} Trace ID: 00000000-0000-0000-0000-000000000000 "
            "Correlation ID: 11111111-1111-1111-1111-111111111111 Timestamp: 2026-11-01 08:00:00Z",
            "error_codes": [error.code],
            "timestamp": "2026-11-01 08:00:00Z",
            "trace_id": "00000000-0000-0000-0000-000000000000",
            "correlation_id": "11111111-1111-1111-1111-111111111111",
            "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
        },
    )


def _part(value: dict[str, Any]) -> str:
    return _padless(json.dumps(value).encode())


def _padless(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
