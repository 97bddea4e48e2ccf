"""A tree with long names, whose listing is large and whose making is cheap."""

import os

FILES, DEPTH, NAME = 29_000, 14, 250


def furnish_large(root):
    """Makes `large` in the root folder: one path of 3,500 bytes, and at its end all the files.

    The path is longer than a system call takes, so it is made step by step.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in ["large", *(f"{depth:0{NAME}}" for depth in range(DEPTH))]:
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    for number in range(FILES):
        os.close(os.open(f"{number:05}", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder))
    os.close(folder)
