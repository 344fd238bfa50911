// Before anything is timed: are the answers right, does the upstream see tokens only, does every request have its line, and does a
// look-up find what was sent? A fast proxy that leaks has no figures.

import { strict as assert } from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { respond } from "../test/kit/answers.ts";
import { PEOPLE, cookieHeaderOf, findPerson } from "../test/kit/people.ts";
import type { Person } from "../test/kit/people.ts";
import { startRecordingUpstream } from "../test/kit/recording-upstream.ts";
import { ANSWER } from "./answer.ts";
import type { BenchFolder } from "./folder.ts";
import { findToken, summariseLogs } from "./log-files.ts";
import { startLogveil } from "./logveil.ts";
import type { Logveil } from "./logveil.ts";
import type { Server } from "./servers.ts";
import { visit } from "./visit.ts";

const SETTLE_MS = 10_000;
const EACH = 5;

/** A logveil configured like the timed ones, in front of an upstream that keeps every byte. */
export async function checkLogveil(folder: BenchFolder): Promise<void> {
  await using upstream = await startRecordingUpstream();
  upstream.answerWith(respond({ body: ANSWER }));
  const options = { folder: await folder.make("check"), upstream: upstream.url, trustsLoad: true };
  await using logveil = await startLogveil(options);
  for (const person of PEOPLE) await visitAs(person, logveil);
  assert.equal(upstream.requests.length, PEOPLE.length * EACH * 2);
  assert.deepEqual(findPerson(upstream.bytes()), [], "the upstream saw a person");
  for (const { headers } of upstream.requests) {
    assert.ok(headers.some(([name]) => name.toLowerCase() === "x-session-token"));
  }
  await checkLog(logveil, upstream.requests.length, 0);
  assert.deepEqual(findPerson(await readAll(logveil.logFolder)), [], "the log has a person");
  for (const person of PEOPLE) await checkLookup(person, logveil);
}

async function visitAs(person: Person, { url }: Server): Promise<void> {
  for (const [family, address] of [
    ["v4", person.ipv4],
    ["v6", person.ipv6],
  ] as const) {
    const headers = {
      "x-forwarded-for": address,
      "user-agent": person.userAgent,
      cookie: cookieHeaderOf(person),
    };
    for (let n = 0; n < EACH; n += 1) {
      const path = `/check/${PEOPLE.indexOf(person)}/${family}`;
      assert.deepEqual(await visit(url + path, headers), { status: 200, text: ANSWER });
    }
  }
}

async function checkLookup(person: Person, logveil: Logveil): Promise<void> {
  for (const [family, address] of [
    ["v4", person.ipv4],
    ["v6", person.ipv6],
  ] as const) {
    const path = `/check/${PEOPLE.indexOf(person)}/${family}`;
    const token = await findToken(logveil.logFolder, path);
    assert.ok(token !== undefined, "a request without a session token in the log");
    const found = await lookUp(logveil, token);
    assert.equal(found.status, 200);
    assert.ok(found.text.includes(address), "a look-up that does not give the address");
    assert.ok(found.text.includes(person.userAgent), "a look-up that does not give the agent");
  }
}

/** What the vault answers by default to a token that it does not know (databunker-v1.md). */
export const NOT_FOUND = 405;

export async function lookUp(
  logveil: Logveil,
  token: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { "x-bunker-token": await logveil.rootToken(), "x-lookup-reason": "benchmark" };
  const response = await fetch(`${logveil.vaultUrl}/v1/session/${token}`, { headers });
  return { status: response.status, text: await response.text() };
}

/** One request, and the body it must have. */
export async function checkAnswer({ url }: Server): Promise<void> {
  assert.deepEqual(await visit(url), { status: 200, text: ANSWER });
}

/**
 * A line for each of `requests`, and no client's address. `unanswered` requests may have one too: the generator leaves with some
 * under way. Log lines may be buffered, so this waits for the count to be reached, 10 s at most.
 */
export async function checkLog(
  { logFolder, process }: Pick<Logveil, "logFolder" | "process">,
  requests: number,
  unanswered: number,
): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  let summary = await summariseLogs(logFolder);
  while (summary.lines < requests && performance.now() < until) {
    await wait(100);
    summary = await summariseLogs(logFolder);
  }
  // A disk that stalls for half a second at full speed costs lines, and logveil says so.
  const events = process.errorLines().filter((line) => line.includes('"access-log.'));
  assert.ok(
    summary.lines >= requests,
    `${summary.lines} log lines for ${requests} requests; ${events.slice(-20).join(" ")}`,
  );
  assert.ok(
    summary.lines <= requests + unanswered,
    `${summary.lines} log lines for ${requests} requests and ${unanswered} unanswered ones`,
  );
  assert.equal(summary.address, undefined, "the access log has an address");
}

async function readAll(folder: string): Promise<Buffer> {
  const names = await readdir(folder);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
}
