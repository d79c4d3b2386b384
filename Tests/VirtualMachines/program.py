# SPDX-License-Identifier: Apache-2.0
"""The program on the host, asking a machine's node."""

import os
import subprocess

from machine import Failed


class Program:
    """`coracle` with one endpoint."""

    def __init__(self, binary, endpoint):
        self.binary = binary
        self.endpoint = endpoint

    def attempt(self, *words):
        """What a command printed; nil when it failed."""
        done = self._run(words)
        return done.stdout.decode() if done.returncode == 0 else None

    def __call__(self, *words):
        """What a command that is to succeed printed."""
        done = self._run(words)
        if done.returncode != 0:
            raise Failed(f"coracle {' '.join(words)}: exit status {done.returncode}\n{done.stderr.decode()}")
        return done.stdout.decode()

    def _run(self, words):
        return subprocess.run(
            [self.binary, *words],
            env={**os.environ, "CORACLE_ENDPOINT": self.endpoint},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
        )
