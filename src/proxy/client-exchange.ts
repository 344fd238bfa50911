// A client's request and the answer to it, as the way through the proxy sees them: node's own objects for HTTP/1, which fit as they
// are, and http2-exchange.ts for HTTP/2.

import type { Socket } from "node:net";

export type ClientRequest = {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** `1.0`, `1.1` or `2`. */
  readonly httpVersion: string;
  /** name, value, name, value … as an HTTP/1.1 client would have sent them. */
  readonly rawHeaders: readonly string[];
  /** Whether the whole body has come. */
  readonly complete: boolean;
  /** What a refusal ends: the connection, or the one stream of it. */
  readonly socket: Socket;
  readonly iterator: (options: { destroyOnReturn: boolean }) => AsyncIterable<unknown>;
};

export type ClientResponse = {
  statusCode: number;
  /** Whether another request may follow on the connection; without meaning in HTTP/2. */
  shouldKeepAlive: boolean;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  /** Whether all of the answer has left. */
  readonly writableFinished: boolean;
  /** Bytes that wait for the client. */
  readonly writableLength: number;
  readonly once: (event: "close" | "drain", listener: () => void) => unknown;
  readonly setHeader: (name: string, value: string) => unknown;
  readonly writeContinue: () => void;
  readonly writeInformation?: (status: number, headers: string[]) => unknown;
  readonly writeHead: {
    (status: number, reason: string, headers: string[]): unknown;
    (status: number, headers: Record<string, string | number>): unknown;
  };
  readonly flushHeaders: () => void;
  readonly write: (chunk: Buffer) => boolean;
  readonly addTrailers: (trailers: [string, string][]) => void;
  readonly end: {
    (): unknown;
    (text: string): unknown;
    (text: string, encoding: "latin1" | "utf8"): unknown;
  };
  /** Breaks the answer off so that it looks broken. */
  readonly destroy: () => unknown;
};
