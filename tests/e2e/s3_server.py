"""A real S3 server for the tests: versitygw (tools/s3_server builds it), else moto from PyPI if it is installed."""
import contextlib
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY_ID, SECRET = "test-id", "test-secret"


class S3Server:
    """Runs until stop(). `checks_credentials`: wrong ones are refused (moto takes any)."""

    def __init__(self, command, port, log, checks_credentials, data=None):
        self.url, self.checks_credentials, self.data = f"http://127.0.0.1:{port}", checks_credentials, data
        self.log = open(log, "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        give_up = time.monotonic() + 30
        while not listens(port):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the S3 server did not start: " + pathlib.Path(log).read_text())
            time.sleep(0.02)

    def make_bucket(self, name):
        if self.data:
            (self.data / name).mkdir()
        else:
            urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT")).close()

    def remove_bucket(self, name):
        shutil.rmtree(self.data / name)

    @property
    def environment(self):
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_versitygw(binary, data, log, *options):
    port = free_port()
    command = [binary, "--access", KEY_ID, "--secret", SECRET, "--keep-alive", "--port", f"127.0.0.1:{port}", *options, "posix", str(data)]
    return S3Server(command, port, log, True, data)


def start(folder):
    """(server, None), or (None, why there is none)."""
    built = subprocess.run([str(ROOT / "tools/s3_server")], capture_output=True, text=True)
    if built.returncode == 0:
        (folder / "data").mkdir()
        return start_versitygw(built.stdout.strip(), folder / "data", folder / "server.log"), None
    if importlib.util.find_spec("moto"):
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        return S3Server(command, port, folder / "server.log", False), None
    return None, built.stderr.strip() + "; nor is moto[server] installed"


def for_tests(tmp_path_factory, bucket):
    """The body of a fixture: a server with a bucket until the tests are over. They are skipped where none can run."""
    import pytest  # bench/ uses this module without it

    server, why_not = start(tmp_path_factory.mktemp("s3"))
    if server is None:
        pytest.skip(why_not)
    server.make_bucket(bucket)
    yield server
    server.stop()


def start_read_only(server, folder):
    """A second server over the same objects that refuses every write; None where that cannot be had."""
    if not server.data:
        return None
    binary = os.readlink(f"/proc/{server.process.pid}/exe")
    return start_versitygw(binary, server.data, folder / "read_only.log", "--readonly")
