"""Runs a SIPVicious tool with another User-Agent than its own: face.py USER_AGENT TOOL ARGUMENTS..."""

import importlib
import sys

sys.path.insert(0, "/usr/share/sipvicious")
user_agent, tool = sys.argv[1:3]
helper = importlib.import_module("sipvicious.libs.svhelper")
helper.makeRequest.__defaults__ = tuple(
    user_agent if value == "friendly-scanner" else value for value in helper.makeRequest.__defaults__)
assert user_agent in helper.makeRequest.__defaults__
sys.argv = [tool, *sys.argv[3:]]
importlib.import_module(f"sipvicious.{tool}").main()
