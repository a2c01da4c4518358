"""A redis-server of the benchmark's own, on a unix socket, without persistence."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import time


@contextlib.contextmanager
def redis_server():
    """The path of its socket, or None where no redis-server is installed. It ends with the context."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    import redis

    with tempfile.TemporaryDirectory() as directory:
        socket = str(pathlib.Path(directory) / "redis.sock")
        options = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(
            [program, *options, "--dir", directory], stdout=subprocess.DEVNULL
        )
        try:
            wait_for(redis.Redis(unix_socket_path=socket), server)
            yield socket
        finally:
            server.terminate()
            server.wait(10)


def wait_for(client, server):
    """Asks until it answers, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except Exception:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.01)
    client.close()
