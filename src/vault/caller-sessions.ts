// Sessions that callers store through the API. Each is sealed under a key of its own in the keyring, so that removing one, or
// its expiry, is the destruction of that key; the record goes after it.

import type { Clock } from "../clock.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../keys/aead.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Store } from "../store/store.ts";
import { Concealed } from "./concealed.ts";
import type { SessionView } from "./session-view.ts";
import { createTurns } from "./turns.ts";

export type CallerSessions = {
  /**
   * Stores or replaces the session; `expiresAtMs` is absolute, whole milliseconds. When it rejects, what was there before is
   * still there, and may expire sooner.
   */
  readonly put: (view: SessionView, expiresAtMs: number) => Promise<void>;
  /** Undefined for an unknown and for an expired one alike. Rejects `open-failed` for a damaged one. */
  readonly find: (id: string) => Promise<Concealed<SessionView> | undefined>;
  /** The key first, then the record; nothing happens when there is none. */
  readonly remove: (id: string) => Promise<void>;
};

export type CallerSessionsParts = {
  readonly records: Store["callerSessions"];
  readonly subjects: Keyring["subjects"];
  readonly clock: Clock;
};

/** The record's plaintext, JSON. SECURITY: it repeats the expiry, because the store's own is not authenticated. */
type Plaintext = readonly [
  when: number,
  expiresAtMs: number,
  data: Readonly<Record<string, unknown>>,
];

export function createCallerSessions(parts: CallerSessionsParts): CallerSessions {
  const inTurn = createTurns();
  return {
    put: (view, expiresAtMs) => inTurn(view.session, () => put(parts, view, expiresAtMs)),
    find: (id) => inTurn(id, () => find(parts, id)),
    remove: (id) => inTurn(id, () => remove(parts, id)),
  };
}

async function put(
  { records, subjects }: CallerSessionsParts,
  { session, when, data }: SessionView,
  expiresAtMs: number,
): Promise<void> {
  const subject = subjectOf(session);
  // What lies there under a key that has died goes first: under a new key it would look damaged instead of gone.
  if ((await subjects.find(subject)) === undefined) await records.remove(session);
  const key = aeadKey(await subjects.create(subject, expiresAtMs));
  const plaintext: Plaintext = [when, expiresAtMs, data];
  const sealed = sealWith(key, Buffer.from(JSON.stringify(plaintext)), bindingOf(session));
  await records.put(session, sealed, expiresAtMs);
}

async function find(
  { records, subjects, clock }: CallerSessionsParts,
  id: string,
): Promise<Concealed<SessionView> | undefined> {
  const sealed = await records.find(id);
  if (sealed === undefined) return undefined;
  const key = await subjects.find(subjectOf(id));
  if (key === undefined) return undefined;
  const [when, expiresAtMs, data] = parsePlaintext(openWith(aeadKey(key), sealed, bindingOf(id)));
  return expiresAtMs <= clock.now() ? undefined : new Concealed({ session: id, when, data });
}

async function remove({ records, subjects }: CallerSessionsParts, id: string): Promise<void> {
  await subjects.destroy(subjectOf(id));
  await records.remove(id);
}

function subjectOf(id: string): string {
  return `session:${id}`;
}

/** What a record is bound to: purpose, the name of its key, the record's key. `sealWith` adds the version. */
function bindingOf(id: string): Buffer {
  return associatedData("caller session", subjectOf(id), id);
}

function parsePlaintext(bytes: Uint8Array): Plaintext {
  // Authenticated: `put` has written it, so it has this shape.
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Plaintext;
}
