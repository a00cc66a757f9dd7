"""A camera at the other end of a network connection, as DV and `dv_processing.io.NetworkWriter` serve it.

Speaks DV's protocol (dv_wire.py) over a plain non-blocking socket. dv's own NetworkReader is not used for three measured
reasons (dv-processing 2.0.4): it forgets every packet not yet fetched when the server goes away; its constructor waits
for ever, holding the GIL, for a host that accepts and then says nothing or something else; it takes no host names.
"""

import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from protocol.streams import Packet, Stream
from recorder.aedat4.layout import PACKET_HEADER
from recorder.sources.base import CameraError, CameraInfo, StreamInfo, Surroundings
from recorder.sources.dv_wire import MAX_PACKET_BYTES, WireError, WireHeader, header_size, parse_header, parse_packet
from recorder.sources.feed import FeedError, LiveReading
from recorder.sources.spec import split_address

CONNECT_S = 3.0
HEADER_S = 3.0
RECEIVE_BYTES = 1 << 18
# What one call takes from one connection at most: 90 ms of a DAVIS346 at its limit of 12 Mev/s.
MAX_BYTES_PER_READ = 16 << 20
# What is held that nobody has fetched; beyond it the server waits, as TCP makes it.
MAX_BUFFERED_BYTES = MAX_PACKET_BYTES + PACKET_HEADER.size
# Streams of one camera are closed together, but not in one instant; what the slower ones still hold is waited for so long.
GRACE_NS = 500_000_000


@dataclass(frozen=True)
class Endpoint:
    """Where a stream is served: (host, port), or the path of a UNIX socket in `host` with port None."""

    host: str
    port: int | None

    def __str__(self) -> str:
        """As the user would write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.host if self.port is None else f"{host}:{self.port}"


def endpoints(address: str, options: Mapping[str, str]) -> dict[Stream, Endpoint]:
    """Where each stream is served, from a checked `network:` specification: events first, other streams as `options` say."""
    first = Endpoint(address, None) if address.startswith("/") else _host_and_port(*split_address(address))
    places = {Stream.EVENTS: first}
    for name, value in options.items():
        places[Stream(name)] = Endpoint(value, None) if value.startswith("/") else _host_and_port(first.host, value)
    return places


def _host_and_port(host: str, port: str) -> Endpoint:
    if host.startswith("/"):
        raise CameraError(
            f"The port {port} needs a host, but the camera is the socket {host}; name the other streams' sockets."
        )
    return Endpoint(host, int(port))


class NetworkCamera:
    """One camera whose streams come over one connection each."""

    def __init__(self, places: Mapping[Stream, Endpoint], surroundings: Surroundings) -> None:
        self._places = dict(places)
        self._around = surroundings
        self._connections: dict[Stream, _Connection] = {}
        self._reading: LiveReading | None = None

    def open(self) -> CameraInfo:
        """Connect every stream; raises CameraError, after a few seconds at the latest, and leaves no connection then."""
        try:
            for stream, place in self._places.items():
                self._connections[stream] = _Connection(stream, place, self._around.monotonic_ns)
        except CameraError:
            self.close()
            raise
        events = self._places[Stream.EVENTS]
        feed = _NetworkFeed(self._connections, self._around.monotonic_ns)
        self._reading = LiveReading(feed, f"{events} closed the connection; check that camera and program there still run.")
        return self._info(events)

    def read(self) -> Sequence[Packet]:
        """What has arrived; nothing while the server is silent. After the server is gone, CameraEnded(LOST)."""
        if self._reading is None:
            raise CameraError(f"{self._places[Stream.EVENTS]}: the network camera is not open; open it before reading.")
        return self._reading.read()

    def close(self) -> None:
        """Close every connection; a server that does not answer is not waited for."""
        for connection in self._connections.values():
            connection.close()
        self._connections = {}
        if self._reading is not None:
            self._reading.stop(f"{self._places[Stream.EVENTS]}: the network camera was closed.")

    def _info(self, events: Endpoint) -> CameraInfo:
        headers = {stream: connection.header for stream, connection in self._connections.items()}
        name = headers[Stream.EVENTS].source
        return CameraInfo(
            kind="network",
            name=name or str(events),
            serial=name.rpartition("_")[2] or None,
            streams=tuple(StreamInfo(stream, header.resolution) for stream, header in headers.items()),
            settings={"addresses": {stream.value: str(place) for stream, place in self._places.items()}},
        )


class _NetworkFeed:
    """The connections of one camera as a `Feed`: it has ended when all are closed, or soon after the first one is."""

    def __init__(self, connections: "Mapping[Stream, _Connection]", monotonic_ns: Callable[[], int]) -> None:
        self._connections = connections
        self._now_ns = monotonic_ns
        self._first_closed_ns: int | None = None

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(self._connections)

    def next(self, stream: Stream) -> Packet | None:
        return self._connections[stream].next()

    def running(self) -> bool:
        is_open = [connection.receive() for connection in self._connections.values()]
        if all(is_open):
            return True
        self._first_closed_ns = self._first_closed_ns or self._now_ns()
        return any(is_open) and self._now_ns() - self._first_closed_ns < GRACE_NS


class _Connection:
    """One stream over one socket. Opening it reads the server's description; raises CameraError."""

    def __init__(self, stream: Stream, place: Endpoint, monotonic_ns: Callable[[], int]) -> None:
        self._place = place
        self._now_ns = monotonic_ns
        self._buffer = bytearray()
        self._packets: deque[Packet] = deque()
        self._chunk = bytearray(RECEIVE_BYTES)
        self._socket: socket.socket | None = connect(place)
        try:
            self.header = self._read_header(stream)
        except CameraError:
            self.close()
            raise
        self._socket.setblocking(False)

    def receive(self) -> bool:
        """Take what has arrived off the socket; False once the connection is closed. Never blocks."""
        taken = 0
        while self._socket is not None and taken < MAX_BYTES_PER_READ and len(self._buffer) < MAX_BUFFERED_BYTES:
            try:
                count = self._socket.recv_into(self._chunk)
            except BlockingIOError:
                break
            except OSError:  # reset or aborted: what was received before it is still in the buffer
                count = 0
            if not count:
                self.close()
                break
            self._buffer += memoryview(self._chunk)[:count]
            taken += count
        return self._socket is not None

    def next(self) -> Packet | None:
        """The next packet that has arrived whole; raises FeedError when what arrived is no packet."""
        while not self._packets:
            payload = self._next_payload()
            if payload is None:
                return None
            try:
                self._packets.extend(parse_packet(self.header, payload, self._now_ns()))
            except WireError as error:
                raise FeedError(f"{self._place} sent something unreadable: {error}.") from error
        return self._packets.popleft()

    def close(self) -> None:
        """Close the socket at once; what was received can still be taken with `next`."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _next_payload(self) -> bytes | None:
        if len(self._buffer) < PACKET_HEADER.size:
            return None
        _, size = PACKET_HEADER.unpack_from(self._buffer)
        if not 0 <= size <= MAX_PACKET_BYTES:
            raise FeedError(f"{self._place} sent something unreadable: a packet of {size} bytes.")
        end = PACKET_HEADER.size + size
        if len(self._buffer) < end:
            return None
        payload = bytes(memoryview(self._buffer)[PACKET_HEADER.size : end])
        del self._buffer[:end]
        return payload

    def _read_header(self, stream: Stream) -> WireHeader:
        try:
            header = parse_header(self._receive_header())
        except TimeoutError as error:
            raise CameraError(
                f"{self._place} accepted the connection but says nothing; check that it is the port of a DV network stream."
            ) from error
        except (OSError, WireError) as error:
            raise CameraError(f"{self._place} is no DV network stream ({error}); check host and port.") from error
        if header.stream is not stream:
            raise CameraError(
                f"{self._place} serves {header.stream.value}, not {stream.value}; put the port of the events first and name "
                "the others, for example network:192.168.0.5:7777,frames=7778."
            )
        return header

    def _receive_header(self) -> bytes:
        assert self._socket is not None
        deadline_ns = self._now_ns() + int(HEADER_S * 1e9)
        while (size := header_size(bytes(self._buffer[:12]))) is None or len(self._buffer) < size:
            left_s = (deadline_ns - self._now_ns()) / 1e9
            if left_s <= 0:
                raise TimeoutError("no description within the time allowed")
            self._socket.settimeout(left_s)
            chunk = self._socket.recv(RECEIVE_BYTES)
            if not chunk:
                raise WireError("it closed the connection at once")
            self._buffer += chunk
        header = bytes(self._buffer[:size])
        del self._buffer[:size]
        return header


def connect(place: Endpoint) -> socket.socket:
    """A connected socket; raises CameraError in one sentence, after CONNECT_S per address at the latest."""
    try:
        if place.port is not None:
            return socket.create_connection((place.host, place.port), timeout=CONNECT_S)
        return _connect_unix(place.host)
    except (TimeoutError, socket.gaierror, UnicodeError, OSError) as error:
        raise CameraError(f"{place}: {_problem(error)}.") from error


def _connect_unix(path: str) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no UNIX sockets")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_S)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _problem(error: Exception) -> str:
    match error:
        case socket.gaierror() | UnicodeError():
            return "the host's name is not known; check its spelling or use its IP address"
        case TimeoutError():
            return "the host does not answer; check the address, the cable and the firewall"
        case ConnectionRefusedError() | FileNotFoundError():
            return "no program serves a camera there; start it, and check the port"
    return f"the connection failed ({error}); check the address"
