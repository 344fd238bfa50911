// An identity sealed into a log line (`accessLog.identity: sealed`): the second way to a lawful log. The line carries the ciphertext, the
// keyring the key; nothing has to be stored, and nothing opens once the epoch's key, or the session's own, is destroyed.

import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { EpochSource } from "../keys/epoch-material.ts";
import { createSealer, type Sealer } from "../keys/sealing.ts";
import type { Client } from "./client-identity.ts";
import { encodeIdentity } from "./identity-record.ts";
import { findSessionToken, TAG_BYTES, type SessionToken } from "./session-token.ts";

/** Version 1. Safe in a shell, in JSON and between quotes; told by its beginning from whatever else stands in a log. */
const PREFIX = "sealed:v1:";
const EPOCH_BYTES = 4;
const SEALED = /sealed:v1:[A-Za-z0-9_-]{100,8192}/g;

/** Which session it is of, and what `IdentitySealing` sealed. */
export type SealedIdentity = { readonly token: SessionToken; readonly record: Uint8Array };

/** `sealed:v1:` and, in base64url, `epoch(4) | tag(11) | record`. */
export function formatSealedIdentity({ token, record }: SealedIdentity): string {
  const epoch = Buffer.alloc(EPOCH_BYTES);
  epoch.writeUInt32BE(token.epoch);
  return PREFIX + Buffer.concat([epoch, token.tag, record]).toString("base64url");
}

/** The last one in a text, a whole log line say; undefined when there is none. */
export function findSealedIdentity(text: string): SealedIdentity | undefined {
  // SECURITY: our formats have it as their last field. What stands before it a client may have written, into the path say, so that its
  // own is not found.
  const found = text.match(SEALED)?.at(-1);
  if (found === undefined) return undefined;
  const bytes = Buffer.from(found.slice(PREFIX.length), "base64url");
  const tagEnd = EPOCH_BYTES + TAG_BYTES;
  const token = {
    epoch: bytes.readUInt32BE(0),
    tag: Uint8Array.from(bytes.subarray(EPOCH_BYTES, tagEnd)),
  };
  return { token, record: bytes.subarray(tagEnd) };
}

export type IdentitySealing = {
  /**
   * What identified the client of one request, sealed under its session's token; at once when the epoch's keys are at hand. Undefined when
   * there are none: the line then goes without. Never throws or rejects.
   */
  readonly seal: (
    session: { readonly uuid: string; readonly epoch: number },
    client: Client,
    atMs: number,
  ) => string | undefined | Promise<string | undefined>;
  /** Drops an epoch's key from memory. */
  readonly forget: (epoch: number) => void;
};

export type IdentitySealingOptions = {
  readonly epochs: EpochSource;
  /**
   * Puts the layer on that can be taken from a single session (keys/session-trees.ts), so that erasing it closes its lines too. The
   * control plane's: it takes ciphertext and gives ciphertext.
   */
  readonly cover: (
    epoch: number,
    tag: Uint8Array,
    record: Uint8Array,
  ) => Uint8Array | Promise<Uint8Array>;
  readonly clock: Clock;
};

/** The present epoch, and the one before it for requests that began in it. */
const MAX_EPOCHS = 2;
const RETRY_AFTER_MS = 1000;

export function createIdentitySealing(options: IdentitySealingOptions): IdentitySealing {
  const { epochs, cover, clock } = options;
  const sealers = new LRUCache<number, Sealer>({ max: MAX_EPOCHS });
  const fetching = new Map<number, Promise<Sealer | undefined>>();
  let retryAtMs = Number.NEGATIVE_INFINITY;
  const load = async (epoch: number): Promise<Sealer | undefined> => {
    try {
      const sealer = await createSealer(await epochs.materialOf(epoch), "logveil sealed identity");
      sealers.set(epoch, sealer);
      return sealer;
    } catch {
      // No key can be had (the disk is full, the epoch has expired), which the tokeniser has noticed too. Lines go without for a second.
      retryAtMs = clock.monotonic() + RETRY_AFTER_MS;
      return undefined;
    } finally {
      fetching.delete(epoch);
    }
  };
  const fetch = (epoch: number) => {
    const known = fetching.get(epoch);
    if (known !== undefined) return known;
    if (clock.monotonic() < retryAtMs) return undefined;
    const loading = load(epoch);
    fetching.set(epoch, loading);
    return loading;
  };
  return {
    forget: (epoch) => void sealers.delete(epoch),
    seal: ({ uuid, epoch }, client, atMs) => {
      const token = findSessionToken(uuid);
      if (token === undefined) return undefined;
      const sealer = sealers.get(epoch);
      if (sealer !== undefined) return sealWith(sealer, cover, token, plaintextOf(client, atMs));
      return fetch(epoch)?.then((loaded) =>
        loaded === undefined
          ? undefined
          : sealWith(loaded, cover, token, plaintextOf(client, atMs)),
      );
    },
  };
}

/** Longer ones are cut: receivers of logs refuse lines of 16 KiB. What is cut is whole in the session's record, if it was its first. */
const LONGEST = { userAgent: 512, cookie: 1024, host: 255 } as const;

function plaintextOf({ address, userAgent, cookieHeader, host }: Client, seenAtMs: number): Buffer {
  return encodeIdentity({
    seenAtMs,
    address,
    userAgent: userAgent.slice(0, LONGEST.userAgent),
    cookie: cookieHeader.slice(0, LONGEST.cookie),
    host: host.slice(0, LONGEST.host),
  });
}

function sealWith(
  sealer: Sealer,
  cover: IdentitySealingOptions["cover"],
  token: SessionToken,
  plaintext: Buffer,
): string | undefined | Promise<string | undefined> {
  const { epoch, tag } = token;
  const sealed = sealer.seal(tag, plaintext);
  plaintext.fill(0);
  try {
    const record = cover(epoch, tag, sealed);
    if (!(record instanceof Promise)) return formatSealedIdentity({ token, record });
    return record.then(
      (covered) => formatSealedIdentity({ token, record: covered }),
      // SECURITY: without the layer nobody could erase it, so it is not written.
      () => undefined,
    );
  } catch {
    return undefined;
  }
}
