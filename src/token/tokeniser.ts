// From what a request tells of its client to its session token, once for each request.
//
// A token is derived, not fetched: 88 bits of a keyed MAC over the canonical identity, under a key of the epoch. What costs
// is done once for each session and epoch: the MACs, sealing the identity, handing it to the sink. A bounded table remembers
// for which identities that has happened; what falls out of it is derived again and gives the same token.

import { hash, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import { mac } from "../keys/mac.ts";
import { randomBytes } from "../keys/secure-random.ts";
import type { Metrics } from "../metrics.ts";
import { addressMac } from "./address-mac.ts";
import { identityText, scopeText, type Client, type IdentityPart } from "./client-identity.ts";
import { EpochKeyCache, type EpochKeys, type TokenEpochs } from "./epoch-key-cache.ts";
import { epochAt } from "./epoch.ts";
import { encodeIdentity } from "./identity-record.ts";
import type { SealedSessionSink } from "./sealed-session.ts";
import { SessionAppender } from "./session-appender.ts";
import { SessionCap, type CapOptions } from "./session-cap.ts";
import { TAG_BYTES, formatAddress, formatUuid } from "./session-token.ts";

export type Session<UserAgent> = {
  readonly uuid: string;
  /** The IPv6 spelling of the same token. */
  readonly address: string;
  readonly epoch: number;
  /** What `describe` made of the user agent of the session's first request. */
  readonly userAgent: UserAgent;
  /** True once the record is stored; false before, and when it could not be. */
  readonly isStored: boolean;
  /** Settles when the sink has answered. Never rejects: `isStored` tells. */
  readonly stored: Promise<void>;
  /** One token for many identities, past the cap: it is no one person's. */
  readonly isShared: boolean;
  /** Whose session it is, as far as this process has been told; kept here by whoever links it. */
  userToken: string | undefined;
};

export type TokeniserOptions<UserAgent> = {
  readonly epochs: TokenEpochs;
  /** For log lines, whose times go back and forth: keeps the keys of some thirty epochs. */
  readonly isForLines?: boolean;
  readonly sink: SealedSessionSink;
  readonly clock: Clock;
  /** Milliseconds, whole seconds, 1000 at least. */
  readonly rotateMs: number;
  /** Sessions remembered; one takes about 500 bytes. */
  readonly cacheSize: number;
  readonly cap: CapOptions;
  /** What shares one token past the cap: the address, the /64 of an IPv6 address. */
  readonly scopeOf: (address: string) => string;
  readonly describe: (userAgent: string) => UserAgent;
  /** What makes two requests one session. */
  readonly identity: readonly IdentityPart[];
  /** So many session records could not be stored; to be counted and told by whoever knows the store. */
  readonly onLost: (count: number) => void;
  readonly metrics: Pick<Metrics, "sessionsNew" | "sessionsKnown" | "sessionsCapped">;
};

export type Tokeniser<UserAgent> = {
  /**
   * The session of a request, or of a log line written at `atMs`. At once when the epoch's keys are at hand, which they are
   * but for the first request of a process. Never throws or rejects on account of keys or store: without them the token
   * is one that cannot be looked up.
   */
  readonly tokenise: (
    client: Client,
    atMs?: number,
  ) => Session<UserAgent> | Promise<Session<UserAgent>>;
  /** Drops an epoch's keys from memory; for epochs that were destroyed, before their records are swept. */
  readonly forget: (epoch: number) => void;
  /**
   * Forgets that a session has a record, for one that was erased: the client's next request seals and stores one anew. Looks through
   * all sessions remembered, about a millisecond.
   */
  readonly forgetSession: (uuid: string) => void;
  /** Resolves when the sink has answered for every session so far. */
  readonly settled: () => Promise<void>;
};

export function createTokeniser<UserAgent>(
  options: TokeniserOptions<UserAgent>,
): Tokeniser<UserAgent> {
  const { rotateMs } = options;
  if (rotateMs < 1000 || rotateMs % 1000 !== 0) throw new RangeError("rotateMs: whole seconds");
  const tokeniser = new ClientTokeniser(options);
  return {
    tokenise: (client, atMs) => tokeniser.tokenise(client, atMs),
    forget: (epoch) => tokeniser.forget(epoch),
    forgetSession: (uuid) => tokeniser.forgetSession(uuid),
    settled: () => tokeniser.settled(),
  };
}

const SALT_BYTES = 16;
const SETTLED = Promise.resolve();

class KnownSession<UserAgent> implements Session<UserAgent> {
  readonly uuid: string;
  readonly address: string;
  readonly epoch: number;
  readonly userAgent: UserAgent;
  /** Under which the token was made; another one means another token. */
  readonly tokenKey: KeyObject;
  isStored = false;
  /** The sink refused: the next request of the session tries again. */
  isLost = false;
  stored: Promise<void> = SETTLED;
  readonly isShared: boolean;
  userToken: string | undefined = undefined;

  constructor(keys: EpochKeys, tag: Uint8Array, userAgent: UserAgent, isShared: boolean) {
    const token = { epoch: keys.epoch, tag };
    this.uuid = formatUuid(token);
    this.address = formatAddress(token);
    this.epoch = keys.epoch;
    this.userAgent = userAgent;
    this.tokenKey = keys.tokenKey;
    this.isShared = isShared;
  }

  /** The outcome of one attempt to store it. */
  follow(appended: Promise<boolean>): void {
    this.isLost = false;
    this.stored = appended.then((isStored) => {
      this.isStored = isStored;
      this.isLost = !isStored;
      // One promise for all that are done, instead of one each for as long as the table remembers them.
      this.stored = SETTLED;
    });
  }
}

/** One identity, or the scope that many share. */
type Subject = {
  readonly text: string;
  readonly digest: string;
  readonly client: Client;
  readonly isShared: boolean;
};

class ClientTokeniser<UserAgent> {
  readonly #options: TokeniserOptions<UserAgent>;
  readonly #epochs: EpochKeyCache;
  readonly #appender: SessionAppender;
  readonly #cap: SessionCap;
  readonly #textOf: ReturnType<typeof identityText>;
  // SECURITY: keyed by salted digests, never by identities, so that a memory dump holds no list of addresses. The salt is this
  // process's own and dies with it.
  readonly #sessions: LRUCache<string, KnownSession<UserAgent>>;
  readonly #salt = randomBytes(SALT_BYTES).toString("hex");

  constructor(options: TokeniserOptions<UserAgent>) {
    this.#options = options;
    this.#epochs = new EpochKeyCache(options);
    this.#appender = new SessionAppender(options);
    this.#cap = new SessionCap(options.cap, options.clock);
    this.#textOf = identityText(options.identity);
    this.#sessions = new LRUCache({ max: options.cacheSize });
  }

  tokenise(
    client: Client,
    atMs = this.#options.clock.now(),
  ): Session<UserAgent> | Promise<Session<UserAgent>> {
    const epoch = epochAt(atMs, this.#options.rotateMs);
    const keys = this.#epochs.find(epoch, atMs);
    if (keys !== undefined) return this.#sessionOf(client, atMs, keys);
    return this.#epochs.fetch(epoch).then((keys) => this.#sessionOf(client, atMs, keys));
  }

  forget(epoch: number): void {
    this.#epochs.forget(epoch);
  }

  forgetSession(uuid: string): void {
    for (const [digest, session] of this.#sessions.entries()) {
      if (session.uuid !== uuid) continue;
      this.#sessions.delete(digest);
      return;
    }
  }

  settled(): Promise<void> {
    return this.#appender.settled();
  }

  #sessionOf(client: Client, atMs: number, keys: EpochKeys): Session<UserAgent> {
    const text = this.#textOf(client);
    const digest = this.#digest(text);
    const known = this.#sessions.get(digest);
    if (known !== undefined && known.tokenKey === keys.tokenKey) {
      const subject = { text, digest, client, isShared: false };
      if (known.isLost) this.#append(known, subject, atMs, keys);
      this.#options.metrics.sessionsKnown.inc();
      return known;
    }
    const scope = this.#options.scopeOf(client.address);
    if (this.#cap.admit(this.#digest(scope))) {
      return this.#create({ text, digest, client, isShared: false }, atMs, keys);
    }
    this.#options.metrics.sessionsCapped.inc();
    return this.#sharedSessionOf(scope, atMs, keys);
  }

  #sharedSessionOf(scope: string, atMs: number, keys: EpochKeys): Session<UserAgent> {
    const text = scopeText(scope);
    const client = {
      address: scope,
      userAgent: "",
      sessionCookies: "",
      cookieHeader: "",
      host: "",
    };
    const subject = { text, digest: this.#digest(text), client, isShared: true };
    const known = this.#sessions.get(subject.digest);
    if (known?.tokenKey !== keys.tokenKey) return this.#create(subject, atMs, keys);
    if (known.isLost) this.#append(known, subject, atMs, keys);
    return known;
  }

  #create(subject: Subject, atMs: number, keys: EpochKeys): Session<UserAgent> {
    const userAgent = this.#options.describe(subject.client.userAgent);
    const tag = tagOf(keys, subject.text);
    const session = new KnownSession(keys, tag, userAgent, subject.isShared);
    this.#sessions.set(subject.digest, session);
    this.#options.metrics.sessionsNew.inc();
    this.#append(session, subject, atMs, keys, tag);
    return session;
  }

  #append(
    session: KnownSession<UserAgent>,
    { text, client }: Subject,
    atMs: number,
    keys: EpochKeys,
    tag = tagOf(keys, text),
  ): void {
    const { addressKey, epoch, isClosed, sealer } = keys;
    if (isClosed) return;
    if (sealer === undefined) return this.#options.onLost(1);
    const { address, userAgent, cookieHeader: cookie, host } = client;
    const identity = encodeIdentity({ seenAtMs: atMs, address, userAgent, cookie, host });
    const record = sealer.seal(tag, identity);
    identity.fill(0);
    session.follow(
      this.#appender.append({ epoch, tag, addressMac: addressMac(addressKey, address), record }),
    );
  }

  #digest(text: string): string {
    return hash("sha256", this.#salt + text, "base64url");
  }
}

function tagOf({ tokenKey }: EpochKeys, text: string): Uint8Array {
  return mac(tokenKey, text).subarray(0, TAG_BYTES);
}
