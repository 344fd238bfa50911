// Who is calling: access tokens, what is kept of them, and whom they stand for. What a caller may do is in role.ts.

import type { IncomingHttpHeaders } from "node:http";
import { LogveilError } from "../errors.ts";
import { equalInConstantTime } from "../keys/constant-time.ts";
import { mac, macKey } from "../keys/mac.ts";
import { randomBytes } from "../keys/secure-random.ts";
import { createAccessToken, findAccessToken, findTokenOf } from "./access-token.ts";
import type { AccessTokens } from "./access-tokens.ts";
import { ROOT } from "./caller.ts";
import type { Caller } from "./caller.ts";
import { loadTokenFile } from "./token-file.ts";

export class Credentials {
  /** SECURITY: of the token only its MAC stays in memory, under a key that no other process has. */
  readonly #rootMac: Buffer;
  readonly #key = macKey(randomBytes(32));
  readonly #issued: Pick<AccessTokens, "findCaller"> | undefined;

  /** Throws `token-invalid` when `rootToken` is not a UUID. Without `issued` there is nobody but root. */
  constructor(rootToken: string, issued?: Pick<AccessTokens, "findCaller">) {
    const token = findAccessToken(rootToken);
    if (token === undefined) throw new LogveilError("token-invalid");
    this.#rootMac = this.#macOf(token);
    this.#issued = issued;
  }

  /**
   * The caller of a request with these headers; undefined without a token or with a wrong one. Root is known without the store; for
   * the others it rejects `store-unavailable` in an outage.
   */
  readonly findCaller = async (headers: IncomingHttpHeaders): Promise<Caller | undefined> => {
    const token = findTokenOf(headers);
    if (token === undefined) return undefined;
    if (equalInConstantTime(this.#macOf(token), this.#rootMac)) return ROOT;
    return this.#issued?.findCaller(token);
  };

  #macOf(token: string): Buffer {
    return mac(this.#key, "root token", token);
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
  /** Whoever else may call. */
  readonly issued?: Pick<AccessTokens, "findCaller"> | undefined;
}): Promise<OpenedCredentials> {
  const { rootToken, rootTokenFile, issued } = options;
  if (rootToken !== undefined)
    return { credentials: new Credentials(rootToken.trim(), issued), created: false };
  const { text, created } = await loadTokenFile(rootTokenFile, createAccessToken);
  return { credentials: new Credentials(text, issued), created };
}
