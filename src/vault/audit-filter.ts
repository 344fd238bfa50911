import type { AuditFilter } from "../audit/trail.ts";
import { LogveilError } from "../errors.ts";

/** What a request asks of the trail, as it came: nothing of it has been looked at. */
export type AuditQuery = {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly title?: string | undefined;
  readonly status?: string | undefined;
  readonly actor?: string | undefined;
  readonly offset: number;
  readonly limit: number;
};

const STATUSES: readonly string[] = ["ok", "error", "denied"];

/** RFC 3339, with `Z` when no offset is given; the time of day can be left out. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?<offset>Z|[+-]\d{2}:\d{2})?$/i;

/** `from` is inclusive, `to` exclusive. Throws `filter-invalid` for a time or a status that is none. */
export function parseAuditFilter(query: AuditQuery): AuditFilter {
  const { from, to, title, status, actor, offset, limit } = query;
  if (status !== undefined && !STATUSES.includes(status)) throw new LogveilError("filter-invalid");
  return { fromMs: parseTime(from), toMs: parseTime(to), title, status, actor, offset, limit };
}

/** Unix seconds, or a date with or without a time of day, into milliseconds. */
function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : parseDate(text);
  if (!Number.isFinite(timeMs)) throw new LogveilError("filter-invalid");
  return timeMs;
}

function parseDate(text: string): number {
  if (DATE.test(text)) return Date.parse(text);
  const match = DATE_TIME.exec(text);
  if (match === null) return Number.NaN;
  // Without an offset Date.parse would take the machine's own time zone.
  return Date.parse(match.groups?.["offset"] === undefined ? `${text}Z` : text);
}
