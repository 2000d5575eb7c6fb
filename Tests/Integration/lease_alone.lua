-- What sipguard_lease.lua needs of Kamailio and of sipguard.lua, so that it runs alone, and a clock that can be set.

clock = 1000
package.loaded.socket = { gettime = function() return clock end }

source, variables = "192.0.2.1", {}
tables = { sipguard = {}, sipguard_lease = {}, sipguard_ban = {} }

local function sht(name) return string.match(name, "^%$sht%(sipguard=>(.*)%)$") end
local walk

KSR = {
  kx = { get_srcip = function() return source end },
  pv = {
    get = function(name)
      if name == "$shtitkey(sipguard)" then return walk.name end
      if name == "$shtitval(sipguard)" then return walk.entries[walk.name] end
      if sht(name) then return tables.sipguard[sht(name)] end
      return variables[name]
    end,
    seti = function(name, value) tables.sipguard[sht(name)] = value end,
  },
  htable = {
    sht_lock = function() end, sht_unlock = function() end,
    sht_get = function(name, key) return tables[name][key] end,
    sht_seti = function(name, key, value) tables[name][key] = value end,
    sht_rm = function(name, key) tables[name][key] = nil end,
    sht_is_null = function(name, key) return tables[name][key] == nil and 1 or -1 end,
    sht_inc = function(name, key)
      if not tables[name][key] then return -255 end
      tables[name][key] = tables[name][key] + 1
      return tables[name][key]
    end,
    sht_iterator_start = function(_, name) walk = { entries = tables[name] } end,
    sht_iterator_next = function() walk.name = next(walk.entries, walk.name) return walk.name and 1 or -1 end,
    sht_iterator_end = function() walk = nil end,
  },
}

-- What became of the reports: the requests in each, delivery by delivery. `answer` is what the daemon says to the next ones.
deliveries, answer = {}, true
taken = 0

local worker = {
  count = function(name) assert(name == "leases") taken = taken + 1 end,
  encode = function(call) return call.params.source_ip .. " " .. call.params.count .. "\n" end,
  setting = function(_, default) return default end,
  deliver = function(lines)
    if not lines then return answer end
    local delivery = {}
    for number in string.gmatch(lines, "%S+ (%d+)\n") do delivery[#delivery + 1] = tonumber(number) end
    deliveries[#deliveries + 1] = delivery
    return answer
  end,
}

function load_leases(text) leases = assert(loadstring(text, "=sipguard_lease.lua"))(worker) end

-- Takes a lease for a source, as after an answer to a question of this moment.
function take(address)
  source = address
  leases.take({ verdict = "drop", ttl = 1000, key = "source" }, clock)
end

-- Whether a request of that source would be met with silence at this moment, and be counted.
function is_leased(address)
  return KSR.htable.sht_inc("sipguard_lease", address .. " " .. math.floor(clock)) > 0
end

function told()
  local sum = 0
  for _, delivery in ipairs(deliveries) do
    for _, requests in ipairs(delivery) do sum = sum + requests end
  end
  return sum
end
