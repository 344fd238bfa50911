import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { PEOPLE, basicAuthorizationOf, cookieHeaderOf, findPerson } from "../kit/people.ts";
import { head } from "../kit/raw-client.ts";

const [PERSON] = PEOPLE;

/** A path that names the person, as a careless application would. */
export const PLANTED_PATH = `/users/${encodeURIComponent(PERSON.email)}/${PERSON.ipv4}?page=${encodeURIComponent(PERSON.email)}&q=${PERSON.login}`;

/** What a browser would send of the person; for `fetch`. */
export const PLANTED_HEADERS: Readonly<Record<string, string>> = {
  "User-Agent": PERSON.userAgent,
  Cookie: cookieHeaderOf(PERSON),
  Authorization: basicAuthorizationOf(PERSON),
  Referer: `https://www.example.com/${PERSON.login}`,
  "X-Forwarded-For": PERSON.ipv4,
  Forwarded: `for="[${PERSON.ipv6}]"`,
};

/** The same as bytes, with a body for a POST. */
export function plantedRequest(method: string = "GET"): string {
  const body = method === "POST" ? `name=${PERSON.login}` : "";
  const fields = Object.entries(PLANTED_HEADERS).map(([name, value]) => `${name}: ${value}`);
  const length = body === "" ? [] : [`Content-Length: ${String(body.length)}`];
  const line = `${method} ${PLANTED_PATH} HTTP/1.1`;
  return head(line, "Host: www.example.com", ...fields, ...length) + body;
}

/** Nobody who was planted is in these texts, nor in any file below `folder`: logs, store and keyring alike. */
export function expectNobody(folder: string, ...texts: readonly string[]): void {
  for (const text of texts) expect(findPerson(text)).to.deep.equal([]);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  expect(files.length).to.be.greaterThan(5);
  for (const { parentPath, name } of files)
    expect(findPerson(readFileSync(join(parentPath, name))), name).to.deep.equal([]);
}
