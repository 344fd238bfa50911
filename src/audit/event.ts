import type { Caller } from "../callers/caller.ts";
import { LogveilError } from "../errors.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../keys/aead.ts";
import { randomUuid } from "../keys/secure-random.ts";

/** What became of an operation. */
export type AuditStatus = "ok" | "error" | "denied";

/** One operation on personal data as whoever carried it out tells of it. */
export type AuditEvent = {
  /** databunker-v1.md section 4. */
  readonly title: string;
  readonly status: AuditStatus;
  /** A word or code of ours; never input. */
  readonly message?: string | undefined;
  /** Undefined for somebody without a valid access token. */
  readonly caller: Caller | undefined;
  /** Whom it is about: a user token, or a session id. Decides who may see the event. */
  readonly subject?: string | undefined;
  /** How the data subject was named in the request. */
  readonly mode?: string | undefined;
  readonly app?: string | undefined;
  /** Why, in the caller's words. */
  readonly reason?: string | undefined;
  /** Personal data, which goes into the trail only sealed under the data subject's key. */
  readonly personal?: AuditPersonal | undefined;
  /** The data subject's key (DEK). SECURITY: without it `personal` is left out. */
  readonly sealWith?: Buffer | undefined;
};

export type AuditPersonal = {
  /** The identity string of the request: an e-mail address, a login. Of a longer one the trail keeps the first 512 characters. */
  readonly who?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
};

/** An event in the trail. */
export type AuditRecord = Omit<AuditEvent, "personal" | "sealWith" | "caller"> & {
  /** 1 for the first event ever, without gaps. */
  readonly sequence: number;
  /** UUID by which the event is asked for. */
  readonly atoken: string;
  /** Never before that of the event with the sequence before. */
  readonly whenMs: number;
  readonly caller: { readonly name: string; readonly role: string } | undefined;
  /** What of a change is in the sealed part. */
  readonly details: readonly ("before" | "after")[];
  /** `personal`, sealed; opens as long as the data subject's key exists. */
  readonly sealed: Buffer | undefined;
};

/** An event as it is stored, but for its place in the chain: JSON, with the sealed part in base64. */
export type AuditDraft = Omit<AuditRecord, "sequence" | "whenMs" | "sealed"> & {
  readonly sealed: string | undefined;
};

/** Characters of `who`, UTF-16. SECURITY: whoever calls chooses it, and it stays in somebody else's events for years. */
const MAX_WHO = 512;

/** Seals what is personal. Member by member, so that nothing else that an object may carry gets into the trail. */
export function draftOf(event: AuditEvent): AuditDraft {
  const { title, status, message, caller, subject, mode, app, reason, personal } = event;
  const atoken = randomUuid();
  const sealed = sealedPartOf(event, atoken);
  const details = (["before", "after"] as const).filter((part) => personal?.[part] !== undefined);
  return {
    atoken,
    title,
    status,
    message,
    caller: caller && { name: caller.name, role: caller.role },
    subject,
    mode,
    app,
    reason,
    details: sealed === undefined ? [] : details,
    sealed: sealed?.toString("base64"),
  };
}

function sealedPartOf({ personal, sealWith: key }: AuditEvent, atoken: string): Buffer | undefined {
  if (personal === undefined || key === undefined) return undefined;
  const { who, before, after } = personal;
  const text = JSON.stringify({ who: who?.slice(0, MAX_WHO), before, after });
  return text === "{}" ? undefined : sealWith(aeadKey(key), Buffer.from(text), bindingOf(atoken));
}

/** The bytes that are stored and chained. */
export function encodeEvent(
  draft: AuditDraft,
  place: Pick<AuditRecord, "sequence" | "whenMs">,
): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...draft, ...place }));
}

/** Throws `audit-corrupt` for bytes that `encodeEvent` did not make. Whether they were altered since, the chain knows. */
export function decodeEvent(bytes: Uint8Array): AuditRecord {
  try {
    const { version, sealed, ...record } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (version !== 1) throw new LogveilError("audit-corrupt");
    return { ...record, sealed: sealed === undefined ? undefined : Buffer.from(sealed, "base64") };
  } catch (cause) {
    throw new LogveilError("audit-corrupt", { cause });
  }
}

/** Throws `open-failed` when the key is not the one of the event's data subject, or the event was altered. */
export function openPersonal(
  { sealed, atoken }: Pick<AuditRecord, "sealed" | "atoken">,
  key: Buffer,
): AuditPersonal {
  if (sealed === undefined) return {};
  return JSON.parse(openWith(aeadKey(key), sealed, bindingOf(atoken)).toString("utf8"));
}

function bindingOf(atoken: string): Buffer {
  return associatedData("audit event", "1", atoken);
}
