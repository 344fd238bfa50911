// What logveil answers itself: refusals, and OPTIONS that ask about this proxy.

import type { Socket } from "node:net";
import { sendProblem } from "../http/problem.ts";
import type { ClientRequest, ClientResponse } from "./client-exchange.ts";
import type { Refusal } from "./framing.ts";
import type { Peer } from "./known-client.ts";
import { closeGentlyAfterAnswer } from "./lingering-close.ts";
import type { OpenExchange } from "./open-exchange.ts";
import { ALLOWED_METHODS, endSocket } from "./unread-request.ts";

type Answered = { readonly exchange: OpenExchange; readonly peer: Peer };

/** Answers with a problem, and has nothing after it on the connection read: a refused request may be the half of another one. */
export function answerRefused(
  request: ClientRequest,
  response: ClientResponse,
  { exchange, peer }: Answered,
  { status, errorType }: Refusal,
): void {
  peer.isRefused = true;
  exchange.errorType = errorType;
  response.once("close", () => exchange.finish(status));
  response.setHeader("connection", "close");
  closeGentlyAfterAnswer(request);
  if (status === 405) response.setHeader("allow", ALLOWED_METHODS);
  sendProblem(response, status, errorType);
}

/** The same without a response object. SECURITY: an answer that is under way must not get a second one written into it. */
export function answerBare(
  socket: Socket,
  { exchange, peer }: Answered,
  { status, errorType }: Refusal,
): void {
  exchange.errorType = errorType;
  peer.onIdle = () => endSocket(socket, status, errorType);
  exchange.finish(status);
}

/** `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7): that is this one, the upstream has its own. */
export function answerOptions(response: ClientResponse, exchange: OpenExchange): void {
  response.once("close", () => exchange.finish(response.statusCode));
  response.writeHead(204, { allow: ALLOWED_METHODS });
  response.end();
}
