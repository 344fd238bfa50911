import type { Request, RequestHandler, Response } from "express";
import type { Caller } from "../../callers/caller.ts";
import type { ErasureReceipt, ErasureSubject } from "../../vault/rights/erasure-receipt.ts";
import type { RightsRequest, SubjectRights } from "../../vault/rights/subject-rights.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { parameterOf, statedOf } from "./stated.ts";

export function createSubjectRightsRoutes(rights: SubjectRights, access: Access): readonly Route[] {
  const exporting = forAnyCaller(access, async (caller, request, response) => {
    // No body: one of a GET has no meaning (RFC 9110 section 9.3.1).
    const { body: _unread, ...named } = requestOf(caller, request, response);
    const { subject, held } = await rights.export(named);
    response.json({ status: "ok", ...presentSubject(subject), data: held });
  });
  const erasing = forAnyCaller(access, async (caller, request, response) => {
    const receipt = await rights.erase(requestOf(caller, request, response));
    response.json({ status: "ok", ...presentSubject(receipt.subject), ...presentReceipt(receipt) });
  });
  const restricting = (act: SubjectRights["restrict"]): RequestHandler =>
    forAnyCaller(access, async (caller, request, response) => {
      const subject = await act(requestOf(caller, request, response));
      response.json({ status: "ok", ...presentSubject(subject) });
    });
  return [
    { method: "get", path: "/v1/export/:mode/:id", handler: exporting },
    { method: "post", path: "/v1/erase/:mode/:id", handler: erasing },
    { method: "post", path: "/v1/restrict/:mode/:id", handler: restricting(rights.restrict) },
    { method: "delete", path: "/v1/restrict/:mode/:id", handler: restricting(rights.unrestrict) },
  ];
}

function requestOf(
  caller: Caller | undefined,
  request: Request,
  response: Response,
): RightsRequest {
  const named = { mode: parameterOf(request, "mode"), id: parameterOf(request, "id") };
  return { caller, ...named, ...statedOf(request, response) };
}

function presentSubject({ kind, id }: ErasureSubject) {
  return kind === "user" ? { token: id } : { session: id };
}

/** Times are unix seconds. */
function presentReceipt({ id, beganMs, endedMs, keys, erased }: ErasureReceipt) {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  return { receipt: { id, began: seconds(beganMs), ended: seconds(endedMs), keys, erased } };
}
