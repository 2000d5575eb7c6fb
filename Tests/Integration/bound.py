"""Runs a SIPVicious tool with an address of its own, as its -b should do: bound.py ADDRESS TOOL ARGUMENTS..."""

import importlib
import socket
import sys

sys.path.insert(0, "/usr/share/sipvicious")
address, tool = sys.argv[1:3]


class Socket(socket.socket):
    def bind(self, where):
        super().bind((address, where[1]))


socket.socket = Socket
sys.argv = [tool, *sys.argv[3:]]
importlib.import_module(f"sipvicious.{tool}").main()
