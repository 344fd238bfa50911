import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { RequestDetails, RequestReceipt, UserRequestsPort } from "../users/requests-port.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { sealContents } from "./user-request.ts";
import type { RequestAction, RequestTable } from "./user-request.ts";

/** What a request of that kind would change, for whoever decides. */
export type FindOriginal = (
  token: string,
  wanted: { readonly action: RequestAction; readonly app?: string; readonly brief?: string },
) => Promise<unknown>;

/** Where the parts of the vault hand in what a data subject may not do alone. Called under the user's turn. */
export type RequestDesk = UserRequestsPort & {
  readonly requestWithdrawal: (token: string, brief: string) => Promise<RequestReceipt>;
};

export type RequestDeskParts = {
  readonly clock: Clock;
  readonly table: RequestTable;
  readonly directory: Pick<UserDirectory, "keyOf">;
  readonly findOriginal: FindOriginal;
};

export function createRequestDesk(parts: RequestDeskParts): RequestDesk {
  return {
    create: (kind, token, details) => open(parts, token, { ...details, action: kind }),
    requestWithdrawal: (token, brief) =>
      open(parts, token, { action: "agreement-withdraw", brief }),
  };
}

type Wish = RequestDetails & { readonly action: RequestAction; readonly brief?: string };

async function open(
  { clock, table, directory, findOriginal }: RequestDeskParts,
  token: string,
  { change, ...wanted }: Wish,
): Promise<RequestReceipt> {
  const known = await table.findOpen({ token, ...wanted });
  if (known !== undefined) return { result: "request-exists", rtoken: known, changes: [] };
  const key = await directory.keyOf(token);
  if (key === undefined) throw new LogveilError("not-found");
  const rtoken = randomUuid();
  const when = Math.floor(clock.now() / 1000);
  const original = await findOriginal(token, wanted);
  const sealed = sealContents({ rtoken, token }, { original, change }, key);
  const more = change !== undefined;
  const times = { creationtime: when, when };
  const request = { ...wanted, rtoken, token, status: "open", ...times, more, sealed } as const;
  return { result: "request-created", rtoken, changes: table.storing(request) };
}
