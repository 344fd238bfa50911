import type { Change } from "../../store/documents.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { openContents } from "./user-request.ts";
import type { RequestTable, UserRequest } from "./user-request.ts";

export type RequestHoldingParts = {
  readonly table: RequestTable;
  readonly directory: Pick<UserDirectory, "keyOf">;
};

const ALL = { offset: 0, limit: 10_000 };

/**
 * For the export and the erasure of a person: with the data subject go the open requests and the contents of the others. That they were
 * approved or canceled stays.
 */
export function createRequestHolding({ table, directory }: RequestHoldingParts): HoldingPart {
  return {
    kind: "requests",
    exportOf: async (token) => {
      const key = await directory.keyOf(token);
      const { rows } = await table.list({ token }, ALL);
      const opened = rows.map(({ sealed, ...row }) => ({
        ...row,
        ...openContents({ ...row, sealed }, key),
      }));
      return opened.length === 0 ? undefined : opened;
    },
    eraseOf: async (token) => {
      const { rows } = await table.list({ token }, ALL);
      const held = rows.filter(({ status, sealed }) => status === "open" || sealed !== undefined);
      return { count: held.length, changes: held.flatMap((request) => emptied(table, request)) };
    },
  };
}

function emptied(table: RequestTable, request: UserRequest): readonly Change[] {
  if (request.status === "open") return table.removal(request);
  return table.storing({ ...request, sealed: undefined }, request);
}
