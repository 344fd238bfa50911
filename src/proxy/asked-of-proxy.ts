import type { RequestFields } from "./request-fields.ts";
import type { RequestTarget } from "./request-target.ts";

/**
 * Whether an OPTIONS request asks about this proxy: about the server as a whole (RFC 9110 section 9.3.7), or with no hop left
 * (section 7.6.2). Otherwise its Max-Forwards, digits if it is there, is counted down in `fields`.
 */
export function endsHere(target: RequestTarget, fields: RequestFields): boolean {
  if (target.path === "*") return true;
  if (fields.maxForwards === undefined) return false;
  const left = Number(fields.maxForwards);
  if (left === 0) return true;
  const { passing } = fields;
  for (let index = 0; index + 1 < passing.length; index += 2)
    if (passing[index]?.toLowerCase() === "max-forwards") passing[index + 1] = String(left - 1);
  return false;
}
