# SPDX-License-Identifier: Apache-2.0
"""Types an answer each time a prompt comes, to a command on a terminal of its own; prints what it wrote.

usage: type_at_prompts.py PROMPT ANSWER... -- COMMAND...
"""
import os, pty, sys

border = sys.argv.index("--")
prompt, answers, words = sys.argv[1].encode(), sys.argv[2:border], sys.argv[border + 1:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(words[0], words)
output = b""
answered = 0
try:
    while True:
        output += os.read(terminal, 1000)
        # The colon behind the prompt is the last that is written before the echo is switched off for good.
        while answered < len(answers) and output.count(prompt) > answered and output.rstrip(b" ").endswith(b":"):
            os.write(terminal, answers[answered].encode() + b"\r")
            answered += 1
except OSError:
    pass
print(output.decode().replace("\r", ""), end="")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
