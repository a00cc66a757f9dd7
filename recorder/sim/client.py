"""The simulated rig as the capture process sees it: a camera whose world lives in a process of its own.

Live, that process runs by its own clock and pushes what it has; at full speed it makes one step when asked, and is asked for
the next before the last one is handed on, so that both processes work at once. Knows no world and no take.
"""

import dataclasses
import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

from protocol.streams import Packet, Stream
from recorder.host import NEW_SESSION
from recorder.sim.faults import UNPLUGGED
from recorder.sim.wire import EXIT_UNPLUGGED, Message, Pipe, receive, send, size_of, widen
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, Prompt, StreamInfo, Surroundings, Tuned
from recorder.sources.davis_biases import BiasPreset, CoarseFine
from recorder.sources.spec import CameraSpec

SERVE = (sys.executable, "-m", "recorder.sim.serve")
START_S = 180.0  # its first start in a new installation compiles for a minute, on a busy computer for longer
CLOSE_S = 3.0  # it leaves within a second of being told, unless it is stopped or in the middle of a long step
KILLED_S = 3.0
LIVE_S = 0.005  # how long a read waits for packets; a DAVIS delivers every 1 to 10 ms
STEP_S = 0.05  # how long a read waits for a step of the world
TRUTH_S = 2.0  # how long the truth is waited for; it is asked for between takes
TUNE_S = 2.0  # how long new biases are waited for: one step of the world
WAITING_BYTES = 64 << 20  # not yet read; then the pipe fills, and the rig drops and counts what finds no room in it
LAST_LINES = 20  # of what it wrote on standard error

_log = logging.getLogger(__name__)


class RemoteRig:
    """A camera in a process of its own. Not to be opened twice."""

    def __init__(self, spec: CameraSpec, surroundings: Surroundings, command: Sequence[str] = SERVE) -> None:
        self._spec = spec
        self._around = surroundings
        self._command = command
        self._is_live = not surroundings.pace.follows_events
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._sending = threading.Lock()
        self._changed = threading.Condition()  # guards all that follows
        self._answer: Message | None = None  # to `open`
        self._batches: deque[Sequence[Packet]] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._is_virtual = self._is_started = self._is_closing = self._is_gone = False
        self._end: tuple[EndReason, str] | None = None
        self._prompt: Prompt | None = None  # that was sent
        self._prompts_sent = self._prompts_seen = 0
        self._truth: Mapping[str, Any] | None = None  # that was asked for
        self._snapshot: Mapping[str, Any] | None = None  # that came unasked
        self._truths_asked = self._truths_told = 0
        self._tuned: Message | None = None  # the answer to `tune`

    def open(self) -> CameraInfo:
        """Start the process and wait until its world is ready. Raises CameraError, and leaves no process then."""
        try:
            self._start_process()
            answer = self._wait_for_answer()
            if answer.kind != "ready":
                raise CameraError(answer.body["text"])
        except BaseException:
            self.close()
            raise
        return self._info(answer.body)

    def _start_process(self) -> None:
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(self._command, 0, stdin=pipe, stdout=pipe, stderr=pipe, **NEW_SESSION)
        except OSError as error:
            raise CameraError(f"The simulated rig could not be started ({error.strerror}); close other programs.") from error
        if (packets := self._process.stdout) is not None:
            widen(_raw(packets))
        work = {"sim-packets": self._receive, "sim-stderr": self._listen}
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in work.items()]
        for thread in self._threads:
            thread.start()

    def _wait_for_answer(self) -> Message:
        frames = {stream.value: one.model_dump(mode="json") for stream, one in self._around.frames.items()}
        video = [stream.value for stream in self._around.video]
        self._send("open", {"spec": str(self._spec), "video": video, "frames": frames, "live": self._is_live})
        with self._changed:
            self._changed.wait_for(lambda: self._answer or self._end, START_S)
            if self._answer is not None:
                return self._answer
            if self._end is not None:
                raise CameraError(self._end[1])
        raise CameraError(f"The simulated rig was not ready within {START_S:g} s; close other programs and try again.")

    def _info(self, body: dict[str, Any]) -> CameraInfo:
        streams = tuple(
            StreamInfo(Stream(one["stream"]), tuple(one["resolution"]) if one["resolution"] else None, one["clock"], one["fps"])
            for one in body["streams"]
        )
        self._is_virtual = body["virtual_host_clock"] and not self._is_live
        return CameraInfo(
            kind=body["kind"],
            name=body["name"],
            streams=streams,
            serial=body["serial"],
            simulated=body["simulated"],
            settings=body["settings"],
            warnings=tuple(body["warnings"]),
            truth=self._ask_for_truth if body["has_truth"] else None,
            dropped=lambda: self._dropped,
            virtual_host_clock=self._is_virtual,
        )

    def read(self) -> Sequence[Packet]:
        """What has come, or at full speed the next step. Raises CameraEnded after the last packet."""
        if not self._is_started:
            self._begin()
        if self._is_live:
            self._pass_on_prompt()
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._end, LIVE_S if self._is_live else STEP_S)
            if not self._batches:
                self._raise_end()
                return []
            taken = list(self._batches) if self._is_live else [self._batches.popleft()]
            if self._is_live:
                self._batches.clear()
            self._waiting_bytes -= sum(size_of(batch) for batch in taken)
            self._changed.notify_all()
        if not self._is_live:
            self._ask_for_step()
        return [packet for batch in taken for packet in batch]

    def _begin(self) -> None:
        if self._process is None and self._end is None:
            raise CameraError("The simulated rig is not open; open it before reading.")
        self._is_started = True
        if self._is_live:
            self._send("start", {})
        else:
            self._ask_for_step()

    def _raise_end(self) -> None:
        if self._end is not None:
            raise CameraEnded(*self._end)

    def _ask_for_step(self) -> None:
        self._send("step", self._shown(self._around.prompt()))

    def _pass_on_prompt(self) -> None:
        prompt = self._around.prompt()
        # One at a time: a process that is stopped reads nothing, and a full pipe would hold the camera's thread.
        if prompt != self._prompt and self._prompts_seen == self._prompts_sent:
            self._prompts_sent += 1
            self._prompt = prompt
            self._send("prompt", self._shown(prompt))

    def _shown(self, prompt: Prompt | None) -> dict[str, Any]:
        return {"prompt": dataclasses.asdict(prompt) if prompt else None, "number": self._prompts_sent}

    def _ask_for_truth(self, first_us: int | None, last_us: int | None) -> Mapping[str, Any] | None:
        """The truth of what lies between two event times; of a process that does not answer the last one it sent.

        That one is about everything since the rig was opened, and has a key `snapshot`.
        """
        with self._changed:
            if not self._is_gone and self._truths_told == self._truths_asked:
                self._truths_asked += 1
                body = {"number": self._truths_asked, "first_us": first_us, "last_us": last_us}
                self._send("truth", body)
                self._changed.wait_for(lambda: self._truths_told == body["number"] or self._is_gone, TRUTH_S)
                if self._truths_told == body["number"]:
                    return self._truth
            return None if self._snapshot is None else {**self._snapshot, "snapshot": True}

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> Tuned:
        """Give the world's event pixels these biases. Raises CameraError."""
        with self._changed:
            self._tuned = None
            self._send("bias", {"preset": preset.value, "biases": {name: list(pair) for name, pair in biases.items()}})
            self._changed.wait_for(lambda: self._tuned or self._is_gone, TUNE_S)
            answer = self._tuned
        if answer is None:
            raise CameraError("The simulated rig does not answer; open its cameras again.")
        if answer.kind == "untuned":
            raise CameraError(answer.body["text"])
        return Tuned(answer.body["settings"], tuple(answer.body["warnings"]))

    def _send(self, kind: str, body: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.closed:
            return
        try:
            with self._sending:
                send(_raw(process.stdin), kind, body)
        except OSError as error:
            _log.info("the simulated rig takes no commands any more: %s", error)  # the end of its packets tells why

    def _receive(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        try:
            with process.stdout as pipe:
                while (message := receive(_raw(pipe))) is not None:
                    self._take_in(message)
        finally:
            self._note_end(process)

    def _note_end(self, process: "subprocess.Popen[bytes]") -> None:
        end = (EndReason.LOST, self._obituary(process))
        with self._changed:
            self._is_gone = True
            self._end = self._end or end
            self._changed.notify_all()

    def _take_in(self, message: Message) -> None:
        body = message.body
        with self._changed:
            self._dropped = body["dropped"]
            match message.kind:
                case "packets" if self._end is None:
                    self._take_packets(message)
                case "truth" if body["number"] == 0:
                    self._snapshot = body["truth"]
                case "truth":
                    self._truth, self._truths_told = body["truth"], body["number"]
                case "tuned" | "untuned":
                    self._tuned = message
                case "ready" | "refused":
                    self._answer = message
                case "ended" | "failed":
                    self._end = self._end or (EndReason(body.get("reason", EndReason.LOST)), body["text"])
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting_bytes < WAITING_BYTES or self._is_closing)

    def _take_packets(self, message: Message) -> None:
        self._prompts_seen = message.body["seen"]
        packets: Sequence[Packet] = message.packets
        if not self._is_virtual:
            now_ns = self._around.monotonic_ns()
            packets = [dataclasses.replace(packet, host_ns=now_ns) for packet in packets]
        self._waiting_bytes += size_of(packets)
        self._batches.append(packets)

    def _listen(self) -> None:
        if self._process is None or self._process.stderr is None:
            return
        with self._process.stderr as pipe:
            for line in pipe:
                text = line.decode(errors="replace").rstrip()
                self._lines.append(text)
                _log.info("%s", text)

    def _obituary(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            code = process.wait(KILLED_S)
        except subprocess.TimeoutExpired:
            process.kill()  # it has closed its end and hangs
            code = process.wait()
        if code == EXIT_UNPLUGGED:
            return UNPLUGGED
        self._threads[1].join(KILLED_S)  # what it wrote last
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        last = f" ({self._lines[-1]})" if self._lines and code > 0 else ""
        return f"The process of the simulated rig {how}{last}; start again."

    def close(self) -> None:
        """End the process: it is asked, and killed only when it does not answer."""
        process = self._process
        with self._changed:
            self._is_closing = True
            self._batches.clear()
            self._waiting_bytes = 0
            self._end = (EndReason.LOST, "The simulated rig was closed.")
            self._changed.notify_all()
        if process is not None:
            self._send("close", {})
            self._let_go(process)
        for thread in self._threads:
            thread.join()

    def _let_go(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            _log.warning("the simulated rig did not leave within %g s and was ended", CLOSE_S)
            process.kill()
            process.wait()


def _raw(pipe: IO[bytes]) -> Pipe:
    return cast(Pipe, pipe)  # unbuffered, so it is a FileIO; its type does not say so
