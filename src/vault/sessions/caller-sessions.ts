// Sessions that callers store through the API. Each is sealed under a key of its own in the keyring, so that removing one, or
// its expiry, is the destruction of that key. What is stored or removed goes into one batch with the event that tells of it.

import type { Clock } from "../../clock.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Change } from "../../store/documents.ts";
import type { Store } from "../../store/store.ts";
import { Concealed } from "../concealed.ts";
import type { DoomedKeys } from "../doomed-keys.ts";
import type { SessionView } from "./session-view.ts";

/** All are called within a turn of the session's id, and what they make ready is committed in it. */
export type CallerSessions = {
  /** Waits for a turn of `id`: what is held in it neither changes nor is swept. */
  readonly inTurn: <Result>(id: string, act: () => Promise<Result>) => Promise<Result>;
  /**
   * Makes ready what stores or replaces the session; `expiresAtMs` is absolute, whole milliseconds. When it is not committed, what was
   * there before is still there, and may expire sooner.
   */
  readonly replacementOf: (view: SessionView, expiresAtMs: number) => Promise<Change>;
  /** Undefined for an unknown and for an expired one alike. Rejects `open-failed` for a damaged one. */
  readonly find: (id: string) => Promise<Concealed<SessionView> | undefined>;
  /** Makes ready what removes the session; the key dies when that is committed, in `destroyKey`. */
  readonly removalOf: (id: string) => Promise<readonly Change[]>;
  readonly destroyKey: (id: string) => Promise<void>;
};

export type CallerSessionsParts = {
  readonly store: Pick<Store, "callerSessions" | "documents">;
  readonly subjects: Keyring["subjects"];
  readonly doomedKeys: DoomedKeys;
  readonly clock: Clock;
};

/** The record's plaintext, JSON. SECURITY: it repeats the expiry, because the store's own is not authenticated. */
type Plaintext = readonly [
  when: number,
  expiresAtMs: number,
  data: Readonly<Record<string, unknown>>,
];

export function createCallerSessions(parts: CallerSessionsParts): CallerSessions {
  const records = parts.store.callerSessions;
  return {
    inTurn: records.inTurn,
    replacementOf: (view, expiresAtMs) => replacementOf(parts, view, expiresAtMs),
    find: (id) => find(parts, id),
    removalOf: async (id) => [await records.changeOf(id), parts.doomedKeys.doom(subjectOf(id))],
    destroyKey: (id) => parts.doomedKeys.carryOut(subjectOf(id)),
  };
}

async function replacementOf(
  { store, subjects, doomedKeys }: CallerSessionsParts,
  { session, when, data }: SessionView,
  expiresAtMs: number,
): Promise<Change> {
  const subject = subjectOf(session);
  await doomedKeys.carryOut(subject);
  // What lies there under a key that has died goes first: under a new key it would look damaged instead of gone.
  if ((await subjects.find(subject)) === undefined)
    await store.documents.commit([await store.callerSessions.changeOf(session)]);
  const key = aeadKey(await subjects.create(subject, expiresAtMs));
  const plaintext: Plaintext = [when, expiresAtMs, data];
  const record = sealWith(key, Buffer.from(JSON.stringify(plaintext)), bindingOf(session));
  return store.callerSessions.changeOf(session, { record, expiresAtMs });
}

async function find(
  { store, subjects, clock }: CallerSessionsParts,
  id: string,
): Promise<Concealed<SessionView> | undefined> {
  const sealed = await store.callerSessions.find(id);
  if (sealed === undefined) return undefined;
  const key = await subjects.find(subjectOf(id));
  if (key === undefined) return undefined;
  const [when, expiresAtMs, data] = parsePlaintext(openWith(aeadKey(key), sealed, bindingOf(id)));
  return expiresAtMs <= clock.now() ? undefined : new Concealed({ session: id, when, data });
}

function subjectOf(id: string): string {
  return `session:${id}`;
}

/** What a record is bound to: purpose, the name of its key, the record's key. `sealWith` adds the version. */
function bindingOf(id: string): Buffer {
  return associatedData("caller session", subjectOf(id), id);
}

function parsePlaintext(bytes: Uint8Array): Plaintext {
  // Authenticated: `replacementOf` has written it, so it has this shape.
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Plaintext;
}
