// The upstream of most tests: it speaks raw TCP, keeps every byte it is sent and answers whatever a test writes down (answers.ts).

import { createServer } from "node:net";
import type { Socket } from "node:net";
import { closeServer, listen } from "./loopback.ts";
import { respond } from "./answers.ts";
import type { Answer } from "./answers.ts";
import { findHead, findRequest } from "./request-framing.ts";
import type { FramedRequest } from "./request-framing.ts";

export type ReceivedRequest = FramedRequest & {
  /** Which connection it came on, counted from 0. */
  readonly connection: number;
};

export type RecordingUpstream = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** Whole requests in the order of their last byte. */
  readonly requests: readonly ReceivedRequest[];
  /** Every byte of each connection, whole requests or not. */
  readonly connections: readonly Buffer[];
  /** All bytes of all connections, for a search. */
  readonly bytes: () => Buffer;
  /** Connections that are open now. */
  readonly openConnections: () => number;
  /** Answers from now on. One that `answerHead` gave stays in front of it. */
  readonly answerWith: (answer: Answer) => void;
  /** Answers as soon as the head is there, before the body (early 413, 100 Continue); `undefined` leaves it to `answerWith`. */
  readonly answerHeadWith: (answer: Answer | undefined) => void;
  /** Resolves with the request at `index` (0 is the first ever), when it has come. */
  readonly request: (index: number) => Promise<ReceivedRequest>;
  /** Resolves when no connection is open. */
  readonly idle: () => Promise<void>;
  /** Forgets what was recorded. */
  readonly forget: () => void;
  readonly close: () => Promise<void>;
};

/** For bodies of a few MB: it keeps them. Answers 200 with a short text until told otherwise. Listens on a port of the kernel's choice on 127.0.0.1. */
export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const recording = new Recording();
  const server = createServer((socket) => recording.accept(socket));
  const { port, url } = await listen(server);
  const close = async () => {
    recording.dropConnections();
    await closeServer(server);
  };
  return {
    url,
    port,
    requests: recording.requests,
    get connections() {
      return recording.connections.map((chunks) => Buffer.concat(chunks));
    },
    bytes: () => Buffer.concat(recording.connections.flat()),
    openConnections: () => recording.sockets.size,
    answerWith: (answer) => {
      recording.answer = answer;
    },
    answerHeadWith: (answer) => {
      recording.headAnswer = answer;
    },
    request: (index) => recording.when(() => recording.requests[index]),
    idle: async () => {
      await recording.when(() => recording.sockets.size === 0 || undefined);
    },
    forget: () => recording.forget(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

class Recording {
  readonly requests: ReceivedRequest[] = [];
  readonly connections: Buffer[][] = [];
  readonly sockets = new Set<Socket>();
  answer: Answer = respond();
  headAnswer: Answer | undefined;
  readonly #waiting = new Set<() => void>();

  accept(socket: Socket): void {
    const chunks: Buffer[] = [];
    const connection = this.connections.push(chunks) - 1;
    this.sockets.add(socket);
    const reader = new RequestReader(this, socket, connection);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      reader.read(chunk);
    });
    // A proxy may reset a connection; to the upstream of a test that is one way of being closed.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.#wake();
    });
  }

  record(request: ReceivedRequest): void {
    this.requests.push(request);
    this.#wake();
  }

  forget(): void {
    this.requests.length = 0;
    for (const chunks of this.connections) chunks.length = 0;
  }

  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async when<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Cuts what comes on one connection into requests and has them answered one after the other. */
class RequestReader {
  readonly #recording: Recording;
  readonly #socket: Socket;
  readonly #connection: number;
  #unread: Buffer = Buffer.alloc(0);
  #isHeadAnswered = false;
  #isSwitched = false;
  #answering: Promise<void> = Promise.resolve();

  constructor(recording: Recording, socket: Socket, connection: number) {
    this.#recording = recording;
    this.#socket = socket;
    this.#connection = connection;
  }

  read(chunk: Buffer): void {
    if (this.#isSwitched) return;
    this.#unread = Buffer.concat([this.#unread, chunk]);
    this.#answerHead();
    while (!this.#isSwitched) {
      const request = findRequest(this.#unread);
      if (request === undefined) return;
      this.#unread = this.#unread.subarray(request.bytes.length);
      this.#take({ ...request, connection: this.#connection });
      this.#answerHead();
    }
  }

  #answerHead(): void {
    const { headAnswer } = this.#recording;
    const head = this.#isHeadAnswered || !headAnswer ? undefined : findHead(this.#unread);
    if (!head || !headAnswer) return;
    this.#isHeadAnswered = true;
    const none = Buffer.alloc(0);
    this.#enqueue(headAnswer, {
      ...head,
      body: none,
      bytes: head.head,
      connection: this.#connection,
    });
  }

  #take(request: ReceivedRequest): void {
    // Behind an upgrade come bytes of another protocol; they are recorded with the connection and answered by nobody here.
    this.#isSwitched = request.headers.some(([name]) => name.toLowerCase() === "upgrade");
    if (!this.#isHeadAnswered) this.#enqueue(this.#recording.answer, request);
    this.#isHeadAnswered = false;
    this.#recording.record(request);
  }

  #enqueue(answer: Answer, request: ReceivedRequest): void {
    this.#answering = this.#answering
      .then(async () => answer(this.#socket, request))
      // A test's answer that throws must not look like a proxy that works.
      .catch(() => {
        this.#socket.resetAndDestroy();
      });
  }
}
