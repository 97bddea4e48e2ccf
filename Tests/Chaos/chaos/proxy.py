"""The only way between agent and server: a TCP proxy on loopback that does what the weather says."""

import asyncio
import collections
import re
import socket
import struct
import threading

from chaos.framing import Framing
from chaos.weather import Weather
from harness.http import free_port

# A close then sends a reset, and not the orderly end.
RESET = struct.pack("ii", 1, 0)
RECORDED_BYTES = 4 << 20


class Proxy:
    """Runs in a thread of its own; its methods may be called from any."""

    def __init__(self, target_port):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.target_port = target_port
        self.weather = Weather()
        # Whole requests of the agent, for sending one a second time.
        self.recorded = collections.deque(maxlen=40)
        # Orders to the agent, for one that comes again when its command is long over.
        self.orders = collections.deque(maxlen=400)
        self.connections = set()
        self._listener = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def listen(self):
        self._do(self._listen())

    async def _listen(self):
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._connection, "127.0.0.1", self.port, reuse_address=True, limit=1 << 20)

    def refuse(self):
        """New connections are refused from now on, until `listen`."""
        self._do(self._refuse())

    async def _refuse(self):
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def cut(self):
        """Resets all connections; says how many."""
        return self._do(self._cut())

    async def _cut(self):
        connections = list(self.connections)
        for connection in connections:
            connection.reset()
        return len(connections)

    def forsake(self):
        """The connections of now stay open and carry nothing any more, not even their end."""
        self._do(self._forsake())

    async def _forsake(self):
        for connection in self.connections:
            connection.is_forsaken = True

    def clear(self):
        """Good weather. What was swallowed cannot be given back, so all connections end."""
        self.weather.clear()
        self.cut()
        self.listen()

    def close(self):
        self.refuse()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def replay(self, request, seconds=10):
        """Sends a recorded request once more; returns the status of the answer, which nobody waits for."""
        with socket.create_connection(("127.0.0.1", self.target_port), timeout=seconds) as connection:
            connection.sendall(request)
            return int(connection.recv(4096).split(b" ")[1])

    async def _connection(self, reader, writer):
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)


class Connection:
    def __init__(self, proxy, reader, writer):
        self.proxy = proxy
        self.weather = proxy.weather
        self.agent = (reader, writer)
        self.server = None
        self.is_forsaken = False
        self.paths = collections.deque()

    async def run(self):
        try:
            self.server = await asyncio.open_connection("127.0.0.1", self.proxy.target_port, limit=1 << 20)
        except OSError:
            self.reset()
            return
        up = Framing(keep=RECORDED_BYTES)
        down = Framing(next_path=lambda: self.paths.popleft() if self.paths else "")
        pumps = [
            asyncio.ensure_future(self._pump("up", self.agent[0], self.server[1], up)),
            asyncio.ensure_future(self._pump("down", self.server[0], self.agent[1], down)),
        ]
        # The agent gives a whole connection up, never a half of one; so does a server that dies.
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        if self.is_forsaken:
            # The other end hears nothing of it, and gives up when it likes to.
            await asyncio.wait(pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for _, writer in filter(None, (self.agent, self.server)):
            writer.close()

    def reset(self):
        for end in filter(None, (self.agent, self.server)):
            transport = end[1].transport
            raw = transport.get_extra_info("socket")
            try:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            except OSError:
                pass
            transport.abort()

    async def _pump(self, direction, reader, writer, framing):
        try:
            while data := await reader.read(1 << 16):
                if self.weather.swallowing or self.is_forsaken:
                    continue
                for piece in framing.feed(data):
                    self._note(direction, piece)
                    await self._pass(direction, piece, writer)
        except (OSError, ValueError):
            pass

    def _note(self, direction, piece):
        if direction == "down":
            if piece.kind == "chunk" and b"run_command" in piece.data:
                self.proxy.orders.append(piece.data)
            return
        if piece.kind == "head":
            self.paths.append(piece.path)
        if piece.whole and piece.path in ("/agent/v1/results", "/agent/v1/reports"):
            self.proxy.recorded.append(piece.whole)

    async def _pass(self, direction, piece, writer):
        data = piece.data
        trap = self.weather.trap_for(direction, piece) if self.weather.traps else None
        if trap and trap.action == "cut":
            writer.write(data[: trap.rng.randrange(len(data))])
            await writer.drain()
            self.reset()
            trap.sprung.set()
            raise ConnectionResetError
        if trap and trap.action == "forget":
            # As long as before, because its length was said before it.
            trap.data = re.sub(rb'("held_command_ids":\[)([^]]*)\]', lambda held: held[1] + b"]" + b" " * len(held[2]), data)
            data = trap.data
            trap.sprung.set()
        if trap and trap.action in ("repeat", "insert"):
            trap.data = data if trap.action == "repeat" else trap.rng.choice(list(self.proxy.orders))
            data = trap.data + data
            trap.sprung.set()
        if pause := self.weather.pause():
            await asyncio.sleep(pause)
        sent = 0
        while sent < len(data):
            # A few bytes at a time as long as that weather lasts, then all the rest.
            count = self.weather.rng.randint(1, 7) if self.weather.is_trickling else len(data)
            writer.write(data[sent : sent + count])
            sent += count
            await writer.drain()
            if self.weather.is_trickling:
                await asyncio.sleep(0.002)


