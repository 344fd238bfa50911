// Who is compared: all of them run at the same time and take turns.

import type { Bench, ServerName } from "./bench-options.ts";
import { checkCaddyLog, startCaddy } from "./caddy.ts";
import { startLogveil } from "./logveil.ts";
import type { Logveil } from "./logveil.ts";
import { findProgram } from "./machine.ts";
import { startNginxProxy } from "./nginx.ts";
import { startBareProxy } from "./servers.ts";
import type { Server } from "./servers.ts";

/** A server and what it has been sent, to be compared with its log. */
export type Contender = {
  readonly name: ServerName;
  readonly server: Server;
  /** Until V8 has compiled what is hot: on one core, a request costs two or three times as much in the first half minute. */
  readonly warmUpSeconds: number;
  /** Answered ones. */
  requests: number;
  /** Those that a generator left with under way. */
  unanswered: number;
};

export type Contenders = {
  readonly all: readonly Contender[];
  /** A logveil that believes the load generator's forwarding headers, so that one client can be many. */
  readonly trusting: Contender | undefined;
  /** What is not there, each with the reason. */
  readonly missing: readonly string[];
};

const COMPILED_SECONDS = 3;
const JIT_SECONDS = 30;

const PACKAGES = [
  ["nginx", "nginx-light"],
  ["caddy", "caddy"],
] as const;

/** Logveil always; the others where they are installed, unless --servers leaves them out. What is not installed is said aloud. */
export async function startContenders(
  bench: Bench,
  servers: AsyncDisposableStack,
): Promise<Contenders> {
  const { folder, upstream, parts, isQuick } = bench;
  const { url } = upstream;
  const all: Contender[] = [];
  const enter = (name: ServerName, server: Server, seconds: number): Contender => {
    const warmUpSeconds = isQuick ? 0 : seconds;
    return { name, server: servers.use(server), warmUpSeconds, requests: 0, unanswered: 0 };
  };
  const options = { folder: await folder.make("logveil"), upstream: url };
  all.push(enter("logveil", await startLogveil(options), JIT_SECONDS));
  const trusting = parts.has("sessions")
    ? enter("logveil", await startTrusting(bench), JIT_SECONDS)
    : undefined;
  if (bench.servers.has("bare")) all.push(enter("bare", await startBareProxy(url), JIT_SECONDS));
  const nginx = findWanted(bench, "nginx");
  if (nginx !== undefined) {
    const server = await startNginxProxy(nginx, await folder.make("nginx"), url);
    all.push(enter("nginx", server, COMPILED_SECONDS));
  }
  const caddy = findWanted(bench, "caddy");
  if (caddy !== undefined) {
    const server = await startCaddy(caddy, await folder.make("caddy"), url);
    all.push(enter("caddy", server, COMPILED_SECONDS));
    await checkCaddyLog(server);
  }
  return { all, trusting, missing: findMissing(bench) };
}

async function startTrusting({ folder, upstream }: Bench): Promise<Logveil> {
  const options = { folder: await folder.make("sessions"), upstream: upstream.url };
  return startLogveil({ ...options, trustsLoad: true });
}

function findWanted({ servers }: Bench, name: ServerName): string | undefined {
  return servers.has(name) ? findProgram(name) : undefined;
}

function findMissing({ servers }: Bench): readonly string[] {
  return PACKAGES.filter(([name]) => servers.has(name) && findProgram(name) === undefined).map(
    ([name, debianPackage]) => `${name} is not installed (Debian package ${debianPackage})`,
  );
}

export function isLogveil(server: Server): server is Logveil {
  return "vaultUrl" in server;
}
