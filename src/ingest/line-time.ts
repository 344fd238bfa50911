// Times as logs write them, in ms since 1970; undefined for what is none, or is outside of what a session token's epoch can hold.

const MONTHS: ReadonlyMap<string, number> = new Map(
  "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ").map((name, at) => [name, at]),
);
/** A token's epoch has 32 bits (token/epoch.ts). */
const MAX_MS = 2 ** 32 * 1000;

export type FindTime = (text: string) => number | undefined;

const APACHE = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

/** `20/Nov/2026:13:55:36 +0100` (Apache `%t`, nginx `$time_local`). Remembers the last one: lines come almost in order of time. */
export function createApacheTimeReader(): FindTime {
  let lastText = "";
  let lastMs: number | undefined;
  return (text) => {
    if (text !== lastText) {
      lastText = text;
      lastMs = findApacheTime(text);
    }
    return lastMs;
  };
}

function findApacheTime(text: string): number | undefined {
  const [, day, name = "", year, hours, minutes, seconds, sign, zoneHours, zoneMinutes] =
    APACHE.exec(text) ?? [];
  const month = MONTHS.get(name);
  if (month === undefined) return undefined;
  const offsetMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  const local = utc([Number(year), month, Number(day), Number(hours), Number(minutes), Number(seconds)]); // prettier-ignore
  return local === undefined ? undefined : bounded(local + (sign === "-" ? offsetMs : -offsetMs));
}

const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** `2026-11-20T13:55:36.042+01:00` (RFC 3339, nginx `$time_iso8601`). */
export function findIsoTime(text: string): number | undefined {
  if (!ISO.test(text)) return undefined;
  const spelt = text
    .replace(" ", "T")
    .replace(",", ".")
    .replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
  const ms = Date.parse(spelt);
  return Number.isNaN(ms) ? undefined : bounded(Math.floor(ms));
}

/** Seconds since 1970 with a fraction (nginx `$msec`, Caddy `ts`), or milliseconds. */
export function findUnixTime(value: number): number | undefined {
  return bounded(Math.round(value > 1e11 ? value : value * 1000));
}

const NGINX_ERROR = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)$/;

/** `2026/11/20 13:55:36`. Without a zone: the one of this process (`TZ`), which is the server's when both run on one machine. */
export function findNginxErrorTime(text: string): number | undefined {
  const [, year, month, day, hours, minutes, seconds] = NGINX_ERROR.exec(text) ?? [];
  if (year === undefined) return undefined;
  return local([Number(year), Number(month) - 1, Number(day), Number(hours), Number(minutes), Number(seconds)]); // prettier-ignore
}

const APACHE_ERROR =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{3})\d*)? (\d{4})$/;

/** `Fri Nov 20 13:55:36.123456 2026`; likewise. */
export function findApacheErrorTime(text: string): number | undefined {
  const [, name = "", day, hours, minutes, seconds, ms = "0", year] = APACHE_ERROR.exec(text) ?? [];
  const month = MONTHS.get(name);
  if (month === undefined) return undefined;
  const whole = local([Number(year), month, Number(day), Number(hours), Number(minutes), Number(seconds)]); // prettier-ignore
  return whole === undefined ? undefined : whole + Number(ms);
}

type Parts = readonly [number, number, number, number, number, number];

function utc([year, month, day, hours, minutes, seconds]: Parts): number | undefined {
  if (!isInRange([year, month, day, hours, minutes, seconds])) return undefined;
  return Date.UTC(year, month, day, hours, minutes, seconds);
}

function local([year, month, day, hours, minutes, seconds]: Parts): number | undefined {
  if (!isInRange([year, month, day, hours, minutes, seconds])) return undefined;
  return bounded(new Date(year, month, day, hours, minutes, seconds).getTime());
}

/** A leap second is the second after it, as everywhere in POSIX. */
function isInRange([, month, day, hours, minutes, seconds]: Parts): boolean {
  return month >= 0 && month < 12 && day >= 1 && day <= 31 && hours < 24 && minutes < 60 && seconds <= 60; // prettier-ignore
}

function bounded(ms: number): number | undefined {
  return ms >= 0 && ms < MAX_MS ? ms : undefined;
}
