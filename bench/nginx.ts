// nginx in two parts: the upstream of everybody, because a slower one would be what is measured, and a proxy to compare with.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ANSWER, contentOf } from "./answer.ts";
import { findFreePort, findProgram } from "./machine.ts";
import { startMeasured } from "./measured-process.ts";
import { ANSWER_SIZES } from "./scenarios.ts";
import { startNodeUpstream, untilServing } from "./servers.ts";
import type { Server } from "./servers.ts";

export type Upstream = Server & { readonly name: string };

/**
 * `/` answers 100 bytes, `/bytes/N` N bytes, `/upload` when it has read the body, and `/digest` with "length SHA-256" of the body; the
 * last comes from node:http, as all of it does where nginx is not installed.
 */
export async function startUpstream(folder: string): Promise<Upstream> {
  const program = findProgram("nginx");
  const node = await startNodeUpstream();
  if (program === undefined) return { ...node, name: "node:http (nginx is not installed)" };
  const port = await findFreePort();
  await writeContents(folder);
  const http = `access_log off; client_max_body_size 0; client_body_buffer_size 16m;`;
  const server = `${ANSWERING}
    location /bytes/ { root ${folder}; }
    location = /digest { proxy_pass ${node.url}; proxy_http_version 1.1; }
    ${reading(folder)}`;
  const nginx = await startNginx({ program, folder, port, core: "rest", http, server });
  const dispose = async () => {
    await nginx[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  };
  return { ...nginx, name: "nginx", [Symbol.asyncDispose]: dispose };
}

const ANSWERING = `location / { default_type text/plain; return 200 "${ANSWER.trimEnd()}\\n"; }`;

/** `return` would answer before the body is there. Mirroring reads it first; then a static file refuses POST, which is the answer. */
function reading(folder: string): string {
  return `location = /upload { root ${folder}; mirror /discard; error_page 405 =200 @read; }
    location = /discard { internal; return 204; }
    location @read { default_type text/plain; return 200 "read\\n"; }`;
}

async function writeContents(folder: string): Promise<void> {
  await mkdir(join(folder, "bytes"));
  for (const bytes of ANSWER_SIZES) {
    await writeFile(join(folder, "bytes", String(bytes)), contentOf(bytes));
  }
  await writeFile(join(folder, "upload"), "");
}

/**
 * Plain proxying over kept-alive connections, with the access log that nginx writes by default. Bodies are streamed to the upstream
 * as the others do it, instead of being written to a file first.
 */
export async function startNginxProxy(
  program: string,
  folder: string,
  upstream: string,
): Promise<Server> {
  const port = await findFreePort();
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });
  const http = `access_log ${join(logFolder, "access.log")} combined; client_max_body_size 0;
  upstream web { server ${new URL(upstream).host}; keepalive 1024; keepalive_requests 1000000000; }`;
  const server = `location / { proxy_pass http://web; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $host; }`;
  const started = await startNginx({ program, folder, port, core: "server", http, server });
  return { ...started, logFolder };
}

type NginxOptions = {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  readonly core: "server" | "rest";
  /** Directives of the blocks of these names. */
  readonly http: string;
  readonly server: string;
};

async function startNginx(options: NginxOptions): Promise<Server> {
  const { program, folder, port, core } = options;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const file = join(folder, "nginx.conf");
  const text = `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 8192; }
http {
  ${temporary}
  keepalive_requests 1000000000;
  ${options.http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${options.server}
  }
}
`;
  await writeFile(file, text);
  return untilServing(port, startMeasured(program, ["-p", folder, "-c", file], core));
}
