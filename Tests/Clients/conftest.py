"""The official clients, unchanged, each in the virtual environment that bin/clients made."""

import json
import os
import subprocess

import pytest

from harness.engine import ROOT
from harness.recorder import Recorder

FOLDERS = {"0.5.0": "vastai-0.5.0", "1.9.1": "vastai-1.9.1", "sdk-0.6.0": "vastai-sdk-0.6.0"}


class Official:
    """Starts the clients with a home of their own, so that nothing but Boathook is asked."""

    def __init__(self, home):
        self.home = home

    def environment(self, url, key):
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONUTF8": "1",
            "XDG_CONFIG_HOME": str(self.home / "config"), "XDG_CACHE_HOME": str(self.home / "cache"),
            "VAST_URL": url, "VAST_API_KEY": key,
            "VASTAI_NO_UPDATE_CHECK": "1",  # 1.x would otherwise look for a newer one on the network
            "NO_PROXY": "127.0.0.1",
        }

    def program(self, version, name):
        return ROOT / f".venv-{FOLDERS[version]}/bin" / name

    def cli(self, version, client, *words, url=None, timeout=150):
        return subprocess.run(
            [self.program(version, "vastai"), *map(str, words)],
            env=self.environment(url or client.url, client.key), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
        )

    def start_python(self, version, client, script, *arguments, url=None):
        """Runs a script whose last line prints JSON; `arguments` are its sys.argv[1:]."""
        return subprocess.Popen(
            [self.program(version, "python"), "-c", script, *map(str, arguments)],
            env=self.environment(url or client.url, client.key), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def python(self, *words, timeout=150, **options):
        process = self.start_python(*words, **options)
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
        assert process.returncode == 0, errors.decode()
        return json.loads(output.decode().splitlines()[-1])


@pytest.fixture(scope="session")
def official(tmp_path_factory):
    return Official(tmp_path_factory.mktemp("home"))


@pytest.fixture
def recorded(start_up):
    """Boathook behind a recording proxy: `(up, recorder)`; clients use the recorder's address."""
    recorder = Recorder()
    up = start_up(public_url=recorder.url)
    recorder.target = up.url
    yield up, recorder
    recorder.close()
