// The audit trail: what callers did, one event an operation, in a chain that shows what was altered or dropped.
//
// Each event is stored with a MAC over its own bytes and the MAC before it (chain.ts), under a key that is in the keyring and not in
// the database; a signed head says where the chain begins and ends (chain-head.ts). An event and what its operation changed are one
// atomic batch, so neither can be there without the other, and who cannot write the event gets nothing. What is personal in an event is
// sealed under the data subject's key (event.ts): when that is destroyed the bytes stay as they are, and the chain holds.
//
// What the chain cannot show is that somebody put back an older copy of the whole store: `verify` says how it ends, so that it can be
// noted elsewhere.

import type { KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import { LogveilError, hasCode } from "../errors.ts";
import { createSerial } from "../keys/serial.ts";
import type { Change, Documents } from "../store/documents.ts";
import { findBreak, linkOf, walk } from "./chain.ts";
import type { Break } from "./chain.ts";
import { headChange, readChainHead } from "./chain-head.ts";
import type { ChainHead } from "./chain-head.ts";
import { decodeEvent, draftOf, encodeEvent } from "./event.ts";
import type { AuditDraft, AuditEvent, AuditRecord } from "./event.ts";
import { listEvents } from "./event-list.ts";
import type { AuditFilter, AuditPage } from "./event-list.ts";
import {
  bodyOf,
  findEvent,
  findEventAt,
  insertionOf,
  linkOfStored,
  removalOf,
} from "./event-table.ts";

export type { AuditFilter, AuditPage } from "./event-list.ts";

export type Verification =
  | {
      readonly isIntact: true;
      readonly events: number;
      /** The MAC of the newest event, 64 hex digits: it changes with every event before it. */
      readonly end: string;
    }
  | {
      readonly isIntact: false;
      /** The first event that is not as it was written, or is missing; with `head-replaced` the one that would come next. */
      readonly sequence: number;
      /** `head-replaced`: the signed end of the chain is not the one that was written last. */
      readonly problem: Break["problem"] | "head-replaced";
      /** When the event before it was, ms since 1970. */
      readonly afterMs: number | undefined;
    };

export type AuditTrail = {
  /**
   * Stores the event and `changes` together, or neither. Rejects `audit-unavailable`: then nothing has happened, and nothing may
   * be disclosed. (A disk that fails in the act can leave both behind; never one without the other.)
   */
  readonly append: (event: AuditEvent, changes?: readonly Change[]) => Promise<void>;
  /**
   * Asked before anything is done for somebody without an access token, whose events would otherwise fill the disk. Throws
   * `too-many-requests`. Missing where nobody comes in from outside.
   */
  readonly admitAnonymous?: () => void;
  /**
   * Newest first. A filter by title, status or actor looks through the newest 100,000 events of the time and the subject that are asked
   * for; `total` counts what it found there. Rejects `audit-corrupt` for an event that cannot be read.
   */
  readonly list: (filter: AuditFilter) => Promise<AuditPage>;
  /** Rejects `audit-corrupt`. */
  readonly find: (atoken: string) => Promise<AuditRecord | undefined>;
  /** Walks the whole chain. */
  readonly verify: () => Promise<Verification>;
  /**
   * Removes events from before `beforeMs` and anchors the chain behind them. Resolves how many went. Rejects `audit-corrupt`, and
   * removes nothing, where the chain is broken: what is broken is evidence.
   */
  readonly retire: (beforeMs: number) => Promise<number>;
};

export type AuditTrailParts = {
  readonly documents: Documents;
  /** `keyring.auditKey`. */
  readonly key: KeyObject;
  readonly clock: Clock;
};

/** One batch: some milliseconds of the event loop. */
const SLICE = 500;
const MAX_GROUP_BYTES = 512 * 1024;
/** Events that wait for the write under way, and what they weigh with their changes; more are refused. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** What an event weighs beside its sealed part, roughly. */
const EVENT_BYTES = 512;
/** How often `verify` begins again because the retention has moved the chain's beginning. */
const MAX_ATTEMPTS = 10;

/** Rejects `audit-corrupt` when the chain's head is not the one that this keyring has written last. */
export async function openAuditTrail(parts: AuditTrailParts): Promise<AuditTrail> {
  return new ChainedTrail(parts, await readChainHead(parts.documents, parts.key));
}

type Found = Pick<Extract<Verification, { isIntact: false }>, "sequence" | "problem">;

type Waiting = {
  readonly draft: AuditDraft;
  readonly changes: Change;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

class ChainedTrail implements AuditTrail {
  readonly #parts: AuditTrailParts;
  /** Whoever moves the head does so in a turn of its own. */
  readonly #inTurn = createSerial();
  #head: ChainHead;
  /** False from a failed write, which may have been stored all the same, until the stored head has been read. */
  #isHeadCertain = true;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isRunning = false;

  constructor(parts: AuditTrailParts, head: ChainHead) {
    this.#parts = parts;
    this.#head = head;
  }

  async append(event: AuditEvent, changes: readonly Change[] = []): Promise<void> {
    const draft = draftOf(event);
    const prepared = this.#prepare(changes);
    const bytes = EVENT_BYTES + (draft.sealed?.length ?? 0) + prepared.bytes;
    const isFull = this.#waitingBytes + bytes > MAX_WAITING_BYTES;
    if (isFull || this.#waiting.length >= MAX_WAITING) throw new LogveilError("audit-unavailable");
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ draft, changes: prepared, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      // It rejects nothing: each event hears of its own failure.
      if (!this.#isRunning) void this.#run();
    });
  }

  list(filter: AuditFilter): Promise<AuditPage> {
    return listEvents(this.#parts.documents, this.#head, filter);
  }

  find(atoken: string): Promise<AuditRecord | undefined> {
    return findEvent(this.#parts.documents, atoken);
  }

  async verify(): Promise<Verification> {
    const { documents, key } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      const head = await this.#inTurn(() => this.#checkedHead());
      if (head === undefined) return this.#describeReplacedHead();
      const broken = await findBreak(documents, key, head);
      if (broken === undefined)
        return {
          isIntact: true,
          events: head.next - head.first,
          end: Buffer.from(head.last).toString("hex"),
        };
      // What was missing may have been retired during the walk.
      const hasMoved = this.#head.first !== head.first;
      if (!hasMoved || attempt === MAX_ATTEMPTS) return this.#describe(broken);
    }
  }

  async retire(beforeMs: number): Promise<number> {
    for (let retired = 0; ;) {
      const gone = await this.#inTurn(() => this.#retireSlice(beforeMs));
      retired += gone;
      if (gone < SLICE) return retired;
    }
  }

  /** One of them may be at fault, as with a key that is too long: that must not fail the others of its group. */
  #prepare(changes: readonly Change[]): ReturnType<Documents["prepare"]> {
    try {
      return this.#parts.documents.prepare(changes);
    } catch (cause) {
      throw new LogveilError("audit-unavailable", { cause });
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // What the same turn of the event loop brings goes into one write.
    await new Promise<void>((resume) => setImmediate(resume));
    while (this.#waiting.length > 0) await this.#inTurn(() => this.#write(this.#takeGroup()));
    this.#isRunning = false;
  }

  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      count += 1;
      if (bytes >= MAX_GROUP_BYTES || count === SLICE) break;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#restoreHead();
      const changes: Change[] = [];
      let head = this.#head;
      for (const waiting of group) {
        const chained = this.#chain(waiting.draft, head);
        changes.push(waiting.changes, ...chained.changes);
        head = chained.head;
      }
      await this.#commit(changes, head);
    } catch (cause) {
      for (const { reject } of group) reject(new LogveilError("audit-unavailable", { cause }));
      return;
    }
    for (const { resolve } of group) resolve();
  }

  #chain(draft: AuditDraft, head: ChainHead) {
    const { key, clock } = this.#parts;
    const sequence = head.next;
    // A clock that is set back does not reorder the trail.
    const whenMs = Math.max(clock.now(), head.lastMs);
    const body = encodeEvent(draft, { sequence, whenMs });
    const last = linkOf(key, head.last, sequence, body);
    return {
      changes: insertionOf({ ...draft, sequence }, last, body),
      head: { ...head, next: sequence + 1, last, lastMs: whenMs },
    };
  }

  async #commit(changes: readonly Change[], head: ChainHead): Promise<void> {
    const { documents, key } = this.#parts;
    this.#isHeadCertain = false;
    await documents.commit([...changes, headChange(head, key)]);
    this.#head = head;
    this.#isHeadCertain = true;
  }

  /** Within a turn. Rejects `audit-corrupt` when what is stored is not what was written last, or would have been. */
  async #restoreHead(): Promise<void> {
    if (this.#isHeadCertain) return;
    const { documents, key } = this.#parts;
    const stored = await readChainHead(documents, key);
    if (stored.next < this.#head.next) throw new LogveilError("audit-corrupt");
    this.#head = stored;
    this.#isHeadCertain = true;
  }

  /** Within a turn. Undefined when the head that is stored is not the one that was written last. */
  async #checkedHead(): Promise<ChainHead | undefined> {
    const { documents, key } = this.#parts;
    try {
      await this.#restoreHead();
      const stored = await readChainHead(documents, key);
      const isSame = Buffer.compare(stored.last, this.#head.last) === 0;
      return isSame && stored.first === this.#head.first ? stored : undefined;
    } catch (error) {
      if (hasCode(error, "audit-corrupt")) return undefined;
      throw error;
    }
  }

  /** The head does not say what is missing; what was in memory does, if anything is. */
  async #describeReplacedHead(): Promise<Verification> {
    const { documents, key } = this.#parts;
    const broken = await findBreak(documents, key, this.#head);
    return this.#describe(broken ?? { sequence: this.#head.next, problem: "head-replaced" });
  }

  async #describe({ sequence, problem }: Found): Promise<Verification> {
    // The walk has just come past it, so it says what was written.
    const before = await findEventAt(this.#parts.documents, sequence - 1);
    return { isIntact: false, sequence, problem, afterMs: before?.whenMs };
  }

  async #retireSlice(beforeMs: number): Promise<number> {
    const { documents, key } = this.#parts;
    await this.#restoreHead();
    const head = this.#head;
    const oldest = await documents.list("audit", { limit: SLICE });
    // All of the slice: an event whose time was altered must not pass for one that is still to be kept.
    if ("problem" in walk(key, { next: head.first, link: head.anchor }, oldest))
      throw new LogveilError("audit-corrupt");
    const end = oldest.findIndex(({ value }) => decodeEvent(bodyOf(value)).whenMs >= beforeMs);
    const expired = end === -1 ? oldest : oldest.slice(0, end);
    const last = expired.at(-1);
    if (last === undefined) return 0;
    const first = head.first + expired.length;
    const moved = { ...head, first, anchor: linkOfStored(last.value) };
    await this.#commit(expired.flatMap(removalOf), moved);
    return expired.length;
  }
}
