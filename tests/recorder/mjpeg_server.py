"""An MJPEG camera on the network: a real HTTP server in a process of its own, on loopback.

The pictures carry their number: the grey level of the left half is `number % 200 + 20` and of the right half 128.
Run as a program it prints its port; `MjpegServer` starts that program for a test and ends it.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

WIDTH, HEIGHT = 64, 48


class MjpegServer:
    """Context manager. colour: "grey" or "colour"; frames: end of the stream after so many pictures, 0 never."""

    def __init__(self, frames: int = 0, fps: float = 50, colour: str = "grey") -> None:
        self._arguments = ["--frames", str(frames), "--fps", str(fps), "--colour", colour]

    def __enter__(self) -> Self:
        command = [sys.executable, str(Path(__file__)), *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/video"
        return self

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Neither an answer nor an end, as with a cable pulled out."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.stdout.close()


def level(number: int) -> int:
    """The grey level that tells the number of a picture."""
    return number % 200 + 20


def _picture(number: int, colour: str) -> bytes:
    import cv2
    import numpy as np

    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    image[:, : WIDTH // 2] = level(number)
    if colour == "colour":
        image[..., 0] = 0
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _handler(options: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            number = 0
            while not options.frames or number < options.frames:
                jpeg = _picture(number, options.colour)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return  # the viewer has gone
                number += 1
                time.sleep(1 / options.fps)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--fps", type=float, default=50)
    parser.add_argument("--colour", default="grey")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(parser.parse_args()))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
