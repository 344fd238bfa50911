// What logveil is measured against, and the upstream of all: each on a port of the kernel's choice and in a temporary folder of its own.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ANSWER } from "./answer.ts";
import { findFreePort, findProgram } from "./machine.ts";
import { startMeasured } from "./measured-process.ts";
import type { MeasuredProcess } from "./measured-process.ts";

export type Server = AsyncDisposable & {
  readonly url: string;
  readonly process: MeasuredProcess;
  /** Where it writes its access log; undefined when it writes none. */
  readonly logFolder: string | undefined;
};

const READY_MS = 30_000;

const BENCH = fileURLToPath(new URL(".", import.meta.url));

export async function startBareProxy(upstream: string): Promise<Server> {
  const port = await findFreePort();
  const args = [join(BENCH, "bare-proxy.ts"), upstream, String(port)];
  return untilServing(port, startMeasured(process.execPath, args, "server"));
}

/** nginx where it is installed, because a slower upstream would be what is measured. */
export async function startUpstream(folder: string): Promise<Server & { readonly name: string }> {
  const port = await findFreePort();
  const nginx = findProgram("nginx");
  if (nginx === undefined) {
    const args = [join(BENCH, "upstream.ts"), String(port)];
    const server = await untilServing(port, startMeasured(process.execPath, args, "rest"));
    return { ...server, name: "node:http (nginx is not installed)" };
  }
  const location = `default_type text/plain; return 200 "${ANSWER.trimEnd()}\\n";`;
  const server = await startNginx(nginx, folder, port, "rest", {
    log: "off",
    upstream: "",
    location,
  });
  return { ...server, name: "nginx" };
}

/** Plain proxying over kept-alive connections, with the access log that nginx writes by default. */
export async function startNginxProxy(
  nginx: string,
  folder: string,
  upstream: string,
): Promise<Server> {
  const port = await findFreePort();
  const keepAlive = `upstream web { server ${new URL(upstream).host}; keepalive 128; keepalive_requests 1000000000; }`;
  const location = `proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;`;
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });
  const log = `${join(logFolder, "access.log")} combined`;
  const settings = { log, upstream: keepAlive, location };
  return { ...(await startNginx(nginx, folder, port, "server", settings)), logFolder };
}

async function startNginx(
  nginx: string,
  folder: string,
  port: number,
  core: "server" | "rest",
  settings: { readonly log: string; readonly upstream: string; readonly location: string },
): Promise<Server> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const file = join(folder, "nginx.conf");
  const text = `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 4096; }
http {
  ${temporary}
  access_log ${settings.log};
  keepalive_requests 1000000000;
  ${settings.upstream}
  server { listen 127.0.0.1:${port}; location / { ${settings.location} } }
}
`;
  await writeFile(file, text);
  return untilServing(port, startMeasured(nginx, ["-p", folder, "-c", file], core));
}

/** A reverse proxy with the log filters that Caddy offers for the same purpose. */
export async function startCaddy(caddy: string, folder: string, upstream: string): Promise<Server> {
  const port = await findFreePort();
  const logFolder = join(folder, "logs");
  const file = join(folder, "Caddyfile");
  const text = `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy ${new URL(upstream).host}
  log {
    output file ${logFolder}/access.log
    format filter {
      wrap json
      fields {
        request>remote_ip ip_mask {
          ipv4 24
          ipv6 48
        }
        request>headers>User-Agent hash
        request>headers>Cookie delete
      }
    }
  }
}
`;
  await writeFile(file, text);
  // Caddy keeps its state in the home folder unless it is given another.
  const state = [`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`];
  const args = [...state, caddy, "run", "--config", file, "--adapter", "caddyfile"];
  return { ...(await untilServing(port, startMeasured("env", args, "server"))), logFolder };
}

async function untilServing(port: number, started: MeasuredProcess): Promise<Server> {
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(url, started);
  return {
    url,
    process: started,
    logFolder: undefined,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** Resolves when `url` answers 200. Rejects when the process ends before, or takes longer than 30 s. */
export async function untilAnswered(url: string, started: MeasuredProcess): Promise<void> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until && !started.hasExited()) {
    if (await answersOk(url)) return;
    await wait(5);
  }
  const said = started.errorLines().slice(-5).join("\n");
  await started.stop();
  throw new Error(`a server did not come up: ${url}\n${said}`);
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
