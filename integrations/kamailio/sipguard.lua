-- sipguard.lua: asks sipguardd about every request, from Kamailio's app_lua. Lua 5.1, LuaSocket, lua-cjson.
--
-- One stream connection per worker process, opened at the first question. The daemon can cost a worker at most
-- `limit` for one question and `share` of its time in all; whatever goes wrong, the verdict is "pass" and counted.

local socket = require "socket"
local unix = require "socket.unix"
local cjson = require "cjson.safe"
local quoted = require "cjson".encode              -- of text; for that it cannot fail

local kx, pv = KSR.kx, KSR.pv
local gettime = socket.gettime
local find, sub, gsub, byte, format = string.find, string.sub, string.gsub, string.byte, string.format
local concat, max, min, floor = table.concat, math.max, math.min, math.floor
local shared = KSR.htable                          -- nil without Kamailio's htable module: no leases, no counters

local path, node, limit                            -- the include file's settings; node as JSON; limit in s, connecting included
local message_begins                               -- what stands before the message in every question
local leases                                       -- sipguard_lease.lua, where verdicts may be leased
local connect_limit = 0.002                        -- s, a local connect is done or refused
local retry_after = 0.05                           -- s between attempts on a dead socket, each a few us
local share = 0.10                                 -- of wall time may be spent waiting
local bucket_size = 0.060                          -- s of waiting that may be spent at once
local free = 0.001                                 -- s, an answer within this costs nothing
local header_limit = 8192                          -- bytes of header block sent as they are
local fact_limit = 512                             -- bytes of one fact sent singly
local line_limit = 60000                           -- bytes; the daemon takes 65536
local reply_limit = 65536
local id_limit = 100                               -- then ids begin again: at any time one question waits for its answer
local report_limit = 0.2                           -- s that the timer process waits at a time, in which no request waits

-- What the file beside this one does, if there is one and htable is there.
local lease_file

-- A setting of the include file, as `#!define SIPGUARD_SOCKET "/path"`. Readable in a route only, not while loading.
local function setting(name, default)
  local value = pv.get("$def(" .. name .. ")")
  if type(value) ~= "string" or value == "" then return default end
  return (gsub(value, '^"(.*)"$', "%1"))
end

local function settle()
  path = setting("SIPGUARD_SOCKET", "/run/sipguardd/ask.sock")
  node = quoted(setting("SIPGUARD_NODE", "kamailio"))
  message_begins = '","node":' .. node .. ',"message":'
  limit = (tonumber(setting("SIPGUARD_TIMEOUT_MS")) or 20) / 1000
  leases = setting("SIPGUARD_LEASES", "on") == "on" and lease_file or nil
end

-- State of this worker.
local connection                                   -- nil: none
local next_attempt, connected_before = 0, nil
local last_id = 0
local bucket, bucket_time = bucket_size, gettime()
local sick, last_failure = false, 0
local unasked = 0                                  -- requests that passed without an answer since that was told
local told = 0                                     -- of these, what the question under way has told

-- All workers share these counters: kamcmd htable.dump sipguard
local function count(name)
  if shared then shared.sht_inc("sipguard", name) end
end

-- After a failed attempt a worker waits `retry_after`, or until another worker has got through. gettime() is the wall
-- clock: wherever two of its values are compared, a clock that is set meanwhile must not hold or silence a worker.
local function connections()
  return shared and pv.get("$sht(sipguard=>connected)")
end

local function resting(now)
  return now < next_attempt and next_attempt - now <= retry_after and connections() == connected_before
end

local function close()
  if connection then connection:close() end
  connection = nil
end

-- The names of failures are this file's own: nothing of a SIP message or of the daemon's answer is ever logged.
local function failed(why, now)
  count("failed_" .. why)
  last_failure = now
  if not sick then
    sick = true
    KSR.warn("sipguard: no verdict (" .. why .. "), requests pass unasked until sipguardd answers\n")
  end
end

local function answered(now)
  if sick and math.abs(now - last_failure) > 1 then
    sick = false
    count("recovered")
    KSR.notice("sipguard: sipguardd answers again\n")
  end
end

-- The time budget: waiting is paid from a bucket that refills with `share` seconds a second. It bounds the loss for
-- every kind of fault; a count of timeouts would not notice answers that are slow but below the limit.
local function may_wait(now)
  if now > bucket_time then bucket = bucket + (now - bucket_time) * share end
  if bucket > bucket_size then bucket = bucket_size end
  bucket_time = now
  return bucket > 0
end

local function pay(began)
  local spent = gettime() - began
  if spent > free then bucket = bucket - min(spent, 2 * limit) end
end

-- Length of the UTF-8 sequence (RFC 3629 section 4) that starts at i, or nil.
local function sequence(text, i)
  local a, b, c, d = byte(text, i, i + 3)
  if a < 0xC2 or a > 0xF4 or not b then return nil end
  local low, high = 0x80, 0xBF
  if a == 0xE0 then low = 0xA0 elseif a == 0xED then high = 0x9F end       -- overlong forms, surrogates
  if a == 0xF0 then low = 0x90 elseif a == 0xF4 then high = 0x8F end       -- overlong forms, beyond U+10FFFF
  if b < low or b > high then return nil end
  if a < 0xE0 then return 2 end
  if not c or c < 0x80 or c > 0xBF then return nil end
  if a < 0xF0 then return 3 end
  if not d or d < 0x80 or d > 0xBF then return nil end
  return 4
end

local function escape_run(run)
  local out, i, n = {}, 1, #run
  while i <= n do
    local length = sequence(run, i)
    out[#out + 1] = length and sub(run, i, i + length - 1) or format("\\u00%02x", byte(run, i))
    i = i + (length or 1)
  end
  return concat(out)
end

-- JSON text is UTF-8; cjson writes other bytes as they are. They occur only inside its strings. To look for one of them takes
-- 9 us for a request of usual length, as patterns go in Lua: questions go without, see sipguard_check().
local function escaped(line) return (gsub(line, "[\128-\255]+", escape_run)) end

local function encode(value)
  local line = cjson.encode(value)
  return line and escaped(line) .. "\n"
end

local line_feed = byte("\n")

-- Start line and header block: from the first byte that is not an end of line to the empty line, no body. Plain searches
-- cost a twentieth of a pattern, and what has no body is not copied.
local function header_block(buffer)
  local first = (byte(buffer) or 0) > 13 and 1 or find(buffer, "[^\r\n]") or 1
  local last, other = find(buffer, "\n\r", first, true), find(buffer, "\n\n", first, true)
  last = last and other and min(last, other) or last or other
  if first == 1 and (not last or last + 2 >= #buffer and byte(buffer, -1) == line_feed) then return buffer end
  return sub(buffer, first, last or -1)
end

local facts_of = {
  method = "$rm", ruri = "$ru", from_user = "$fU", from_domain = "$fd", from_display = "$fn", from_tag = "$ft",
  to_user = "$tU", to_domain = "$td", to_tag = "$tt", contact = "$ct", user_agent = "$ua", call_id = "$ci",
  via_host = "$via0(host)", via_branch = "$via0(branch)", auth_user = "$au", auth_realm = "$ar",
}

-- Beyond header_limit the daemon gets Kamailio's own reading of the headers as well, so that length hides nothing.
local function add_facts(params)
  for name, variable in pairs(facts_of) do
    local value = pv.get(variable)
    if type(value) == "string" and value ~= "" then params[name] = sub(value, 1, fact_limit) end
  end
  if params.from_display then params.from_display = gsub(params.from_display, '^"(.*)"$', "%1") end
  params.cseq = tonumber(pv.get("$cs"))
  local hops = tonumber(pv.get("$hdr(Max-Forwards)"))
  if hops and hops >= 0 and hops <= 255 then params.max_forwards = hops end
end

local function long_question(id, block)
  local params = {
    source_ip = kx.get_srcip(), transport = kx.get_proto(), node = cjson.decode("[" .. node .. "]")[1], message = block,
  }
  if unasked > 0 then params.failed_open = unasked end
  local call = { jsonrpc = "2.0", id = id, method = "guard.check", params = params }
  if #block > header_limit then
    count("cut")
    params.message = sub(block, 1, header_limit)
    add_facts(params)
  end
  local line = encode(call)
  if line and #line > line_limit then              -- mostly escapes: the facts alone
    params.message = nil
    add_facts(params)
    line = encode(call)
  end
  return line
end

local question_begins, pass_begins = {}, {}         -- by id
for id = 1, id_limit do
  question_begins[id] = '{"jsonrpc":"2.0","id":' .. id .. ',"method":"guard.check","params":{"source_ip":"'
  pass_begins[id] = '{"jsonrpc":"2.0","id":' .. id .. ',"result":{"verdict":"pass",'
end

-- What is usual is put together by hand: a third of what it costs to fill tables and have them encoded.
local function question(id)
  local block = header_block(kx.get_msgbuf())
  if #block > header_limit or unasked > 0 then return long_question(id, block) end
  local line = question_begins[id] .. kx.get_srcip() .. '","transport":"' .. kx.get_proto() .. message_begins .. quoted(block) .. "}}\n"
  return #line <= line_limit and line or long_question(id, block)
end

-- LuaSocket keeps a block limit ("b") and a total limit ("t") apart; this file uses "t" alone, which is for each call.
local function connect(now)
  if resting(now) then return nil, "down" end
  local fresh = (unix.stream or unix)()
  fresh:settimeout(connect_limit, "t")
  if not fresh:connect(path) then
    fresh:close()
    next_attempt, connected_before = now + retry_after, connections()
    return nil, "connect"
  end
  fresh:settimeout(limit, "t")
  connection = fresh
  count("connected")
  return true
end

-- One line, `limit` after the beginning at the latest. What the daemon sends within that time is what bounds its length.
local function read_line(began)
  local spent = gettime() - began
  if spent > free then connection:settimeout(max(0, limit - spent), "t") end
  local line, why = connection:receive("*l")
  if not line then return nil, why end
  if spent > free then connection:settimeout(limit, "t") end
  if #line > reply_limit or connection:dirty() then return nil, "garbage" end      -- nobody asked for the rest
  return line
end

local passes = { verdict = "pass", ttl = 0 }
local closing_brace = byte("}")

-- The usual answer needs no decoding.
local function is_pass(line, id)
  if find(line, pass_begins[id], 1, true) ~= 1 then return false end
  local last_but_one, last = byte(line, -2, -1)
  return last_but_one == closing_brace and last == closing_brace
end

local function exchange(line, id, began)
  local sent, why = connection:send(line)
  if not sent then return nil, why end
  told = unasked
  line, why = read_line(began)
  if not line then return nil, why end
  if is_pass(line, id) then return passes end
  local reply = cjson.decode(line)
  if type(reply) ~= "table" then return nil, "garbage" end
  if reply.id == cjson.null and type(reply.error) == "table" and reply.error.code == -32700 then return nil, "parse" end
  if reply.id ~= id then return nil, "garbage" end
  if type(reply.error) == "table" then return nil, "error" end
  if type(reply.result) ~= "table" then return nil, "garbage" end
  return reply.result
end

local reasons = { parse = "parse", timeout = "timeout", garbage = "garbage", error = "error", connect = "connect", down = "down" }

-- A connection that the daemon has closed meanwhile (a restart) is noticed by the first use: one more attempt.
local function ask(line, id, now)
  local result, why
  for attempt = 1, 2 do
    local reused = connection ~= nil
    if not reused then
      local _, problem = connect(now)
      if problem then why = problem break end
    end
    result, why = exchange(line, id, now)
    if result or why == "error" or why == "parse" then break end
    close()                                         -- a late reply is never taken for the next one's
    if not reused or reasons[why] then break end
  end
  return result, result == nil and (reasons[why] or "closed") or nil
end

local verdicts = { pass = true, reject = true, ok200 = true, drop = true }

local function whole(value, low, high)
  return type(value) == "number" and value >= low and value <= high and value % 1 == 0 and value or nil
end

-- "From: <uri>;tag=..." for the disarming 200. The request's own URI only where every byte of it is harmless.
local function disarmed_from(tag)
  local uri = pv.get("$fu")
  if type(uri) ~= "string" or #uri > 256 or not find(uri, "^sips?:[%w%-_%.!~%*'%(%)&=%+%$,/%%@:%[%];%?]+$") then
    uri = "sip:anonymous@anonymous.invalid"
  end
  return "From: <" .. uri .. ">;tag=" .. tag
end

local function give(result)
  local verdict = result.verdict
  if not verdicts[verdict] then return "garbage" end
  local reason = result.reason
  if type(reason) ~= "string" or not find(reason, "^[%w %-%.]+$") or #reason > 64 then reason = nil end
  if verdict == "reject" then
    local code = whole(result.code, 300, 699)
    pv.seti("$var(sg_code)", code or 403)
    pv.sets("$var(sg_reason)", code and reason or "Forbidden")
    pv.seti("$var(sg_retry_after)", whole(result.retry_after, 1, 86400) or 0)
  elseif verdict == "ok200" then
    local tag, disarms = result.from_tag, result.variant == "disarm"
    if disarms then
      if type(tag) ~= "string" or #tag > 128 or not find(tag, "^[%w%-%.!%%%*_%+`'~]+$") then return "garbage" end
      pv.sets("$var(sg_from)", disarmed_from(tag))
    end
    pv.sets("$var(sg_variant)", disarms and "disarm" or "plain")
  end
  if verdict ~= "pass" then pv.sets("$var(sg_verdict)", verdict) end
  count(verdict)
  return nil
end

-- Called by route[SIPGUARD], which has set $var(sg_verdict) to "pass".
function sipguard_check()
  if not path then settle() end
  local now = gettime()
  if leases and leases.is_leased(now) then pv.sets("$var(sg_verdict)", "drop") return end
  if not may_wait(now) then unasked = unasked + 1 count("skipped_budget") return end
  if not connection and resting(now) then unasked = unasked + 1 count("skipped_down") return end
  last_id = last_id % id_limit + 1
  local line = question(last_id)
  if not line then unasked = unasked + 1 failed("encode", now) return end
  count("asked")
  local began = gettime()
  told = 0
  local result, why = ask(line, last_id, began)
  if why == "parse" then                           -- bytes that are not UTF-8
    result, why = ask(escaped(line), last_id, began)
    why = why == "parse" and "error" or why
  end
  pay(began)
  if result then why = give(result) end
  if leases and result and not why and result.verdict == "drop" then leases.take(result, now) end
  if why == "garbage" then close() end
  if why then
    -- A daemon that is late reads it yet, so it is not told again; one that is gone has forgotten all of it.
    if why == "timeout" then unasked = unasked - told end
    unasked = unasked + 1
    failed(why, gettime())
  else
    unasked = 0
    answered(now)
  end
end

-- Called after authentication. A notification: nobody waits for an answer, a full socket buffer drops it.
function sipguard_report(outcome, user)
  if not path then settle() end
  local now = gettime()
  if not may_wait(now) then count("reports_dropped") return end
  if type(user) ~= "string" or user == "" or user == "<null>" then user = nil end
  local caller = pv.get("$fU")                      -- may differ from the digest's user; a login is trust for both
  if type(caller) ~= "string" or caller == "" then caller = nil end
  local line = encode({
    jsonrpc = "2.0", method = "guard.report",
    params = {
      source_ip = kx.get_srcip(), transport = kx.get_proto(), outcome = outcome, method = kx.get_method(),
      user = user and sub(user, 1, fact_limit), from_user = caller and sub(caller, 1, fact_limit),
      call_id = sub(pv.get("$ci") or "", 1, fact_limit),
    },
  })
  if not line then failed("encode", now) count("reports_dropped") return end
  if not connection then
    connect(now)
    pay(now)
    if not connection then count("reports_dropped") return end
  end
  connection:settimeout(0, "t")
  local sent, why, last = connection:send(line)
  connection:settimeout(limit, "t")
  if sent then count("reports") return end
  count("reports_dropped")
  if why ~= "timeout" or (last or 0) > 0 then close() end      -- half a line would spoil the next question
end

-- Lines that are told outside of any request, with a question behind them whose answer says that they have been counted.
local delivery                                     -- nil: none is under way

-- Goes on with the delivery for `report_limit`. True: all is counted. False: the connection is gone, and it must be made again.
-- Nil: not yet; nothing is sent a second time then, since it would count twice.
local function go_on()
  local why, last, line
  connection:settimeout(report_limit, "t")
  if delivery.sent < #delivery.text then
    local sent
    sent, why, last = connection:send(delivery.text, delivery.sent + 1)
    delivery.sent = sent or last
  end
  if not why then line, why, delivery.answer = connection:receive("*l", delivery.answer) end
  if why == "timeout" then return nil end
  local reply = line and cjson.decode(line)
  local counted = type(reply) == "table" and reply.id == last_id and reply.error == nil
  if not counted then close() end
  delivery = nil
  return counted
end

-- Begins a delivery, or goes on with the one under way where there are no lines.
local function deliver(lines)
  if not path then settle() end
  if lines then
    local now = gettime()
    if not connection and not connect(now) then return false end
    last_id = last_id % id_limit + 1
    local question = '{"jsonrpc":"2.0","id":' .. last_id .. ',"method":"daemon.ping"}\n'
    delivery = { text = lines .. question, sent = 0, answer = "" }
  end
  return go_on()
end

-- Without leases there is nothing to settle.
function sipguard_settle() end

if shared then
  local load_leases = loadfile((string.match(debug.getinfo(1, "S").source, "^@(.*/)") or "") .. "sipguard_lease.lua")
  if load_leases then
    lease_file = load_leases({ count = count, encode = encode, setting = setting, deliver = deliver })
  else
    KSR.warn("sipguard: sipguard_lease.lua is not beside sipguard.lua: every request is asked about\n")
  end
end
