import type { Documents } from "../store/documents.ts";
import type { ChainHead } from "./chain-head.ts";
import { decodeEvent } from "./event.ts";
import type { AuditRecord } from "./event.ts";
import { bodyOf, findEventAt, sequenceKey, sequenceOf, subjectKey } from "./event-table.ts";

export type AuditFilter = {
  /** User token or session id. */
  readonly subject?: string | undefined;
  /** Milliseconds since 1970, inclusive. */
  readonly fromMs?: number | undefined;
  /** Milliseconds since 1970, exclusive. */
  readonly toMs?: number | undefined;
  readonly title?: string | undefined;
  readonly status?: string | undefined;
  /** A caller's name. */
  readonly actor?: string | undefined;
  readonly offset: number;
  readonly limit: number;
};

export type AuditPage = { readonly total: number; readonly rows: readonly AuditRecord[] };

/** Bound of what one list looks through for a title, a status or an actor: the newest of the time asked for. */
const MAX_WALKED = 100_000;
const SLICE = 500;

/** Sequences from `begin` up to and without `end`. */
type Span = { readonly begin: number; readonly end: number };

/** Newest first. Rejects `audit-corrupt` when an event on the way is none. */
export async function listEvents(
  documents: Documents,
  head: ChainHead,
  filter: AuditFilter,
): Promise<AuditPage> {
  const span = await spanOf(documents, head, filter);
  const { title, status, actor, subject } = filter;
  if (title !== undefined || status !== undefined || actor !== undefined)
    return search(documents, span, filter);
  if (subject !== undefined) return pageOfSubject(documents, span, subject, filter);
  const newest = span.end - 1 - filter.offset;
  const oldest = Math.max(span.begin, newest - filter.limit + 1);
  const sequences = Array.from({ length: newest - oldest + 1 }, (_, index) => newest - index);
  return { total: span.end - span.begin, rows: await load(documents, sequences) };
}

/** Times never go back along the chain, so what lies between two of them is found by halving. */
async function spanOf(
  documents: Documents,
  { first, next }: ChainHead,
  { fromMs, toMs }: AuditFilter,
): Promise<Span> {
  const all = { begin: first, end: next };
  const begin = fromMs === undefined ? first : await firstSince(documents, all, fromMs);
  const end = toMs === undefined ? next : await firstSince(documents, all, toMs);
  return { begin, end: Math.max(begin, end) };
}

async function firstSince(documents: Documents, span: Span, timeMs: number): Promise<number> {
  let { begin, end } = span;
  while (begin < end) {
    const middle = Math.floor((begin + end) / 2);
    // Not `find`: where an event was dropped, the next one has to do.
    const [found] = await documents.list("audit", { from: sequenceKey(middle), limit: 1 });
    if (found === undefined || decodeEvent(bodyOf(found.value)).whenMs >= timeMs) end = middle;
    else begin = Number(found.key) + 1;
  }
  return begin;
}

async function pageOfSubject(
  documents: Documents,
  span: Span,
  subject: string,
  { offset, limit }: AuditFilter,
): Promise<AuditPage> {
  let total = 0;
  const wanted: number[] = [];
  for await (const sequences of sequencesOf(documents, span, subject)) {
    for (const [index, sequence] of sequences.entries())
      if (total + index >= offset && wanted.length < limit) wanted.push(sequence);
    total += sequences.length;
  }
  return { total, rows: await load(documents, wanted) };
}

async function search(documents: Documents, span: Span, filter: AuditFilter): Promise<AuditPage> {
  const rows: AuditRecord[] = [];
  let total = 0;
  let walked = 0;
  for await (const records of recordsOf(documents, span, filter.subject)) {
    for (const record of records) {
      if (!isMatch(record, filter)) continue;
      if (total >= filter.offset && rows.length < filter.limit) rows.push(record);
      total += 1;
    }
    walked += records.length;
    if (walked >= MAX_WALKED) break;
  }
  return { total, rows };
}

async function* recordsOf(
  documents: Documents,
  span: Span,
  subject: string | undefined,
): AsyncGenerator<readonly AuditRecord[]> {
  if (subject !== undefined) {
    for await (const sequences of sequencesOf(documents, span, subject))
      yield await load(documents, sequences);
    return;
  }
  for await (const slice of slices(documents, "audit", "", span))
    yield slice.map(({ value }) => decodeEvent(bodyOf(value)));
}

async function* sequencesOf(
  documents: Documents,
  span: Span,
  subject: string,
): AsyncGenerator<readonly number[]> {
  for await (const slice of slices(documents, "auditIndex", subjectKey(subject, ""), span))
    yield slice.map(({ value }) => sequenceOf(value));
}

/** Backwards through the keys that are `prefix` and a sequence of `span`. */
async function* slices(
  documents: Documents,
  table: "audit" | "auditIndex",
  prefix: string,
  { begin, end }: Span,
) {
  const from = `${prefix}${sequenceKey(begin)}`;
  let to = `${prefix}${sequenceKey(end)}`;
  while (true) {
    const slice = await documents.list(table, { from, to, limit: SLICE, reverse: true });
    yield slice;
    const last = slice.at(-1);
    if (last === undefined || slice.length < SLICE) return;
    to = last.key;
  }
}

/** An index entry whose event is gone is left out: the chain tells, a list goes on. */
async function load(
  documents: Documents,
  sequences: readonly number[],
): Promise<readonly AuditRecord[]> {
  const found = await Promise.all(sequences.map((sequence) => findEventAt(documents, sequence)));
  return found.filter((record) => record !== undefined);
}

function isMatch(record: AuditRecord, { title, status, actor }: AuditFilter): boolean {
  return (
    (title === undefined || record.title === title) &&
    (status === undefined || record.status === status) &&
    (actor === undefined || record.caller?.name === actor)
  );
}
