// The names that may stand in an access log for a browser, a tool or a robot. Nothing else gets out of user-agent.ts, whatever a
// User-Agent header holds.

/** bowser's names, as ours. */
export const BROWSERS: ReadonlyMap<string, string> = new Map([
  ["Amazon Silk", "Amazon Silk"],
  ["Android Browser", "Android Browser"],
  ["Brave", "Brave"],
  ["Chrome", "Chrome"],
  ["Chromium", "Chromium"],
  ["DuckDuckGo", "DuckDuckGo"],
  ["Electron", "Electron"],
  ["Epiphany", "Epiphany"],
  ["Firefox", "Firefox"],
  ["Focus", "Firefox Focus"],
  ["Google Search", "Google Search"],
  ["HeyTap Browser", "HeyTap Browser"],
  ["Internet Explorer", "Internet Explorer"],
  ["LibreWolf", "LibreWolf"],
  ["Microsoft Edge", "Edge"],
  ["Miui", "Mi Browser"],
  ["NAVER Whale Browser", "Whale"],
  ["Opera", "Opera"],
  ["Opera Touch", "Opera"],
  ["Pale Moon", "Pale Moon"],
  ["QQ Browser", "QQ Browser"],
  ["Safari", "Safari"],
  ["Samsung Internet for Android", "Samsung Internet"],
  ["SeaMonkey", "SeaMonkey"],
  ["UC Browser", "UC Browser"],
  ["Vivaldi", "Vivaldi"],
  ["Vivo Browser", "Vivo Browser"],
  ["WeChat", "WeChat"],
  ["Yandex Browser", "Yandex Browser"],
]);

/** bowser's names of operating systems, as ours; another known one is "Other". */
export const SYSTEMS: ReadonlyMap<string, string> = new Map([
  ["Android", "Android"],
  ["Chrome OS", "ChromeOS"],
  ["Linux", "Linux"],
  ["Windows", "Windows"],
  ["iOS", "iOS"],
  ["macOS", "macOS"],
]);

/** Products that name themselves at the beginning: `curl/8.5.0`. */
export const TOOLS: ReadonlyMap<string, string> = byLowerCase([
  "aiohttp",
  "Apache-HttpClient",
  "axios",
  "curl",
  "Dart",
  "fasthttp",
  "Go-http-client",
  "got",
  "HTTPie",
  "Java",
  "k6",
  "kube-probe",
  "libwww-perl",
  "node",
  "node-fetch",
  "okhttp",
  "PostmanRuntime",
  "Prometheus",
  "python-httpx",
  "python-requests",
  "Python-urllib",
  "reqwest",
  "Ruby",
  "undici",
  "Wget",
]);

/** Robots, which name themselves anywhere; bowser knows half of them, under names of its own. */
export const ROBOTS: ReadonlyMap<string, string> = byLowerCase([
  "AhrefsBot",
  "Amazonbot",
  "Applebot",
  "archive.org_bot",
  "Baiduspider",
  "bingbot",
  "Bytespider",
  "CCBot",
  "ChatGPT-User",
  "ClaudeBot",
  "DotBot",
  "DuckDuckBot",
  "facebookexternalhit",
  "Googlebot",
  "GoogleOther",
  "GPTBot",
  "LinkedInBot",
  "meta-externalagent",
  "MJ12bot",
  "OAI-SearchBot",
  "PerplexityBot",
  "PetalBot",
  "Pingdom",
  "Pinterestbot",
  "SemrushBot",
  "Slackbot",
  "TelegramBot",
  "Twitterbot",
  "UptimeRobot",
  "WhatsApp",
  "Yahoo! Slurp",
  "YandexBot",
]);

function byLowerCase(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}
