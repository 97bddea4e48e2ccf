"""One who stands before an engine's socket, and lets a call wait."""

import contextlib
import copy
import socket
import threading


class Gate:
    """Passes everything on, but for the first call that begins with what is held, which waits until the gate is opened."""

    def __init__(self, engine, path):
        self.held, self.opened = threading.Event(), threading.Event()
        self._target = engine.url.removeprefix("unix://")
        self._start, self._lock = None, threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        # The same engine, behind this.
        self.engine = copy.copy(engine)
        self.engine.url = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, start):
        """Such as `b"POST /containers/create"`."""
        with self._lock:
            self._start = start

    def close(self):
        self.opened.set()
        # Closing alone does not end an accept(2).
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            try:
                engine.connect(self._target)
            except OSError:
                caller.close()
                continue
            threading.Thread(target=self._connection, args=(caller, engine), daemon=True).start()

    def _connection(self, caller, engine):
        with caller, engine:
            up = threading.Thread(target=self._pass, args=(caller, engine, True), daemon=True)
            up.start()
            self._pass(engine, caller, False)
            up.join()

    def _pass(self, source, target, is_call):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                # A client asks when it has the answer before, so what it asks begins a piece.
                if is_call and self._is_held(data):
                    self.held.set()
                    self.opened.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _is_held(self, data):
        with self._lock:
            if self._start is None or not data.startswith(self._start):
                return False
            self._start = None
            return True
