import { createServer } from "node:net";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { closeServer, listen } from "./loopback.ts";

export type ReceivedMail = {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and text as they came, lines ended by LF. */
  readonly content: string;
};

export type SmtpReceiver = AsyncDisposable & {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** How many have connected. */
  readonly connections: () => number;
  /** What is answered to the next mails' recipients, one entry a mail, in place of 250. */
  readonly answerNext: (...replies: readonly string[]) => void;
};

/** As much of a mail server (RFC 5321, no extensions) as receives, on a port of the kernel's choice on 127.0.0.1. */
export async function startSmtpReceiver(): Promise<SmtpReceiver> {
  const mails: ReceivedMail[] = [];
  const replies: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    void converse(socket, mails, replies);
  });
  const { port } = await listen(server);
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    connections: () => sockets.size,
    answerNext: (...next) => void replies.push(...next),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
    },
  };
}

async function converse(socket: Socket, mails: ReceivedMail[], replies: string[]): Promise<void> {
  const say = (line: string) => void socket.write(`${line}\r\n`);
  let mail = { from: "", to: [] as string[], lines: [] as string[] };
  let isContent = false;
  say("220 receiver.example ready");
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    if (isContent && line !== ".") mail.lines.push(line.replace(/^\./, ""));
    else if (isContent) {
      mails.push({ from: mail.from, to: mail.to, content: mail.lines.join("\n") });
      [mail, isContent] = [{ from: "", to: [], lines: [] }, false];
      say("250 taken");
    } else if (/^MAIL FROM:/i.test(line)) {
      mail.from = addressIn(line);
      say("250 go on");
    } else if (/^RCPT TO:/i.test(line)) {
      mail.to.push(addressIn(line));
      say(replies.shift() ?? "250 go on");
    } else if (/^DATA/i.test(line)) {
      isContent = true;
      say("354 end with a dot");
    } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
    else say("250 receiver.example");
  }
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? "";
}
