import type { KeyObject } from "node:crypto";
import { equalInConstantTime } from "../keys/constant-time.ts";
import { mac } from "../keys/mac.ts";
import type { Document, Documents } from "../store/documents.ts";
import type { ChainHead } from "./chain-head.ts";
import { bodyOf, linkOfStored, sequenceKey } from "./event-table.ts";

/** What is wrong with a chain, at the first event that is not as it was written or is missing. */
export type Break = { readonly sequence: number; readonly problem: "altered" | "dropped" };

/** Where a walk along the chain has come: the sequence that has to come next, and the MAC that it continues. */
export type ChainPosition = { readonly next: number; readonly link: Uint8Array };

/** Events read in one go: a few milliseconds of the event loop. */
const SLICE = 500;

/** The MAC of an event: over the MAC before it, its place and its bytes as they are stored, sealed parts and all. */
export function linkOf(
  key: KeyObject,
  previous: Uint8Array,
  sequence: number,
  body: Uint8Array,
): Buffer {
  return mac(key, "audit chain", previous, String(sequence), body);
}

/** Walks from the chain's anchor to its head. */
export async function findBreak(
  documents: Documents,
  key: KeyObject,
  head: ChainHead,
): Promise<Break | undefined> {
  let position: ChainPosition = { next: head.first, link: head.anchor };
  while (position.next < head.next) {
    const range = { from: sequenceKey(position.next), to: sequenceKey(head.next), limit: SLICE };
    // Everything from the beginning of the table: what lies before the anchor does not belong there.
    const from = position.next === head.first ? "" : range.from;
    const slice = await documents.list("audit", { ...range, from });
    if (slice.length === 0) return { sequence: position.next, problem: "dropped" };
    const walked = walk(key, position, slice);
    if ("problem" in walked) return walked;
    position = walked;
  }
  if (equalInConstantTime(position.link, head.last)) return undefined;
  return { sequence: position.next - 1, problem: "altered" };
}

/** One step along the chain for each of `events`, which come in the order of their keys. */
export function walk(
  key: KeyObject,
  start: ChainPosition,
  events: readonly Document[],
): ChainPosition | Break {
  let { next, link } = start;
  for (const event of events) {
    if (event.key !== sequenceKey(next)) return { sequence: next, problem: "dropped" };
    link = linkOf(key, link, next, bodyOf(event.value));
    if (!equalInConstantTime(link, linkOfStored(event.value)))
      return { sequence: next, problem: "altered" };
    next += 1;
  }
  return { next, link };
}
