// Text of which nothing is known: lines that could not be parsed, messages. Queries first, as queries; then everything
// by what it means when it is decoded.

import { type Search, findInReading, wholeOf } from "./component.ts";
import type { Finding } from "./finding.ts";
import { type KeepList, findInQuery } from "./query-policy.ts";
import { isEscaped, readLeniently } from "./reading.ts";

const MAX_TEXT_CHARACTERS = 8192;
const WORD = /[^\s"'<>|]+/g;
const COMPONENT = /[^\s"'<>|/?=,]+/g;

/** What is to be replaced. What is beyond 8 KiB, from the word on in which that is, is one `rest`. */
export function findInText(text: string, keep: KeepList, search: Search): readonly Finding[] {
  if (text.length <= MAX_TEXT_CHARACTERS) return findInBoundedText(text, keep, search);
  const cut = startOfWord(text, MAX_TEXT_CHARACTERS);
  const rest = text.slice(cut);
  return [...findInBoundedText(text.slice(0, cut), keep, search), wholeOf(rest, cut, "rest", rest)];
}

function findInBoundedText(text: string, keep: KeepList, search: Search): readonly Finding[] {
  const inQueries = findInQueries(text, keep, search);
  const unread = findInGaps(text, inQueries, findUnread);
  return findInGaps(text, unread, (gap, offset) =>
    findInReading(readLeniently(gap), offset, search),
  );
}

function findInQueries(text: string, keep: KeepList, search: Search): readonly Finding[] {
  if (!text.includes("?")) return [];
  return Array.from(text.matchAll(WORD), ({ 0: word, index }) => {
    const mark = word.indexOf("?") + 1;
    return mark === 0 ? [] : findInQuery(word.slice(mark), index + mark, keep, search);
  }).flat();
}

/** SECURITY: what is still encoded after the rounds that we read may be readable to somebody else. */
function findUnread(text: string, offset: number): readonly Finding[] {
  if (!isEscaped(readLeniently(text).text)) return [];
  return Array.from(text.matchAll(COMPONENT), ({ 0: raw, index }) =>
    isEscaped(readLeniently(raw).text) ? [wholeOf(raw, offset + index, "opaque", raw)] : [],
  ).flat();
}

/** `findings`, in order, with those that `find` makes of the texts between them. */
function findInGaps(
  text: string,
  findings: readonly Finding[],
  find: (gap: string, offset: number) => readonly Finding[],
): readonly Finding[] {
  const all: Finding[] = [];
  let from = 0;
  for (const finding of findings) {
    if (from < finding.start) all.push(...find(text.slice(from, finding.start), from));
    all.push(finding);
    from = finding.end;
  }
  if (from < text.length) all.push(...find(text.slice(from), from));
  return all;
}

function startOfWord(text: string, from: number): number {
  const gap = text.slice(0, from).search(/\s\S*$/);
  return gap === -1 ? 0 : gap + 1;
}
