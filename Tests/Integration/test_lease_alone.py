"""sipguard_lease.lua without Kamailio: clocks that are set, and its limits, each pushed against."""

import json
import pathlib

import pytest

from lua import Lua

HERE = pathlib.Path(__file__).parent
LEASE = HERE.parent.parent / "integrations" / "kamailio" / "sipguard_lease.lua"


@pytest.fixture
def lua():
    lua = Lua()
    lua.run((HERE / "lease_alone.lua").read_text(), "lease_alone.lua")
    lua.run(f"load_leases({json.dumps(LEASE.read_text(), ensure_ascii=False)})")
    yield lua
    lua.close()


def test_a_lease_is_good_for_its_second_and_what_it_counted_is_told(lua):
    lua.run("""
        clock = 1000.2
        take("192.0.2.1")
        for turn = 1, 3 do
          assert(is_leased("192.0.2.1"))
          sipguard_settle()
          assert(told() == turn, "told " .. told())
        end
        assert(not is_leased("192.0.2.2"))
        clock = 1001
        assert(not is_leased("192.0.2.1"))
        sipguard_settle()
        assert(next(tables.sipguard_lease) == nil and told() == 3 and tables.sipguard.leased == 3)
    """)


@pytest.mark.parametrize("back", [0.6, 1, 1.5, 2, 10, 59.5, 3600])
def test_a_lease_does_not_live_on_where_the_clock_is_set_back(lua, back):
    lua.run(f"""
        clock = 1000.5
        take("192.0.2.1")
        assert(is_leased("192.0.2.1"))
        clock = clock - {back}
        sipguard_settle()
        clock = 1000.5
        assert(not is_leased("192.0.2.1"))
        assert(told() == 1)
    """)


def test_a_worker_takes_so_many_leases_in_a_second(lua):
    lua.run("""
        for turn = 1, 3 do
          for number = 1, 3000 do take("10." .. turn .. "." .. math.floor(number / 250) .. "." .. number % 250) end
          assert(taken == turn * 1024, taken)
          clock = clock + 1
        end
    """)


def test_so_many_names_wait_to_be_told_and_the_rest_is_counted(lua):
    lua.run("""
        answer = false
        local function flood(number) tables.sipguard_lease["10.0.0." .. number .. " 1000"] = 3 end
        for number = 1, 8192 do flood(number) end
        clock = 1001
        sipguard_settle()
        assert(not tables.sipguard.leased_unreported and next(tables.sipguard_lease) == nil)
        -- Names that wait already go on to count, others find no room.
        for number = 8183, 8202 do flood(number) end
        sipguard_settle()
        assert(tables.sipguard.leased_unreported == 30, tables.sipguard.leased_unreported)
        answer, deliveries = true, {}
        sipguard_settle()
        assert(told() == 3 * 8202 and tables.sipguard.leased == 3 * 8202, told())
        -- And there is room again.
        for number = 1, 8192 do flood(number) end
        sipguard_settle()
        assert(tables.sipguard.leased_unreported == 30 and tables.sipguard.leased == 3 * (8202 + 8192))
    """)


def test_so_many_reports_are_told_at_once(lua):
    lua.run("""
        for number = 1, 450 do tables.sipguard_lease["10.0.0." .. number .. " 1000"] = 1 end
        sipguard_settle()
        assert(#deliveries == 3 and #deliveries[1] == 200 and #deliveries[2] == 200 and #deliveries[3] == 50)
    """)


def test_a_report_tells_as_many_requests_as_the_protocol_has(lua):
    lua.run("""
        tables.sipguard_lease["192.0.2.1 1000"] = 2500000
        sipguard_settle()
        assert(#deliveries == 3 and deliveries[1][1] == 1000000 and deliveries[2][1] == 1000000)
        assert(deliveries[3][1] == 500000 and tables.sipguard.leased == 2500000)
    """)


def test_what_the_daemon_has_not_answered_yet_is_not_told_again(lua):
    lua.run("""
        answer = nil
        tables.sipguard_lease["192.0.2.1 1000"] = 5
        for turn = 1, 3 do sipguard_settle() end
        assert(#deliveries == 1 and not tables.sipguard.leased)
        answer = true
        sipguard_settle()
        assert(#deliveries == 1 and tables.sipguard.leased == 5)
    """)
