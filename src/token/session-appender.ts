import type { SealedSession, SealedSessionSink } from "./sealed-session.ts";

// A record has 300 bytes or so and 16 KiB at most. What a sink that hangs leaves here stays below this; more is counted as lost.
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export type AppenderOptions = {
  readonly sink: SealedSessionSink;
  /** So many records were refused by the sink, or would have waited past the bound. */
  readonly onLost: (count: number) => void;
};

/** Settled once the sink has answered for a group; true when it is stored. Never rejects. */
export type Appended = Promise<boolean>;

type Group = { readonly sessions: SealedSession[]; readonly appended: Appended };

/** Hands new sessions to the sink, those of one turn of the event loop in one call. */
export class SessionAppender {
  readonly #options: AppenderOptions;
  readonly #underWay = new Set<Appended>();
  #group: Group | undefined;
  #waitingBytes = 0;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  append(session: SealedSession): Appended {
    const bytes = session.record.length;
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#options.onLost(1);
      return Promise.resolve(false);
    }
    this.#waitingBytes += bytes;
    this.#group ??= this.#startGroup();
    this.#group.sessions.push(session);
    return this.#group.appended;
  }

  /** Resolves when the sink has answered for everything handed over so far. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #startGroup(): Group {
    const sessions: SealedSession[] = [];
    // Immediates run after the requests that the same turn brought; a microtask would run after each of them.
    const appended = new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
      this.#flush(sessions),
    );
    this.#underWay.add(appended);
    void appended.finally(() => this.#underWay.delete(appended));
    return { sessions, appended };
  }

  async #flush(sessions: readonly SealedSession[]): Appended {
    this.#group = undefined;
    try {
      await this.#options.sink.append(sessions);
      return true;
    } catch {
      // Fails private: the request goes on with its token, the record is lost and counted. The sink tells the event log why.
      this.#options.onLost(sessions.length);
      return false;
    } finally {
      for (const { record } of sessions) this.#waitingBytes -= record.length;
    }
  }
}
