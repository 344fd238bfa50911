// Who is calling: access tokens, what is kept of them, and whom they stand for. What a caller may do is in role.ts.

import type { IncomingHttpHeaders } from "node:http";
import { LogveilError } from "../errors.ts";
import { equalInConstantTime } from "../keys/constant-time.ts";
import { mac, macKey } from "../keys/mac.ts";
import { randomBytes, randomUuid } from "../keys/secure-random.ts";
import { ROOT } from "./caller.ts";
import type { Caller } from "./caller.ts";
import { loadTokenFile } from "./token-file.ts";

/** Any hexadecimal digits: Databunker's tokens carry neither version nor variant. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const BEARER = /^bearer +(?<token>[^ ]+)$/i;

export class Credentials {
  /** SECURITY: of the token only its MAC stays in memory, under a key that no other process has. */
  readonly #rootMac: Buffer;
  readonly #key = macKey(randomBytes(32));

  /** Throws `token-invalid` when `rootToken` is not a UUID. */
  constructor(rootToken: string) {
    if (!UUID.test(rootToken)) throw new LogveilError("token-invalid");
    this.#rootMac = this.#macOf(rootToken);
  }

  /** The caller of a request with these headers; undefined without a token or with a wrong one. `X-Bunker-Token` comes first. */
  readonly findCaller = (headers: IncomingHttpHeaders): Caller | undefined => {
    const token = findAccessToken(headers);
    if (token === undefined) return undefined;
    return equalInConstantTime(this.#macOf(token), this.#rootMac) ? ROOT : undefined;
  };

  #macOf(token: string): Buffer {
    return mac(this.#key, "root token", token.toLowerCase());
  }
}

export type OpenedCredentials = {
  readonly credentials: Credentials;
  /** The root token's file was missing and has been made. */
  readonly created: boolean;
};

/**
 * Credentials with the root token from `rootToken` (the environment) or else from `rootTokenFile`, which is created when it is
 * missing. Rejects `token-invalid`, `token-file-exposed`, `token-file-unreadable`.
 */
export async function openCredentials(options: {
  readonly rootToken?: string | undefined;
  readonly rootTokenFile: string;
}): Promise<OpenedCredentials> {
  if (options.rootToken !== undefined) {
    return { credentials: new Credentials(options.rootToken.trim()), created: false };
  }
  const { text, created } = await loadTokenFile(options.rootTokenFile, randomUuid);
  return { credentials: new Credentials(text), created };
}

function findAccessToken(headers: IncomingHttpHeaders): string | undefined {
  const own = headers["x-bunker-token"];
  if (own !== undefined) return typeof own === "string" ? own : undefined;
  return BEARER.exec(headers.authorization ?? "")?.groups?.["token"];
}
