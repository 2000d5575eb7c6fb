"""The systemd units and the user they run as, read by systemd itself. It is not started here: that needs a machine of its own."""

import re
import subprocess

import pytest

from harness import ROOT, SIPGUARDD

UNITS = {
    "sipguardd": (ROOT / "packaging/sipguardd.service", SIPGUARDD),
    "sipguardd-nft": (ROOT / "integrations/firewall/sipguardd-nft.service", ROOT / "integrations/firewall/sipguard-nft"),
}
EXPOSURE = 20                                    # systemd's tenths: 0 lets a service do nothing, 100 everything


def analyze(*words):
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60)


def installed(folder, name, old="", new=""):
    """The unit with its program where it stands on this machine."""
    source, program = UNITS[name]
    text, count = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={program}", source.read_text())
    assert count == 1 and old in text
    unit = folder / source.name
    unit.write_text(text.replace(old, new) if old else text)
    return unit


def complaints(unit):
    """What systemd says about this unit; it also names others of the machine."""
    done = analyze("verify", "--man=no", unit)
    return [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line] + [
        f"status {done.returncode}"] * (done.returncode != 0)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault(tmp_path, name):
    assert complaints(installed(tmp_path, name)) == []


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("old,new", [
    ("Restart=always", "Restart=allways"), ("ProtectSystem=", "ProtectSytem="), ("ExecStart=", "ExecStart=/nonexistent"),
    ("SystemCallFilter=@system-service", "SystemCallFilter=@no-such-group")])
def test_systemd_finds_faults(tmp_path, name, old, new):
    # Without this the test above would prove nothing.
    assert complaints(installed(tmp_path, name, old, new)) != []


@pytest.mark.parametrize("name", UNITS)
def test_a_service_may_do_little(tmp_path, name):
    done = analyze("security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", installed(tmp_path, name))
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_the_user_is_made(tmp_path):
    (tmp_path / "etc").mkdir()
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=(ROOT / "packaging/sysusers.conf").read_text(),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    user = (tmp_path / "etc/passwd").read_text().split(":")
    assert user[0] == "sipguardd" and user[5] == "/var/lib/sipguardd" and "nologin" in user[6]
    assert (tmp_path / "etc/group").read_text().startswith("sipguardd:")
