// The upstream where nginx is not installed, and behind nginx what it cannot do itself: say what came in. Arguments: port.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { ANSWER, contentOf } from "./answer.ts";

const contents = new Map<number, Buffer>();

createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain");
  receive(request).then(
    (received) => response.end(answerTo(request.url ?? "/", received)),
    // The body broke off; there is nobody to answer.
    () => response.destroy(),
  );
}).listen(Number(process.argv[2] ?? 0), "127.0.0.1");

type Received = { readonly bytes: number; readonly digest: string };

async function receive(request: IncomingMessage): Promise<Received> {
  const hash = request.url === "/digest" ? createHash("sha256") : undefined;
  let bytes = 0;
  for await (const chunk of request) {
    const piece: Buffer = chunk;
    bytes += piece.length;
    hash?.update(piece);
  }
  return { bytes, digest: hash?.digest("hex") ?? "" };
}

function answerTo(path: string, { bytes, digest }: Received): string | Buffer {
  if (path === "/digest") return `${bytes} ${digest}\n`;
  const wanted = /^\/bytes\/(\d{1,8})$/.exec(path)?.[1];
  return wanted === undefined ? ANSWER : contentWith(Number(wanted));
}

/** The few sizes that scenarios ask for are made once. */
function contentWith(bytes: number): Buffer {
  const content = contents.get(bytes) ?? contentOf(bytes);
  if (contents.size < 8) contents.set(bytes, content);
  return content;
}
