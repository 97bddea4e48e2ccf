"""Containers with so many files that a tool can be caught at work."""

import os
import pathlib


def fill(container, count=20_000):
    """Puts files below /home/many, while nothing has the container mounted: past the overlay, that takes no time."""
    container.stop()
    home = pathlib.Path(container.inspect()["GraphDriver"]["Data"]["UpperDir"], "home")
    home.mkdir(exist_ok=True)
    for index in range(0, count, 500):
        folder = home / f"many/{index}"
        folder.mkdir(parents=True)
        for number in range(500):
            os.close(os.open(folder / str(number), os.O_CREAT | os.O_WRONLY, 0o644))
    container.start()
    return container
