/** What happened, in the words of Databunker's webhook; `login-code` is ours. */
export type Action = "profilenew" | "profilechange" | "forgetme" | "consentchange" | "login-code";

/** Something that a receiver outside is told. Personal data: it rests sealed and is opened only to be sent. */
export type Notification = {
  readonly action: Action;
  /** How the data subject was named, and in which mode. */
  readonly identity: string;
  readonly mode: string;
  /** User token of the data subject, whose key seals the message. Undefined for somebody without one. */
  readonly subject?: string | undefined;
  /** `profile`, `old`, `brief`, `status`, `app`; of a log-in code `code`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Milliseconds after which it is of no use; 24 h unless told, and at most. */
  readonly usefulMs?: number;
};

/** A notification on its way out; the same id in every attempt. */
export type Message = Omit<Notification, "subject" | "usefulMs"> & {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly happenedAtMs: number;
};

/** What became of one attempt. */
export type Attempt =
  | { readonly isDelivered: true }
  | {
      readonly isDelivered: false;
      /** The receiver as a whole takes nothing just now, so that no other message need be tried. */
      readonly isAway: boolean;
      /** The receiver's own wish, in milliseconds from now. */
      readonly retryAfterMs?: number | undefined;
    };

/** One way out of the house. */
export type Channel = {
  readonly name: ChannelName;
  /** Never rejects, ends within 30 s, and says nothing anywhere of what it sends. */
  readonly send: (message: Message, signal: AbortSignal) => Promise<Attempt>;
};

export type ChannelName = "webhook" | "mail";
