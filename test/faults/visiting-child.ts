// A client of many keep-alive connections in a process of its own: `node visiting-child.ts <port> <connections>`. Each connection asks
// for one page after the other, and is opened again when it was closed, until no connection is accepted any more. What became of
// each request goes to standard output as JSON in the end. A line "visiting" says that answers are coming.

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** `whole`: answered. `untouched`: closed before a byte of an answer. `broken`: closed within the answer. */
export type Outcome = "whole" | "untouched" | "broken";
export type VisitReport = readonly (readonly [path: string, outcome: Outcome])[];

const [port = 0, connections = 0] = process.argv.slice(2).map(Number);
const outcomes: [string, Outcome][] = [];

async function open(): Promise<Socket | undefined> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => socket.destroy());
  const isOpen = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "close").then(() => false),
  ]).catch(() => false);
  return isOpen ? socket : undefined;
}

async function ask(socket: Socket, path: string): Promise<Outcome> {
  let answer = "";
  const done = Promise.withResolvers<Outcome>();
  const onData = (chunk: Buffer) => {
    answer += chunk.toString("latin1");
    if (answer.endsWith("\r\n\r\nwhole")) done.resolve("whole");
  };
  const onClose = () => done.resolve(answer === "" ? "untouched" : "broken");
  socket.on("data", onData).once("close", onClose);
  if (socket.destroyed) onClose();
  else socket.write(requestFor(path));
  const outcome = await done.promise;
  socket.off("data", onData).off("close", onClose);
  return outcome;
}

/** Every other one with a body, written in one piece with the head. */
function requestFor(path: string): string {
  const head = "Host: www.example.com\r\nUser-Agent: visitor/1\r\n";
  if (path.endsWith("0")) return `GET ${path} HTTP/1.1\r\n${head}\r\n`;
  return `POST ${path} HTTP/1.1\r\n${head}Content-Length: 3000\r\n\r\n${"b".repeat(3000)}`;
}

async function visit(visitor: number): Promise<void> {
  for (let visits = 0, socket = await open(); socket !== undefined; socket = await open()) {
    while (!socket.destroyed) {
      const path = `/visitor${String(visitor)}/${String((visits += 1))}/${String(visits % 2)}`;
      outcomes.push([path, await ask(socket, path)]);
      if (outcomes.length === connections * 4) process.stdout.write("visiting\n");
    }
  }
}

await Promise.all(Array.from({ length: connections }, (_, visitor) => visit(visitor)));
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
