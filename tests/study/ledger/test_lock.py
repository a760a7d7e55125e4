"""One driver at a time: with flock, without, and where somebody deletes or replaces the file."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.ledger.folder import StudyFolder
from study.ledger.lock import LOCK, OWNER, STALE_S, is_driven, lock
from trainables.errors import UserError

NO_FLOCK = [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP]


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


@pytest.fixture(params=[None, *NO_FLOCK], ids=["flock", *(errno.errorcode[each] for each in NO_FLOCK)])
def any_file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:

        def refuse(file: int, how: int) -> None:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("any_file_system")
class TestOnEveryFileSystem:
    def test_a_second_driver_is_refused_by_the_name_of_the_first(self, folder: StudyFolder) -> None:
        with lock(folder, process=4711):
            assert is_driven(folder)
            with pytest.raises(UserError, match=f"is being driven by process 4711 on {socket.gethostname()};"):
                lock(folder)
        assert not is_driven(folder)
        lock(folder).close()

    def test_a_lock_file_that_is_deleted_while_it_is_held_lets_no_second_driver_in(self, folder: StudyFolder) -> None:
        with lock(folder):
            (folder.path / LOCK).unlink()
            with pytest.raises(UserError, match="is being driven by"):
                lock(folder)
            assert is_driven(folder)

    @pytest.mark.parametrize("what", ["link", "fifo", "folder"])
    def test_what_is_no_file_is_neither_followed_nor_waited_for(self, folder: StudyFolder, what: str) -> None:
        target, path = folder.path / "precious", folder.path / LOCK
        target.write_text("untouched")
        {"link": lambda: path.symlink_to(target), "fifo": lambda: os.mkfifo(path), "folder": path.mkdir}[what]()
        with pytest.raises(UserError, match=r"driver\.lock: is not a regular file; delete it"):
            lock(folder)
        assert target.read_text() == "untouched"
        assert not is_driven(folder)


def test_a_killed_driver_leaves_no_lock(folder: StudyFolder) -> None:
    code = (
        "import sys, time; from pathlib import Path; from study.ledger import StudyFolder, lock\n"
        "held = lock(StudyFolder(Path(sys.argv[1]))); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE, text=True,
                               cwd=Path(__file__).parents[3])  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert is_driven(folder)
    process.kill()
    process.wait()
    lock(folder).close()


@pytest.mark.parametrize("any_file_system", [errno.ENOLCK], indirect=True)
@pytest.mark.usefixtures("any_file_system")
class TestWithoutFlock:
    def own(self, folder: StudyFolder, host: str, pid: int, age_s: float = 0) -> None:
        path = folder.path / OWNER
        path.write_text(json.dumps({"holder": f"process {pid} on {host}", "host": host, "pid": pid}))
        os.utime(path, (time.time() - age_s,) * 2)

    def test_a_process_of_this_host_that_is_gone_holds_nothing(self, folder: StudyFolder) -> None:
        self.own(folder, socket.gethostname(), 2**22 + 1)
        assert not is_driven(folder)
        lock(folder).close()

    def test_a_process_of_another_host_holds_it_while_its_heart_beats(self, folder: StudyFolder) -> None:
        self.own(folder, "elsewhere", 1, STALE_S / 2)
        with pytest.raises(UserError, match="driven by process 1 on elsewhere"):
            lock(folder)
        self.own(folder, "elsewhere", 1, STALE_S + 60)
        lock(folder).close()
        assert not (folder.path / OWNER).exists()
