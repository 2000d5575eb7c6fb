-- sipguard_lease.lua: keeps the silence that sipguardd leases in Kamailio's shared memory, and reports what was answered from there.
-- sipguard.lua loads it where Kamailio's htable module is loaded, and hands it what the worker can do.

local worker = ...
local socket = require "socket"
local kx, pv, shared = KSR.kx, KSR.pv, KSR.htable
local find, floor, min = string.find, math.floor, math.min

local lease_limit = 1024                           -- leases that a worker takes within a second
local agent_limit = 128                            -- bytes of a User-Agent that a lease may hold for
local owed_limit = 8192                            -- keys whose leased requests may wait to be reported
local reports_at_once = 200
local most_at_once = 1000000                       -- requests in one report, as the protocol has it

local leases = {}

-- Leases: a "drop" that the daemon has said to hold for a key. One lives until the end of the second in which it was asked
-- for, since that second is part of its name in the table, and what it counted stays when it is over, until the timer takes it.
-- $shtinc() finds and counts in one locked step. Where the clock is set back, the timer removes it before its second comes again.
local lease_second, leases_taken = 0, 0

local function lease_name(second, agent)
  local name = kx.get_srcip() .. " " .. second
  return agent and name .. " " .. agent or name
end

-- Only what a C string can hold, since that is what the table's names are.
local function leasable_agent()
  local agent = pv.get("$ua")
  return type(agent) == "string" and #agent <= agent_limit and find(agent, "^[\32-\126]+$") and agent or nil
end

-- Never sets what is there: another worker may have begun to count in it.
local function put_lease(name)
  shared.sht_lock("sipguard_lease", name)
  if shared.sht_is_null("sipguard_lease", name) > 0 then shared.sht_seti("sipguard_lease", name, 0) end
  shared.sht_unlock("sipguard_lease", name)
end

function leases.take(result, asked_at)
  local second, ttl = floor(asked_at), result.ttl
  if type(ttl) ~= "number" or ttl / 1000 < second + 1 - asked_at then return end
  local agent = nil
  if result.key == "source_user_agent" then
    agent = leasable_agent()
    if not agent or agent ~= result.user_agent then return end     -- both must have read the same
  elseif result.key ~= "source" then
    return
  end
  if second ~= lease_second then lease_second, leases_taken = second, 0 end
  if leases_taken >= lease_limit then return end
  leases_taken = leases_taken + 1
  put_lease(lease_name(second, agent))
  if agent then shared.sht_seti("sipguard_lease", "agents", second) end
  worker.count("leases")
end

-- Whether this User-Agent from this source is leased; most of the time none is. The lease of a whole source is looked for by
-- route[SIPGUARD].
function leases.is_leased(now)
  if shared.sht_get("sipguard_lease", "agents") ~= floor(now) then return false end
  local agent = leasable_agent()
  return agent and shared.sht_inc("sipguard_lease", lease_name(floor(now), agent)) > 0
end

-- For counters of which one process alone keeps account.
local function add(name, number)
  pv.seti("$sht(sipguard=>" .. name .. ")", (tonumber(pv.get("$sht(sipguard=>" .. name .. ")")) or 0) + number)
end

-- What was answered under leases and not reported yet: requests by the names of the leases, without their seconds.
local owed, owed_names = {}, 0

local function owe(name, requests)
  if not owed[name] then
    if owed_names >= owed_limit then add("leased_unreported", requests) return end
    owed_names = owed_names + 1
  end
  owed[name] = (owed[name] or 0) + requests
end

-- The names in a table, and what they have counted, that `is_due` says yes to. The iterator locks the slot that it is in:
-- nothing else is done there.
local function entries(table_name, is_due)
  local found = {}
  shared.sht_iterator_start("sipguard", table_name)
  while shared.sht_iterator_next("sipguard") > 0 do
    local name, requests = pv.get("$shtitkey(sipguard)"), tonumber(pv.get("$shtitval(sipguard)")) or 0
    if is_due(name, requests) then found[name] = requests end
  end
  shared.sht_iterator_end("sipguard")
  return found
end

-- Takes what a name has counted; a worker counts before or after, never between. One that has run out counts no more.
local function collect(table_name, name, seen, stays)
  shared.sht_lock(table_name, name)
  local requests = tonumber(shared.sht_get(table_name, name))
  if requests and stays then shared.sht_seti(table_name, name, 0) else shared.sht_rm(table_name, name) end
  shared.sht_unlock(table_name, name)
  return requests or seen
end

-- The second in which a lease is good; nil for what is none.
local function second_of(name) return tonumber(string.match(name, "^%S+ (%d+)")) end

-- Read after the lease was seen: one of another second is over then, or is from before the clock was set back.
local function is_this_second(second) return second == floor(socket.gettime()) end

-- A lease stays for its second.
local function collect_leases()
  local found = entries("sipguard_lease", function(name, requests)
    local second = second_of(name)
    return second and (requests > 0 or not is_this_second(second))
  end)
  for name, seen in pairs(found) do
    local requests = collect("sipguard_lease", name, seen, is_this_second(second_of(name)))
    local source, agent = string.match(name, "^(%S+) %d+ ?(.*)$")
    if requests > 0 then owe(agent == "" and source or source .. " " .. agent, requests) end
  end
end

-- Entries of pushed bans stay.
local function collect_bans()
  for name, seen in pairs(entries("sipguard_ban", function(_, requests) return requests > 0 end)) do
    owe(name, collect("sipguard_ban", name, seen, true))
  end
end

local function report_of(name, requests)
  local source, agent = string.match(name, "^(%S+) ?(.*)$")
  if find(source, "^%x+:%x+:%x+:%x+$") then source = source .. "::" end      -- a /64 by its four groups, see route[SIPGUARD_NETWORK]
  return worker.encode({
    jsonrpc = "2.0", method = "guard.report",
    params = {
      source_ip = source, outcome = "dropped", count = min(requests, most_at_once), user_agent = agent ~= "" and agent or nil,
    },
  }) or ""
end

local told                                         -- what the delivery under way has told, by name; nil: none is

local function tell()
  local lines, count = {}, 0
  told = {}
  for name, requests in pairs(owed) do
    told[name] = min(requests, most_at_once)
    count = count + 1
    lines[count] = report_of(name, told[name])
    if count == reports_at_once then break end
  end
  return table.concat(lines)
end

local function counted()
  for name, requests in pairs(told) do
    add("leased", requests)
    owed[name] = owed[name] > requests and owed[name] - requests or nil
    if not owed[name] then owed_names = owed_names - 1 end
  end
end

-- Called four times a second by a timer process of its own: reports what was answered under leases and pushed bans.
function sipguard_settle()
  collect_leases()
  if worker.setting("SIPGUARD_PUSH_SOCKET", "") ~= "" then collect_bans() end
  while told or next(owed) do
    local done = worker.deliver(not told and tell() or nil)
    if done == nil then return end                 -- the answer is still to come
    if done then counted() end
    told = nil
    if not done then return end
  end
end

return leases
