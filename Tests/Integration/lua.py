"""Lua 5.1 within this process, by the library that Kamailio's app_lua itself needs."""

import ctypes

STATE = ctypes.c_void_p


class Lua:
    """One interpreter; an error in what it runs is an AssertionError here."""

    def __init__(self):
        self.library = ctypes.CDLL("liblua5.1.so.0")
        for name, result, arguments in (
                ("luaL_newstate", STATE, []), ("luaL_openlibs", None, [STATE]), ("lua_close", None, [STATE]),
                ("luaL_loadbuffer", ctypes.c_int, [STATE, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]),
                ("lua_pcall", ctypes.c_int, [STATE] + 3 * [ctypes.c_int]),
                ("lua_tolstring", ctypes.c_char_p, [STATE, ctypes.c_int, ctypes.c_void_p])):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self.state = self.library.luaL_newstate()
        self.library.luaL_openlibs(self.state)

    def run(self, text, name="test"):
        code = text.encode()
        failed = self.library.luaL_loadbuffer(self.state, code, len(code), f"={name}".encode())
        if failed or self.library.lua_pcall(self.state, 0, 0, 0):
            raise AssertionError(self.library.lua_tolstring(self.state, -1, None).decode())

    def close(self):
        self.library.lua_close(self.state)
