"""Real engines for tests: dockerd, podman and sshd, each with its own directories and sockets.

Each is started once, answers before it is handed out, shows the end of its log when it does not,
and is stopped by its process. They run as root and without systemd; what they store goes away
with them. Flags: no bridge and no iptables, because the tests' containers have no network.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.tools import need, need_root

START_SECONDS = 60.0
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


@dataclass
class Daemon:
    """A running daemon; `socket` is where it listens, `cli` how its own client reaches it."""

    folder: Path
    process: subprocess.Popen[bytes]
    socket: str
    client: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = 0

    def cli(self, *arguments: str, check: bool = True) -> str:
        """Run the engine's own client and return what it prints."""
        done = subprocess.run(
            [*self.client, *arguments],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout.strip()

    def json(self, *arguments: str) -> Any:
        """Return what the engine's own client prints, as JSON."""
        return json.loads(self.cli(*arguments))

    def remove_containers(self) -> None:
        """Kill and remove every container; none of them listens to polite signals."""
        for one in self.cli("ps", "-q", check=False).split():
            self.cli("kill", one, check=False)
        found = self.cli("ps", "-aq", check=False).split()
        if found:
            self.cli("rm", "-f", *found, check=False)

    def load_busybox(self) -> None:
        """Give the engine an image `base:1` with a static busybox."""
        tar = self.folder / "busybox.tar"
        busybox_tar(tar)
        self.cli("import", "-c", 'CMD ["/bin/sleep","600"]', str(tar), "base:1")


def busybox_tar(path: Path) -> None:
    """Write a root file system with nothing but a static busybox."""
    with tarfile.open(path, "w") as tar:
        for name in ("bin", "etc"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(need("busybox"), "bin/busybox")
        for name in ("sh", "sleep", "true"):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)


def many_images(path: Path, count: int) -> None:
    """Write a docker archive of `count` images `many:N` that share one layer."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _put(tar, "file", b"shared")
    diff_id = "sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()
    manifest = []
    with tarfile.open(path, "w") as tar:
        _put(tar, "layer.tar", layer.getvalue())
        for number in range(count):
            config = {
                "architecture": "amd64",
                "os": "linux",
                "created": "2024-01-01T00:00:00Z",
                "config": {"Labels": {"number": str(number)}},
                "rootfs": {"type": "layers", "diff_ids": [diff_id]},
                "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"{number}"}],
            }
            data = json.dumps(config).encode()
            name = hashlib.sha256(data).hexdigest() + ".json"
            _put(tar, name, data)
            manifest.append(
                {"Config": name, "RepoTags": [f"many:{number}"], "Layers": ["layer.tar"]}
            )
        _put(tar, "manifest.json", json.dumps(manifest).encode())


def _put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


@contextmanager
def folder() -> Iterator[Path]:
    """Make a directory with a path short enough for sockets, and remove it at the end."""
    path = Path(tempfile.mkdtemp(prefix="tr"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a daemon, wait until it is `ready`, and stop it by its process at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PATH": PATH, **(environ or {})},
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                tail = log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{argv[0]} did not start ({process.poll()}):\n{tail}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def answers(path: str) -> Callable[[], bool]:
    """Return a check whether an engine answers on a unix socket."""

    def ready() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            try:
                probe.connect(path)
                probe.sendall(b"GET /_ping HTTP/1.0\r\nHost: x\r\n\r\n")
                return b" 200 " in probe.recv(64)
            except OSError:
                return False

    return ready


@contextmanager
def run_dockerd() -> Iterator[Daemon]:
    """Start dockerd on a unix socket and, with TLS, on a port of the loopback interface."""
    need_root()
    dockerd, docker = need("dockerd"), need("docker")
    with folder() as home:
        certificates(home / "tls")
        port = free_port()
        failures = []
        for driver in ("overlay2", "vfs"):
            sock = str(home / f"{driver}.sock")
            argv = [
                *(dockerd, "--data-root", f"{home}/{driver}", "--exec-root", f"{home}/exec"),
                *("--pidfile", f"{home}/{driver}.pid", "-H", f"unix://{sock}"),
                *("-H", f"tcp://127.0.0.1:{port}", "--tlsverify"),
                *(f"--tls{n}={home}/tls/{n}.pem" for n in ("cacert", "cert", "key")),
                *("--iptables=false", "--bridge=none", "--storage-driver", driver),
            ]
            try:
                with running(argv, home / f"{driver}.log", answers(sock)) as process:
                    daemon = Daemon(
                        home,
                        process,
                        sock,
                        [docker, "-H", f"unix://{sock}"],
                        {"DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(home / "config")},
                        port,
                    )
                    try:
                        yield daemon
                    finally:
                        daemon.remove_containers()
                    return
            except RuntimeError as error:
                failures.append(str(error))
        raise RuntimeError("\n".join(failures))


@contextmanager
def run_podman() -> Iterator[Daemon]:
    """Start podman's service on a unix socket."""
    need_root()
    podman, runc = need("podman"), need("runc")
    with folder() as home:
        limits = '["nofile=1024:1024","nproc=1024:1024"]'
        (home / "containers.conf").write_text(f"[containers]\ndefault_ulimits={limits}\n")
        environ = {"CONTAINERS_CONF": str(home / "containers.conf")}
        failures = []
        for driver in ("overlay", "vfs"):
            sock = str(home / f"{driver}-podman.sock")
            client = [
                *(podman, "--root", f"{home}/{driver}", "--runroot", f"{home}/{driver}-run"),
                *("--storage-driver", driver, "--cgroup-manager", "cgroupfs"),
                *("--events-backend", "file", "--runtime", runc),
            ]
            argv = [*client, "system", "service", "--time=0", f"unix://{sock}"]
            try:
                with running(argv, home / f"{driver}.log", answers(sock), environ) as process:
                    daemon = Daemon(home, process, sock, client, environ)
                    try:
                        yield daemon
                    finally:
                        daemon.remove_containers()
                        daemon.cli("umount", "--all", check=False)
                    return
            except RuntimeError as error:
                failures.append(str(error))
        raise RuntimeError("\n".join(failures))


def certificates(path: Path) -> None:
    """Make an authority and keys for dockerd and its client, as ``docker`` names the files."""
    openssl = need("openssl")
    path.mkdir()

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=path, check=True, capture_output=True)

    (path / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(*new, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca-key", "-out", "cacert.pem")
    for name in ("", "client-"):
        run(*new, "-subj", f"/CN={name}x", "-keyout", f"{name}key.pem", "-out", f"{name}csr")
        signed = ("-CA", "cacert.pem", "-CAkey", "ca-key", "-CAcreateserial", "-days", "2")
        run(
            "x509",
            "-req",
            "-in",
            f"{name}csr",
            *signed,
            "-extfile",
            "ext",
            "-out",
            f"{name}cert.pem",
        )
    client = path / "client"
    client.mkdir()
    for source, name in (("cacert", "ca"), ("client-cert", "cert"), ("client-key", "key")):
        shutil.copy(path / f"{source}.pem", client / f"{name}.pem")


@dataclass
class Sshd:
    """A running sshd of this machine; `config` is an ssh_config that logs root in to it."""

    folder: Path
    process: subprocess.Popen[bytes]
    port: int
    config: str

    def other_config(self, name: str, **changes: str) -> str:
        """Return an ssh_config like `config` with some options changed."""
        path = self.folder / name
        path.write_text(_ssh_config(self.folder, self.port, **changes))
        return str(path)


@contextmanager
def run_sshd(environ: Mapping[str, str] | None = None) -> Iterator[Sshd]:
    """Start sshd on the loopback interface with its own keys; sessions get `environ`."""
    need_root()
    sshd, keygen = need("sshd"), need("ssh-keygen")
    need("ssh")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with folder() as home:
        for name in ("host", "user", "stranger"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
            subprocess.run(command, check=True)
        port = free_port()
        shutil.copy(home / "user.pub", home / "authorized_keys")
        for name, key in (("known_hosts", "host"), ("changed_hosts", "stranger")):
            public = (home / f"{key}.pub").read_text()
            (home / name).write_text(f"[127.0.0.1]:{port} {public}")
        (home / "sshd_config").write_text(_sshd_config(home, port, environ or {}))
        argv = [sshd, "-D", "-e", "-f", str(home / "sshd_config")]
        with running(argv, home / "sshd.log", _listens(port)) as process:
            config = home / "ssh_config"
            config.write_text(_ssh_config(home, port))
            yield Sshd(home, process, port, str(config))


def _sshd_config(home: Path, port: int, environ: Mapping[str, str]) -> str:
    lines = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {home}/host",
        f"PidFile {home}/sshd.pid",
        f"AuthorizedKeysFile {home}/authorized_keys",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "StrictModes no",
        "PermitRootLogin prohibit-password",
        "Subsystem sftp internal-sftp",
    ]
    if environ:
        lines.append("SetEnv " + " ".join(f"{k}={v}" for k, v in environ.items()))
    return "\n".join(lines) + "\n"


def _ssh_config(home: Path, port: int, **changes: str) -> str:
    options = {
        "HostName": "127.0.0.1",
        "Port": str(port),
        "User": "root",
        "IdentityFile": f"{home}/user",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": f"{home}/known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        **changes,
    }
    return "Host *\n" + "".join(f"  {k} {v}\n" for k, v in options.items())


def _listens(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False

    return ready
