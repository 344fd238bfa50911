-- What wrk sends and reports. Arguments: kind of request, number of the first identity, file of session tokens, access token, path,
-- bytes of the body. Each maker returns the request, or the function that wrk calls for every request.

local HOST = "Host: bench.example\r\n"
local AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36"
local ACCEPT = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\n"

local UPLOAD = "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%s"

-- Of mixed visitors, one in NEW_EACH is new; the others are of RETURNING ones.
local NEW_EACH, RETURNING = 10, 1000

-- The body, and the empty line before it.
local function ending(bytes)
  if bytes == 0 then return "\r\n" end
  return UPLOAD:format(bytes, ("x"):rep(bytes))
end

local makers = {}

-- One visitor with a session cookie, again and again.
function makers.visit(load)
  local method = load.bytes > 0 and "POST " or "GET "
  return method .. load.path .. " HTTP/1.1\r\n" .. HOST .. "User-Agent: " .. AGENT:format(131, 6778, 86) .. "\r\n" ..
    ACCEPT .. "Cookie: PHPSESSID=k2m9q4x1v8c3b6n5a7s0d2f4g6\r\n" .. ending(load.bytes)
end

local TEMPLATE = "GET %s HTTP/1.1\r\n" .. HOST .. "X-Forwarded-For: %d.%d.%d.%d\r\nUser-Agent: " .. AGENT .. "\r\n" ..
  ACCEPT .. "Cookie: PHPSESSID=k2m9q4x1v8c3b6n5%010d\r\n\r\n"

local floor, format = math.floor, string.format

local function visit_of(path, n)
  return format(TEMPLATE, path, 20 + floor(n / 16777216), floor(n / 65536) % 256, floor(n / 256) % 256, n % 256,
    100 + n % 40, n % 7000, floor(n / 7000) % 1000, n)
end

-- Another address, user agent and session cookie in every request.
makers["new-identity"] = function(load)
  local n = load.first
  return function()
    n = n + 1
    return visit_of(load.path, n)
  end
end

-- Mostly visitors who come back, and new ones among them.
function makers.mixed(load)
  local n = 0
  return function()
    n = n + 1
    return visit_of(load.path, n % NEW_EACH == 0 and load.first + n or n % RETURNING)
  end
end

-- Look-ups of the tokens in the file, one after the other.
makers["look-up"] = function(load)
  local texts = {}
  for token in io.lines(load.file) do
    texts[#texts + 1] = "GET /v1/session/" .. token .. " HTTP/1.1\r\n" .. HOST .. "X-Bunker-Token: " .. load.access ..
      "\r\nX-Lookup-Reason: benchmark\r\n\r\n"
  end
  local n = 0
  return function()
    n = n % #texts + 1
    return texts[n]
  end
end

-- What is the same every time is formatted once, when this has returned; a global `request` would be called and copied every time.
function init(args)
  local made = makers[args[1]]({
    first = tonumber(args[2]), file = args[3], access = args[4], path = args[5], bytes = tonumber(args[6]),
  })
  if type(made) == "function" then request = made else wrk.format = function() return made end end
end

-- One line of JSON that bench/load-generator.ts reads. Latencies are pairs of microseconds and how many requests: every half percent,
-- and every tenth in the last, so that p50 and p99 are exact. Asking wrk for each value, `latency(i)`, searches all smaller ones first:
-- after a minute under a slow server that takes longer than the minute.
function done(summary, latency, _)
  local pairs_, requests = {}, summary.requests
  local function add(us, percent)
    pairs_[#pairs_ + 1] = format("[%d,%f]", us, requests * percent / 100)
  end
  for half = 1, 198 do add(latency:percentile(half / 2), 0.5) end
  for tenth = 991, 999 do add(latency:percentile(tenth / 10), 0.1) end
  add(latency.max, 0.1)
  local e = summary.errors
  io.write(format('{"requests":%d,"seconds":%f,"failures":%d,"latency":[%s]}\n', requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout, table.concat(pairs_, ",")))
end
