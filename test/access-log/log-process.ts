import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order, Report } from "./standard-output-child.ts";

const CHILD = fileURLToPath(new URL("standard-output-child.ts", import.meta.url));

type Stdout = "pipe" | number;

/** Starts `standard-output-child.ts`; resolves when it takes orders. With a file name it logs to that file instead. */
export async function startChild(stdout: Stdout, ...names: string[]): Promise<ChildProcess> {
  const child = fork(CHILD, names, { stdio: ["ignore", stdout, "pipe", "ipc"] });
  await once(child, "message");
  return child;
}

/** Resolves with what the child reports after it has carried the order out. */
export async function tell(child: ChildProcess, order: Order): Promise<Report> {
  const answer = once(child, "message");
  child.send(order);
  const [report] = await answer;
  return report;
}
