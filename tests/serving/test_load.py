"""`kerasal serve` as a process of its own, under load. Run with `-m slow -s` to see the figures."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import write_photo
from serving_cases import black_png, encoded, malformed, request

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow

CLIENTS, SECONDS = 4, 60


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """That of a user who has predicted before: the export that `kerasal serve` starts from is there."""
    folder = tmp_path_factory.mktemp("before")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "KERASAL_CACHE": str(folder / "cache")}
    write_photo(folder / "photo.png", (60, 80))
    command = [sys.executable, "-m", "kerasal", "predict", folder / "photo.png", "-o", folder / "maps"]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return environment


@pytest.fixture
def process(environment):
    """(the process, its port), with the network that `kerasal serve` takes by itself."""
    with subprocess.Popen(
        [sys.executable, "-m", "kerasal", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        line = process.stdout.readline()
        match = re.fullmatch(r"serving \S+ on http://127\.0\.0\.1:(\d+)/ until Ctrl-C\n", line)
        if not match:
            process.kill()
            pytest.fail(line + process.stderr.read())
        try:
            yield process, int(match[1])
        finally:
            process.kill()


def megabytes(process) -> float:
    """What the process holds in memory now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_load_and_malformed_uploads_leave_the_server_up_and_small(process):
    process, port = process
    random = np.random.default_rng(0)
    photos = [
        encoded(
            np.kron(random.integers(0, 256, (30, 40, 3), dtype=np.uint8), np.ones((20, 20, 1), np.uint8)),
            "jpeg",
        )
        for _ in range(4)
    ]
    for photo in photos:
        assert request(port, body=photo)[0] == 200
    before = megabytes(process)

    end, latencies, statuses = time.time() + SECONDS, [], []

    def client(number):
        while time.time() < end:
            start = time.perf_counter()
            statuses.append(request(port, body=photos[number])[0])
            latencies.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    middle, late = np.quantile(latencies, [0.5, 0.95])
    print(f"\n{len(latencies)} requests of {CLIENTS} clients in {SECONDS} s, none failed")
    print(f"latency: median {middle:.2f} s, 95 % within {late:.2f} s, longest {max(latencies):.2f} s")

    for upload in malformed(200, seed=1):
        assert 400 <= request(port, body=upload)[0] < 500
    after = megabytes(process)
    print(f"memory: {before:.0f} MB before, {after:.0f} MB after the load and 200 malformed uploads")
    assert after < before + 200
    assert request(port, body=photos[0])[0] == 200

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    errors = process.stderr.read()
    assert "Traceback" not in errors


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_honest_clients_are_served_in_the_midst_of_hostile_ones(process):
    process, port = process
    seconds = 120
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (15, 20, 3), dtype=np.uint8)
    photo = encoded(np.kron(coarse, np.ones((20, 20, 1), np.uint8)), "jpeg")
    assert request(port, body=photo)[0] == 200
    idle = megabytes(process)
    uploads = [black_png(*size) for size in ((8_000_000, 1), (1, 65_500), (65_500, 1), (50_000_000, 1))]
    uploads += malformed(296, seed=2)
    end, honest, hostile, errors = time.time() + seconds, [], [], []
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15000000\r\n\r\n"

    def ask():
        while time.time() < end:
            start = time.perf_counter()
            status = request(port, body=photo)[0]
            honest.append((status, time.perf_counter() - start))

    def drip():
        """A hundred sockets that send a byte each second, some of a head and some of a body."""
        sockets = {}
        while time.time() < end:
            for number in range(100):
                try:
                    if number not in sockets:
                        sockets[number] = socket.create_connection(("127.0.0.1", port), timeout=5)
                        sockets[number].sendall(head if number % 2 else b"POST /pre")
                    sockets[number].sendall(b"x")
                except OSError:  # sent away, and back again
                    sockets.pop(number).close()
            time.sleep(1)
        for client in sockets.values():
            client.close()

    def crawl():
        """An upload of 15 MB most of which comes at once, and the rest of which does not."""
        while time.time() < end:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=40) as client:
                    client.sendall(head + bytes(14_000_000))
                    client.recv(1000)
            except OSError:
                time.sleep(0.1)

    def attack(part):
        for upload in part:
            if time.time() > end:
                errors.append("hostile uploads were left over")
                break
            hostile.append(request(port, body=upload)[0])

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    threads += [threading.Thread(target=work) for work in (drip, drip, *[crawl] * 8)]
    threads += [threading.Thread(target=attack, args=(uploads[each::CLIENTS],)) for each in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(5)
    after = megabytes(process)
    late = np.quantile([took for _, took in honest], 0.99)
    print(f"\n{len(honest)} honest requests in {seconds} s, 99 % within {late:.2f} s; {len(hostile)} hostile")
    print(f"memory: {idle:.0f} MB before, {after:.0f} MB after")
    assert not errors
    assert {status for status, _ in honest} == {200}
    assert all(status == 200 or 400 <= status < 500 for status in hostile)
    assert len(hostile) == 300
    assert late < 2
    assert after < idle + 1000
