import { reducedUserAgent } from "../identity/user-agent.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import type { Session } from "../token/tokeniser.ts";
import type { KnownClient } from "./known-client.ts";
import { cookiesForUpstream } from "./upstream-cookies.ts";
import type { UpstreamCookies } from "./upstream-cookies.ts";
import type { ForwardPolicy, Pseudonyms } from "./upstream-headers.ts";

export type PseudonymsOptions = {
  readonly forward: ForwardPolicy;
  readonly upstreamCookies: UpstreamCookies;
  readonly requestId: string;
};

/** What stands for `client` towards the upstream, as the policy has it. */
export function pseudonymsOf(
  client: KnownClient,
  session: Session<CoarseUserAgent>,
  { forward, upstreamCookies, requestId }: PseudonymsOptions,
): Pseudonyms {
  const { uuid } = session;
  return {
    uuid,
    address: { token: session.address, pass: client.address, omit: undefined }[
      forward.clientAddress
    ],
    userAgent: userAgentFor(forward.userAgent, client, session),
    cookie: cookieFor(forward.cookies, client, uuid, upstreamCookies),
    requestId,
    scheme: client.scheme,
  };
}

function userAgentFor(
  policy: ForwardPolicy["userAgent"],
  client: KnownClient,
  session: Session<CoarseUserAgent>,
): string | undefined {
  switch (policy) {
    case "token":
      return `logveil-session/${session.uuid}`;
    case "reduced":
      return reducedUserAgent(session.userAgent);
    case "pass":
      return client.userAgent === "" ? undefined : client.userAgent;
    case "omit":
      return undefined;
  }
}

function cookieFor(
  policy: ForwardPolicy["cookies"],
  client: KnownClient,
  uuid: string,
  upstreamCookies: UpstreamCookies,
): string | undefined {
  if (client.cookies.length === 0) return undefined;
  switch (policy) {
    case "token":
      return cookiesForUpstream(client.cookies, upstreamCookies, uuid);
    case "pass":
      return client.cookieHeader;
    case "omit":
      return undefined;
  }
}
