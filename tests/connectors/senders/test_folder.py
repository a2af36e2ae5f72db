"""The folder sender: whole files, for their owner alone, and nothing outside the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from connectors.contract import RenderedDigest
from connectors.errors import StopConnector
from connectors.senders.folder import Folder

DIGEST = RenderedDigest(
    subject="October",
    text="Zoë\n",
    html="<p>Zoë</p>",
    files={"digest.csv": b"a,b\r\n", "001-acme-months.png": b"\x89PNG"},
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_writes_page_text_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    receipt = Folder(folder).send(DIGEST)
    assert sorted(receipt.where) == sorted(str(path) for path in folder.iterdir())
    assert (folder / "digest.html").read_bytes() == "<p>Zoë</p>".encode()
    assert (folder / "digest.txt").read_bytes() == "Zoë\n".encode()
    assert (folder / "digest.csv").read_bytes() == b"a,b\r\n"


def test_what_it_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Folder(tmp_path / "a" / "b").send(DIGEST)
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700
    assert {mode(path) for path in (tmp_path / "a" / "b").iterdir()} == {0o600}


def test_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    Folder(folder).send(DIGEST)
    assert mode(folder) == 0o755


def test_second_digest_takes_the_place_of_the_first(tmp_path: Path) -> None:
    Folder(tmp_path).send(DIGEST)
    Folder(tmp_path).send(RenderedDigest(subject="", text="later\n", html="", files={}))
    assert (tmp_path / "digest.txt").read_text(encoding="utf-8") == "later\n"


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Folder(tmp_path).send(DIGEST)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StopConnector, match="No space left"):
        Folder(tmp_path).send(RenderedDigest(subject="", text="later\n", html="", files={}))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("here already", encoding="utf-8")
    with pytest.raises(StopConnector) as told:
        Folder(tmp_path / "out").send(DIGEST)
    assert told.value.code == "unwritable"
    assert str(tmp_path / "out") in told.value.what


@pytest.mark.parametrize("name", ["../out.txt", "/etc/passwd", "a/b", "..", ".hidden", ""])
def test_no_file_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a file name"):
        Folder(tmp_path / "out").send(RenderedDigest(subject="", text="", html="", files={name: b""}))
    assert list(tmp_path.rglob("*.txt")) == []


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "digest.txt").symlink_to(tmp_path / "elsewhere.txt")
    Folder(tmp_path / "out").send(DIGEST)
    assert (tmp_path / "elsewhere.txt").read_text(encoding="utf-8") == "mine"
