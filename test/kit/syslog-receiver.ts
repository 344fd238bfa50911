import { createServer as createTcpServer } from "node:net";
import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { closeServer, listen } from "./loopback.ts";

export type SyslogMessage = {
  readonly priority: number;
  readonly time: string;
  readonly hostName: string;
  readonly appName: string;
  readonly id: string;
  readonly text: string;
};

export type SyslogReceiver = AsyncDisposable & {
  readonly port: number;
  readonly messages: readonly SyslogMessage[];
  /** All bytes that ever came, TLS taken off. */
  readonly bytes: () => Buffer;
  /** How many connections were made. */
  readonly connections: () => number;
  /** The next connections are reset when their first bytes have come, nothing of which is kept. */
  readonly resetNext: (count: number) => void;
  readonly close: () => Promise<void>;
};

/** RFC 5424 section 6, as far as it is used: one structured-data element with an id, no BOM. */
const MESSAGE =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) - access \[logveil@32473 id="([^"\]\\]+)"\] ([\x20-\x7e]*)$/;

/** Reads octet-counted frames (RFC 6587 section 3.4.1) and takes nothing else: what does not parse ends the test by an exception. */
export async function startSyslogReceiver(
  options: { readonly tls?: { readonly cert: string; readonly key: string }; port?: number } = {},
): Promise<SyslogReceiver> {
  const messages: SyslogMessage[] = [];
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let resets = 0;
  const accept = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    const mustReset = resets > 0;
    if (mustReset) resets -= 1;
    let rest = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      if (mustReset) return void socket.resetAndDestroy();
      received.push(chunk);
      rest = takeFrames(Buffer.concat([rest, chunk]), messages);
    });
  };
  const server =
    options.tls === undefined ? createTcpServer(accept) : createTlsServer(options.tls, accept);
  server.on("tlsClientError", () => undefined);
  const port = options.port ?? 0;
  if (port > 0) await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = port > 0 ? port : (await listen(server)).port;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await closeServer(server);
  };
  return {
    port: bound,
    messages,
    bytes: () => Buffer.concat(received),
    connections: () => connections,
    resetNext: (count) => void (resets = count),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function takeFrames(bytes: Buffer, messages: SyslogMessage[]): Buffer<ArrayBuffer> {
  let rest = Buffer.from(bytes);
  for (;;) {
    const [head = "", length = ""] = /^(\d{1,9}) /.exec(rest.toString("latin1", 0, 10)) ?? [];
    if (rest.length === 0 || head === "" || rest.length < head.length + Number(length)) {
      if (head === "" && rest.length > 9) throw new Error("not a frame");
      return rest;
    }
    const text = rest.toString("utf8", head.length, head.length + Number(length));
    const [, priority, time = "", hostName = "", appName = "", id = "", line = ""] =
      MESSAGE.exec(text) ?? [];
    if (priority === undefined) throw new Error("not a message of RFC 5424");
    messages.push({ priority: Number(priority), time, hostName, appName, id, text: line });
    rest = rest.subarray(head.length + Number(length));
  }
}
