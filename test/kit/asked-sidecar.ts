import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { loadConfiguration } from "../../src/config/load.ts";
import { systemClock } from "../../src/clock.ts";
import type { Clock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { mainFiles, openFiles } from "../../src/store/database-files.ts";
import type { DatabaseFiles } from "../../src/store/database-files.ts";
import { documentRange } from "../../src/store/key-layout.ts";
import type { KeyRange, Table } from "../../src/store/key-layout.ts";
import { openVaultHost } from "../../src/vault-host.ts";
import { startRunningSidecar } from "./running-sidecar.ts";
import type { RunningSidecar, Settings } from "./running-sidecar.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

type Row = Readonly<Record<string, unknown>>;

export type Answer = {
  readonly status: number;
  /** All but `date`. */
  readonly headers: Row;
  readonly text: string;
  /** Empty when the answer is not JSON, or only its head. */
  readonly body: Row & {
    readonly token?: string;
    readonly message?: string;
    readonly total?: number;
    readonly data?: Row;
    readonly rows?: readonly Row[];
  };
};

/** `token`: root's unless told; `"none"` sends no header. `body`: a text is sent as it is, anything else as JSON. */
export type Asking = { readonly token?: string; readonly body?: unknown; readonly type?: string };

export type AskedSidecar = AsyncDisposable & {
  readonly running: RunningSidecar;
  readonly ask: (method: string, path: string, asking?: Asking) => Promise<Answer>;
  /** Creates a user; resolves the user token. */
  readonly createUser: (profile: Row) => Promise<string>;
  /** The people it was started with, in their order: user token, and access token as after a log-in. */
  readonly loggedIn: readonly { readonly user: string; readonly access: string }[];
  /** Keys and values as they lie on the disk. */
  readonly rawRows: (range: KeyRange) => Promise<readonly RawRow[]>;
  readonly rawDocuments: (table: Table) => Promise<readonly RawRow[]>;
};

export type RawRow = { readonly key: Buffer; readonly value: Buffer };

export type AskedSidecarOptions = {
  readonly upstream: string;
  readonly clock?: Clock;
  readonly settings?: Settings;
  /** Who exists and has logged in. The pictures of captchas are not for tests, so their tokens are made with the vault's own parts. */
  readonly people?: readonly Row[];
};

/** A whole sidecar, and how a test asks it. */
export async function startAskedSidecar(options: AskedSidecarOptions): Promise<AskedSidecar> {
  const { people = [], clock = systemClock } = options;
  const folder = await createTemporaryFolder();
  const start = () => startRunningSidecar({ ...options, clock, folder: folder.path });
  const first = await start();
  const users = await Promise.all(people.map((profile) => createUser(first, profile)));
  await first.close();
  const accesses = await logIn(first, users, clock);
  const running = await start();
  const rawRows = (range: KeyRange) => readRows(running.files.dataDir, range);
  return {
    running,
    rawRows,
    ask: (method, path, asking) => ask(running, method, path, asking),
    createUser: (profile) => createUser(running, profile),
    loggedIn: users.map((user, index) => ({ user, access: accesses[index] ?? "" })),
    rawDocuments: (table) => rawRows(documentRange(table, "")),
    [Symbol.asyncDispose]: async () => {
      await running.close();
      await folder.remove();
    },
  };
}

async function ask(
  { vaultUrl, rootToken }: RunningSidecar,
  method: string,
  path: string,
  { token = rootToken, body, type = "application/json" }: Asking = {},
): Promise<Answer> {
  const response = await fetch(vaultUrl + path, {
    method,
    redirect: "manual",
    headers: {
      ...(token === "none" ? {} : { "X-Bunker-Token": token }),
      ...(body === undefined ? {} : { "Content-Type": type }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const { date: _date, ...headers } = Object.fromEntries(response.headers);
  // An answer to HEAD has the type alone.
  const isJson = text !== "" && String(headers["content-type"]).includes("json");
  return { status: response.status, headers, text, body: isJson ? JSON.parse(text) : {} };
}

async function createUser(running: RunningSidecar, profile: Row): Promise<string> {
  const { status, text, body } = await ask(running, "POST", "/v1/user", { body: profile });
  if (status !== 200 || body.token === undefined) throw new Error(`no user was created: ${text}`);
  return body.token;
}

/** While no sidecar runs on the folder: opens the vault's parts, and does what is done after a right one-time code. */
async function logIn({ files }: RunningSidecar, users: readonly string[], clock: Clock) {
  const eventLog = createEventLog({ level: "error" });
  const vault = { dataDir: files.dataDir };
  const text = JSON.stringify({ proxy: { upstream: "http://127.0.0.1:1" }, vault });
  const loaded = loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
  const host = await openVaultHost(loaded, { clock, eventLog, metrics: createMetrics() });
  try {
    return await Promise.all(users.map((user) => host.tokens.logIns.create(user)));
  } finally {
    await host.close();
    eventLog.close();
  }
}

/** Of a copy, as after a crash: the sidecar has the lock of the files themselves. */
/** Of the main database and of each epoch's. */
async function readRows(dataDir: string, range: KeyRange): Promise<readonly RawRow[]> {
  await using copy = await createTemporaryFolder();
  for (const name of ["store", "store.marker"])
    await cp(join(dataDir, name), copy.file(name), { recursive: true });
  const folder = copy.file("store/epochs");
  const epochs = (await readdir(folder)).map((name) => join(folder, name));
  const rows = [await readDatabase(mainFiles(copy.path), range)];
  const isMarked = () => Promise.resolve(true);
  const mark = () => Promise.resolve();
  for (const epoch of epochs)
    rows.push(await readDatabase({ folder: epoch, isMarked, mark }, range));
  return rows.flat();
}

async function readDatabase(files: DatabaseFiles, range: KeyRange): Promise<RawRow[]> {
  const level = await openFiles(files);
  try {
    const entries = await level.iterator(range).all();
    return entries.map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
  } finally {
    await level.close();
  }
}
