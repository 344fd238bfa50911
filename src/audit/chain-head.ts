import type { KeyObject } from "node:crypto";
import { LogveilError } from "../errors.ts";
import { equalInConstantTime } from "../keys/constant-time.ts";
import { mac } from "../keys/mac.ts";
import type { Change, Documents } from "../store/documents.ts";
import { sequenceKey } from "./event-table.ts";

/** Where the chain begins and ends. Stored in every batch that changes it, so a crash leaves it in step with the events. */
export type ChainHead = {
  /** Sequence of the oldest event that is kept. */
  readonly first: number;
  /** MAC of the event before it; of nothing at the very beginning. */
  readonly anchor: Uint8Array;
  /** Sequence that the next event gets. */
  readonly next: number;
  /** MAC of the newest event. */
  readonly last: Uint8Array;
  /** When that was, ms since 1970. */
  readonly lastMs: number;
};

const HEAD_KEY = "audit.head";
const MAC_BYTES = 32;
const NOTHING = new Uint8Array(MAC_BYTES);
const NEW: ChainHead = { first: 1, anchor: NOTHING, next: 1, last: NOTHING, lastMs: 0 };

/** JSON, signed with the audit key. */
export function headChange(head: ChainHead, key: KeyObject): Change {
  const { first, anchor, next, last, lastMs } = head;
  const text = JSON.stringify([1, first, hex(anchor), next, hex(last), lastMs]);
  const value = Buffer.concat([mac(key, "audit head", text), Buffer.from(text)]);
  return { table: "meta", key: HEAD_KEY, value };
}

/**
 * The head of a new chain when none is stored and there are no events. Rejects `audit-corrupt` for one that the audit key has not signed,
 * and for one with events behind it: an older head, put back to hide them.
 */
export async function readChainHead(documents: Documents, key: KeyObject): Promise<ChainHead> {
  const stored = await documents.find("meta", HEAD_KEY);
  const head = stored === undefined ? NEW : parse(stored, key);
  const from = stored === undefined ? "" : sequenceKey(head.next);
  // Events without a head, or behind it: a new one would hide what is missing.
  if ((await documents.list("audit", { from, limit: 1 })).length > 0)
    throw new LogveilError("audit-corrupt");
  return head;
}

function parse(stored: Uint8Array, key: KeyObject): ChainHead {
  const text = Buffer.from(stored.subarray(MAC_BYTES)).toString("utf8");
  if (!equalInConstantTime(stored.subarray(0, MAC_BYTES), mac(key, "audit head", text)))
    throw new LogveilError("audit-corrupt");
  // Signed, so as it was written.
  const [, first, anchor, next, last, lastMs] = JSON.parse(text) as [
    version: 1,
    first: number,
    anchor: string,
    next: number,
    last: string,
    lastMs: number,
  ];
  return { first, anchor: bytesOf(anchor), next, last: bytesOf(last), lastMs };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "hex");
}
