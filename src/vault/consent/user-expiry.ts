import type { Change, DocumentChange, Documents } from "../../store/documents.ts";

/** When a user record expires. Nothing in it is personal but the user token, so it is not sealed. */
export type UserExpiry = {
  /** User token. */
  readonly token: string;
  /** Unix seconds. */
  readonly exptime: number;
  /** `wait` is the one that erases; `retain` and `expired` are set by what happens, other words by callers. */
  readonly expstatus: string;
  /** MAC of the token with which the data subject decides, in hex. SECURITY: the token itself is told once and stored nowhere. */
  readonly tokenMac?: string | undefined;
};

/** Records under `u/<user token>`, beside them `t/<MAC>`, and for those that wait an entry of the timer. */
export type UserExpiryTable = {
  readonly find: (token: string) => Promise<UserExpiry | undefined>;
  readonly findByMac: (tokenMac: string) => Promise<UserExpiry | undefined>;
  /** What replaces `before`, if there was one. */
  readonly storing: (expiry: UserExpiry, before: UserExpiry | undefined) => readonly Change[];
  readonly removal: (expiry: UserExpiry) => readonly Change[];
  /** Those whose time has come at `nowMs`, the earliest first, from behind `after` on: 500 at most. */
  readonly due: (nowMs: number, after: Due | undefined) => Promise<readonly Due[]>;
  /** What removes an entry of the timer that belongs to nothing any more. */
  readonly dueRemoval: (due: Due) => Change;
};

export type Due = { readonly key: string; readonly token: string };

const SLICE = 500;
const TIMER = "user-expiry/";

export function createUserExpiryTable(documents: Documents): UserExpiryTable {
  const find = async (token: string) => {
    const stored = await documents.find("userExpiry", `u/${token}`);
    return stored === undefined ? undefined : decode(stored);
  };
  const removal = (expiry: UserExpiry) => entriesOf(expiry).map((entry) => entry(undefined));
  return {
    find,
    removal,
    findByMac: async (tokenMac) => {
      const stored = await documents.find("userExpiry", `t/${tokenMac}`);
      return stored === undefined ? undefined : find(Buffer.from(stored).toString("utf8"));
    },
    storing: (expiry, before) => [
      ...(before === undefined ? [] : removal(before)),
      ...entriesOf(expiry).map((entry) => entry(Buffer.from(expiry.token))),
      { table: "userExpiry", key: `u/${expiry.token}`, value: encode(expiry) },
    ],
    due: async (nowMs, after) => {
      const to = timerKey(Math.floor(nowMs / 1000) + 1, "");
      // The key behind the last one.
      const from = after === undefined ? TIMER : `${after.key}\0`;
      const entries = await documents.list("timer", { prefix: TIMER, from, to, limit: SLICE });
      return entries.map(({ key, value }) => ({ key, token: Buffer.from(value).toString("utf8") }));
    },
    dueRemoval: ({ key }) => ({ table: "timer", key, value: undefined }),
  };
}

type Entry = (value: Uint8Array | undefined) => Change;

function entriesOf({ token, exptime, expstatus, tokenMac }: UserExpiry): readonly Entry[] {
  const entry =
    (table: DocumentChange["table"], key: string): Entry =>
    (value) => ({ table, key, value });
  return [
    entry("userExpiry", `u/${token}`),
    ...(tokenMac === undefined ? [] : [entry("userExpiry", `t/${tokenMac}`)]),
    ...(expstatus === "wait" ? [entry("timer", timerKey(exptime, token))] : []),
  ];
}

/** Twelve digits, until the year 33658. */
function timerKey(seconds: number, token: string): string {
  return `${TIMER}${String(seconds).padStart(12, "0")}/${token}`;
}

function encode(expiry: UserExpiry): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...expiry }));
}

function decode(stored: Uint8Array): UserExpiry {
  // Written by `encode` and by nobody else.
  const { version, ...expiry } = JSON.parse(Buffer.from(stored).toString("utf8"));
  if (version !== 1) throw new TypeError("an expiry of another version");
  return expiry;
}
