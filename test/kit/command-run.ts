import type { Command, CommandIo } from "../../src/commands/command.ts";

export type CommandRun = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a command as a shell would, with what it may not take from the process given by the test. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  io: Partial<Omit<CommandIo, "stdin">> & { readonly input?: string } = {},
): Promise<CommandRun> {
  const [stdout, stderr] = [createSink(), createSink()];
  const { input = "", ...given } = io;
  const code = await command(args, {
    stdin: stdinOf(input),
    stdout,
    stderr,
    environment: {},
    openControlPlane: () => Promise.reject(new TypeError("this test opens none")),
    ...given,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

async function* stdinOf(text: string): AsyncIterable<Buffer> {
  yield Buffer.from(text);
}

function createSink() {
  let written = "";
  return { write: (text: string) => (written += text), text: () => written };
}
