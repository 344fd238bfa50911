-- What wrk sends and reports. Arguments: kind of request, number of the first identity, file of session tokens, access token.
-- Each maker returns the function that wrk calls for every request.

local HOST = "Host: bench.example\r\n"
local AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36"
local ACCEPT = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\n"

local makers = {}

-- One visitor with a session cookie, again and again.
function makers.visit()
  local text = "GET / HTTP/1.1\r\n" .. HOST .. "User-Agent: " .. AGENT:format(131, 6778, 86) .. "\r\n" ..
    ACCEPT .. "Cookie: PHPSESSID=k2m9q4x1v8c3b6n5a7s0d2f4g6\r\n\r\n"
  return function() return text end
end

-- Another address, user agent and session cookie in every request.
makers["new-identity"] = function(first)
  local n = tonumber(first)
  local floor, format = math.floor, string.format
  local template = "GET / HTTP/1.1\r\n" .. HOST .. "X-Forwarded-For: %d.%d.%d.%d\r\nUser-Agent: " .. AGENT .. "\r\n" ..
    ACCEPT .. "Cookie: PHPSESSID=k2m9q4x1v8c3b6n5%010d\r\n\r\n"
  return function()
    n = n + 1
    return format(template, 20 + floor(n / 16777216), floor(n / 65536) % 256, floor(n / 256) % 256, n % 256,
      100 + n % 40, n % 7000, floor(n / 7000) % 1000, n)
  end
end

-- Look-ups of the tokens in the file, one after the other.
makers["look-up"] = function(_, file, access)
  local texts = {}
  for token in io.lines(file) do
    texts[#texts + 1] = "GET /v1/session/" .. token .. " HTTP/1.1\r\n" .. HOST .. "X-Bunker-Token: " .. access ..
      "\r\nX-Lookup-Reason: benchmark\r\n\r\n"
  end
  local n = 0
  return function()
    n = n % #texts + 1
    return texts[n]
  end
end

function init(args)
  request = makers[args[1]](args[2], args[3], args[4])
end

-- One line of JSON that bench/load-generator.ts reads: latencies as pairs of microseconds and how many.
function done(summary, latency, _)
  local pairs_ = {}
  for i = 1, #latency do
    local value, count = latency(i)
    pairs_[i] = string.format("[%d,%d]", value, count)
  end
  local e = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%f,"failures":%d,"latency":[%s]}\n', summary.requests,
    summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout, table.concat(pairs_, ",")))
end
