"""What GNU's own tools say about a stopped container: chroot into our own view of its layers."""

import contextlib
import pathlib
import subprocess
import tempfile

from harness.engine import run


@contextlib.contextmanager
def layers_mounted(container):
    """A read-only overlay of all the layers, so that the upper one is left alone."""
    data = container.inspect()["GraphDriver"]["Data"]
    with tempfile.TemporaryDirectory(prefix="boathook-view.") as folder:
        # Short links: a mount's options fit into one page.
        layers = []
        for number, layer in enumerate([data["UpperDir"], *data["LowerDir"].split(":")]):
            link = pathlib.Path(folder, str(number))
            link.symlink_to(layer)
            layers.append(str(link))
        view = pathlib.Path(folder, "view")
        view.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={':'.join(layers)}", view)
        try:
            yield view
        finally:
            run("umount", view)


def in_chroot(root, *words, timeout=30):
    """Runs the root folder's own program there: no jail at all."""
    return subprocess.run(
        ["chroot", str(root), "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC0", *words],
        capture_output=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def gnu(container, *words):
    """Standard output and standard error of GNU's tool on the container, and its exit status."""
    if container.is_running:
        done = container.exec(*words, check=False)
    else:
        with layers_mounted(container) as root:
            done = in_chroot(root, *words)
    return done.stdout, done.stderr, done.returncode
