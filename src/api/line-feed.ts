import { raw } from "express";
import type { Request, Response } from "express";
import { LogveilError } from "../errors.ts";
import { decodeSessions } from "../token/sealed-session.ts";
import type { LineFeed } from "../vault/log-ingestion.ts";
import { readBody } from "./databunker/body.ts";
import { forAnyCaller, forCaller } from "./route.ts";
import type { Access, Route } from "./route.ts";

/** What `logveil tokenize` sends at once (commands/line-channel.ts) is half of it at most. */
const MAX_SESSIONS_BYTES = 16 * 1024 * 1024;

const readRaw = raw({ type: () => true, limit: MAX_SESSIONS_BYTES, inflate: false });

/** Served on the control socket only. */
export function createLineFeedRoutes(feed: LineFeed, access: Access): readonly Route[] {
  return [
    {
      method: "post",
      path: "/control/lines/epoch",
      handler: forAnyCaller(access, async (caller, request, response) => {
        const body = await readBody(request, response);
        response.json(await feed.epochOf(caller, Number(body?.["epoch"])));
      }),
    },
    {
      method: "post",
      path: "/control/lines/sessions",
      // No event of its own: what comes is what the data plane hands over all day, and says nothing to anybody.
      handler: forCaller(access, "log.feed", async (_caller, request, response) => {
        await feed.append(decodeSessions(await readJson(request, response)));
        response.json({ status: "ok" });
      }),
    },
  ];
}

async function readJson(request: Request, response: Response): Promise<unknown> {
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (cause?: unknown) =>
      cause === undefined ? resolve() : reject(new LogveilError("body-too-large", { cause })),
    );
  });
  try {
    return JSON.parse(String(request.body));
  } catch {
    throw new LogveilError("body-invalid"); // without the cause, which quotes the body
  }
}
