"""No value of any secret in any error, repr or text, wherever it was written and in whatever type."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import connectors.calendars
from daemon.config.load import load
from daemon.config.model import Config
from daemon.config.problems import ConfigError
from tests.daemon.config.config_files import COMPANY, KIND, good, write

PLAIN = "hunter-two Plain"
"""No pattern could tell that this is a secret: only its place can."""
TOKEN = "xoxb-1234-abcd"
NUMBER = "73911337"

PLACES = [
    '[email]\nhost = "smtp.northwind.example"\nfrom = "r@northwind.example"\nusername = "r"\npassword = %s',
    "[slack]\ntoken = %s",
    "[slack]\nwebhook_url = %s",
    '[web]\nlisten = "0.0.0.0:1"\ntoken = %s',
    "[store]\nurl = %s",
    '[[connectors]]\nname = "a"\nkind = "pretended"\nclient_secret = %s',
    '[[connectors]]\nname = "a"\nkind = "pretended"\nplain = %s',
    '[[connectors]]\nname = "a"\nkind = "pretended"\nboth = true\nclient_secret = %s',
    '[[connectors]]\nname = "a"\nkind = "pretended"\nfeeds = [{ owner = "jo", url = %s }]',
    '[[connectors]]\nname = "a"\nkind = "pretended"\nfeeds = %s',
    # where a table belongs
    "email = %s",
    "slack = %s",
    "connectors = %s",
    "[[connectors]]\nfeeds = %s",
    "[[connectors]]\nkind = 5\nname = %s",
    # where no secret belongs, or nothing at all
    "[email]\npasswort = %s",
    "[slack]\ntokn = %s",
    "[company.secret]\nkey = %s",
    "slack_token = %s",
    '[[connectors]]\nname = "a"\nkind = "pretended"\nsecret = %s',
    "[[slack]]\ntoken = %s",
    "[network]\nproxy = %s",
    # and where the file is no TOML
    "[slack]\ntoken = %s oops",
    "[slack]\ntoken = %s\ntoken = 1",
    "[slack]\ntoken = %s]",
]
SHAPES = [
    f'"{PLAIN}"',
    f'"{TOKEN}"',
    NUMBER,
    f'["{PLAIN}", "{TOKEN}", {NUMBER}]',
    f'{{ env = "{PLAIN}" }}',
    f'{{ env = "{TOKEN}" }}',
    '{ env = "HUNTER_HIDDEN" }',
    f"{{ env = {NUMBER} }}",
    f'{{ file = "{TOKEN}" }}',
    f'{{ credential = "{TOKEN}" }}',
    f'{{ evn = "{PLAIN}" }}',
    f'{{ inline = "{PLAIN}" }}',
    f'{{ env = "A", file = "{PLAIN}" }}',
    f'{{ "{PLAIN}" = 1 }}',
    f'{{ "{TOKEN}" = 1 }}',
    f'{{ file = ["{PLAIN}"] }}',
    f'[{{ env = "{PLAIN}" }}]',
    f'"https://user:{PLAIN.replace(" ", "-")}@proxy.example:port"',
    f'"postgresql+psycopg://r:{TOKEN}@db/rapport"',
    f'"mysql://r:{TOKEN}@db/rapport"',
    f'"{PLAIN}',
    PLAIN,
]


@pytest.fixture(autouse=True)
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kinds"
    (folder / "pretended").mkdir(parents=True)
    (folder / "pretended" / "__init__.py").write_text(KIND, "utf-8")
    monkeypatch.setattr(connectors.calendars, "__path__", [*connectors.calendars.__path__, str(folder)])
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def everything(error: BaseException) -> str:
    """All that a log could make of an exception and of those behind it."""
    texts = ["".join(traceback.format_exception(error)), str(error), repr(error), repr(error.args)]
    texts += [everything(behind) for behind in (error.__cause__, error.__context__) if behind is not None]
    if isinstance(error, ConfigError):
        texts += [f"{problem} {problem!r}" for problem in error.problems]
    return "\n".join(texts)


def said_about(path: Path) -> Iterator[str]:
    try:
        config = load(path)
    except ConfigError as error:
        yield everything(error)
        return
    tables = [getattr(config, name) for name in vars(config) if not name.startswith("_")]
    yield from (f"{config} {config!r} {config.warnings}", f"{tables}", str([*map(str, tables)]))
    actions: list[Callable[[], object]] = [config.resolve_secrets, config.store_url]
    for asked in actions:
        try:
            asked()
        except ConfigError as error:
            yield everything(error)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_never_told(place: str, shape: str, tmp_path: Path) -> None:
    top_level = "\n" not in place
    text = place % shape
    path = write(tmp_path, "" if top_level else text, company=f"{text}\n{COMPANY}" if top_level else COMPANY)
    for said in said_about(path):
        for secret in (PLAIN, PLAIN.replace(" ", "-"), TOKEN, NUMBER):
            assert secret not in said


@pytest.mark.parametrize(
    "key",
    [
        "[log]\nlevel",
        "[email]\nport",
        "[email]\nfrom",
        "[sync]\nevery",
        "[sync]\nretain",
        "[scoring]\nvideo",
        "[web]\nlisten",
        "[network]\nca_file",
        "[slack]\napi_url",
        '[[digests]]\nname = "d"\nschedule',
        '[[connectors]]\nname = "a"\nkind',
        "[[connectors]]\nkind",
    ],
)
@pytest.mark.parametrize("value", [TOKEN, "-----BEGIN KEY", "postgresql://r:pw@db/r", "ab12cd34ef56ab78cd90ef12"])
def test_what_looks_like_a_secret_is_not_told_where_none_belongs(key: str, value: str, tmp_path: Path) -> None:
    path = write(tmp_path, f'{key} = "{value}"')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert value not in everything(caught.value)


@pytest.mark.parametrize("shape", ['{ env = "hunter2" }', '{ credential = "%s" }', '{ file = "%s" }'])
def test_a_value_in_the_place_of_its_name_is_not_told(shape: str, tmp_path: Path) -> None:
    value = TOKEN if "%s" in shape else "hunter2"
    config = good(tmp_path, f"[slack]\ntoken = {shape.replace('%s', TOKEN)}")
    assert value not in f"{config.slack} {config.slack!r} {config}"
    with pytest.raises(ConfigError) as caught:
        config.resolve_secrets()
    assert value not in everything(caught.value)


@pytest.mark.parametrize(
    "shape", ['{ file = "absent" }', '{ env = "RAPPORT_TEST_ABSENT" }', '{ credential = "absent" }']
)
def test_every_missing_secret_is_named_at_once(shape: str, tmp_path: Path) -> None:
    text = "\n".join(
        [
            f"[store]\nurl = {shape}",
            f'[email]\nhost = "h"\nfrom = "r@northwind.example"\nusername = "r"\npassword = {shape}',
            f"[slack]\ntoken = {shape}",
            f"[web]\ntoken = {shape}",
            f'[[connectors]]\nname = "a"\nkind = "pretended"\nfeeds = [\n{{ owner = "jo", url = {shape} }}]',
            f"certificate_file = {shape}",
        ]
    )
    config = good(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.resolve_secrets()
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (6, "store.url"),
        (11, "email.password"),
        (13, "slack.token"),
        (15, "web.token"),
        (20, "connectors.a.feeds[0].url"),
        (21, "connectors.a.certificate_file"),
    ]
    assert "absent" in str(caught.value).lower()


def test_secrets_that_are_there_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "slack.token"
    secret.write_text(TOKEN + "\n", "utf-8")
    secret.chmod(0o600)
    monkeypatch.setenv("RAPPORT_TEST_STORE", f"postgresql+psycopg://r:{TOKEN}@db/rapport")
    store = '[store]\nurl = { env = "RAPPORT_TEST_STORE" }\n[scale]\nworkers = true\n'
    config = good(tmp_path, store + '[slack]\ntoken = { file = "slack.token" }')
    config.resolve_secrets()
    assert config.store_url() == f"postgresql+psycopg://r:{TOKEN}@db/rapport"
    assert [key for key, _ in config.secrets()] == ["store.url", "slack.token"]
    assert not [warning for warning in config.warnings if "connectors" not in warning]


@pytest.mark.parametrize("url", ["mysql://db/rapport", "sqlite://", "sqlite:///:memory:", "postgres://db/rapport", ""])
def test_a_store_that_cannot_be_is_found_when_resolved(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_TEST_STORE", url)
    config = good(tmp_path, '[store]\nurl = { env = "RAPPORT_TEST_STORE" }')
    for asked in (config.resolve_secrets, config.store_url):
        with pytest.raises(ConfigError, match=r"^config\.toml:6: store\.url: "):
            asked()


def test_workers_need_postgresql_also_behind_a_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_TEST_STORE", "sqlite:///rapport.db")
    config: Config = good(tmp_path, '[store]\nurl = { env = "RAPPORT_TEST_STORE" }\n[scale]\nworkers = true')
    with pytest.raises(ConfigError, match=r"needs PostgreSQL"):
        config.resolve_secrets()


def test_inline_secrets_and_open_files_warn(tmp_path: Path) -> None:
    for name, mode in (("key.pem", 0o644), ("closed.pem", 0o600)):
        (tmp_path / name).write_text("key", "utf-8")
        (tmp_path / name).chmod(mode)
    config = good(
        tmp_path,
        '[slack]\ntoken = "inline"\n'
        '[[connectors]]\nname = "a"\nkind = "pretended"\ncertificate_file = "key.pem"\n'
        '[[connectors]]\nname = "b"\nkind = "pretended"\ncertificate_file = { file = "closed.pem" }\n'
        '[network]\nproxy = "http://me:pw@proxy.example:3128"\n',
    )
    assert [warning.partition(";")[0] for warning in config.warnings] == [
        "connectors.a.certificate_file: file key.pem can be read by other users",
        "slack.token: is written in the config file",
        "network.proxy: holds a password",
    ]


def test_an_address_of_the_store_warns_only_with_a_password(tmp_path: Path) -> None:
    for url, warns in (
        ("sqlite:///r.db", False),
        ("postgresql+psycopg://r@db/r", False),
        ("postgresql+psycopg://r:pw@db/r", True),
        ("postgresql+psycopg://db/r?user=r&password=pw", True),
    ):
        config = good(tmp_path, f'[store]\nurl = "{url}"')
        assert any(warning.startswith("store.url: ") for warning in config.warnings) is warns
