"""What is asked: guard.check with a message or with single facts, by many sources or one, and a counter in Redis."""

import hashlib
import json

NUMBER, SOURCE = "@@@@@@@@@@", "198.###.###.###"
PHONE, SCANNER = "192.0.2.65", "192.0.2.66"
SCRIPT = "local n = redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[1]) return n"
VERDICT = '{"jsonrpc":"2.0","id":%s,"result":{"verdict":"' % NUMBER
PASS = VERDICT + 'pass",'


class Workload:
    """Request files in the run's directory, asked in turn, and how each reply must begin."""

    def __init__(self, name, title, servers, files, reply):
        self.name, self.title, self.servers, self.files, self.reply = name, title, servers, files, reply


OURS = "sipguardd"
# The same daemon, which writes down only the decisions other than to pass: what the log costs.
LESS_LOGGED = "sipguardd, treated logged"
# The same work in C (guard/guard.h says what is left out): what the daemon is made of costs beside that.
BY_HAND = "C, by hand"
JSON_SERVERS = ["C echo", "C + jansson", OURS]
ALL = [
    Workload("message", "header block", [*JSON_SERVERS, BY_HAND, LESS_LOGGED], ["message-register", "message-invite"], PASS),
    Workload("facts", "single facts", JSON_SERVERS, ["facts-register", "facts-invite"], PASS),
    Workload("one source", "one address", ["C echo", OURS], ["one-register", "one-invite"], VERDICT),
    Workload("scanner", "a banned scanner", ["C echo", OURS], ["scanner"], VERDICT),
    Workload("counter", "one counter", ["Redis"], ["counter"], ":"),
]


def call(params):
    """One line, as Kamailio's Lua module writes it: lua-cjson escapes slashes."""
    request = {"jsonrpc": "2.0", "id": 0, "method": "guard.check", "params": params}
    line = json.dumps(request, separators=(",", ":")).replace("/", "\\/")
    return line.replace('"id":0', f'"id":{NUMBER}', 1) + "\n"


TRANSPORT = {"source_ip": SOURCE, "transport": "udp", "node": "kamailio"}


def facts(method):
    return TRANSPORT | {
        "source_port": 5060, "local_ip": "203.0.113.10", "local_port": 5060, "length": 700, "method": method,
        "ruri": "sip:sip.example.net:5060", "from_user": "1001", "from_domain": "sip.example.net",
        "from_display": "Reception", "from_tag": "2090410243", "to_user": "1001", "to_domain": "sip.example.net",
        "contact": "<sip:1001@192.168.1.50:5060>", "user_agent": "Yealink SIP-T46S 66.85.0.5",
        "call_id": f"0_{NUMBER}@192.168.1.50", "via_host": "192.168.1.50", "via_branch": f"z9hG4bK{NUMBER}",
        "cseq": 2, "max_forwards": 70,
    }


def resp(*words):
    """A Redis command (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)


def write(messages, directory):
    def message(name):
        return {"message": (messages / f"{name}.sip").read_text().replace("\n", "\r\n")}

    for name in ("register", "invite"):
        (directory / f"message-{name}").write_text(call(TRANSPORT | message(name)))
        (directory / f"one-{name}").write_text(call(TRANSPORT | {"source_ip": PHONE} | message(name)))
        (directory / f"facts-{name}").write_text(call(facts(name.upper())))
    (directory / "scanner").write_text(call(TRANSPORT | {"source_ip": SCANNER} | message("scanner")))
    digest = hashlib.sha1(SCRIPT.encode()).hexdigest()
    with (directory / "counter").open("w", newline="") as file:
        file.write(resp("EVALSHA", digest, "1", f"requests:{SOURCE}", "60"))
