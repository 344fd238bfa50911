import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { eventually } from "./eventually.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

export type Nginx = AsyncDisposable & {
  /** For `proxy.upstream`. */
  readonly upstream: string;
  readonly accessLog: () => Promise<string>;
  readonly errorLog: () => Promise<string>;
};

const PLACES = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];

/** Undefined where it is not installed. */
export function findNginx(): string | undefined {
  return PLACES.find((place) => existsSync(place));
}

/**
 * A real nginx on a Unix socket in `folder`. `logging`: the directives about logs in its `http` block, with `access.log` and `error.log`
 * for its files. Pages are in `www`; /dead is an upstream that refuses, /upload one that buffers, /small takes ten bytes, /private wants a password.
 */
export async function startNginx(
  nginx: string,
  folder: TemporaryFolder,
  logging: string,
): Promise<Nginx> {
  const socket = folder.file("nginx.sock");
  await mkdir(folder.file("www"), { recursive: true });
  await writeFile(folder.file("www", "index.html"), "hello");
  await writeFile(folder.file("passwords"), "somebody:{PLAIN}else\n");
  await writeFile(folder.file("nginx.conf"), configurationOf(folder, socket, logging));
  const child = spawn(nginx, ["-e", folder.file("start.log"), "-c", folder.file("nginx.conf")], {
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  await eventually("nginx to listen", async () => {
    if (child.exitCode !== null) throw new Error(await readFile(folder.file("start.log"), "utf8"));
    return existsSync(socket) ? true : undefined;
  });
  return {
    upstream: `unix:${socket}`,
    accessLog: () => readFile(folder.file("access.log"), "utf8").catch(() => ""),
    errorLog: () => readFile(folder.file("error.log"), "utf8").catch(() => ""),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function configurationOf({ path }: TemporaryFolder, socket: string, logging: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${path}/${name};`)
    .join("\n  ");
  // The folder is the owner's alone, and root's workers are nobody's.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user}
daemon off;
pid ${path}/nginx.pid;
worker_processes 1;
events {}
http {
  ${temporary}
  ${logging}
  server {
    listen unix:${socket};
    root ${path}/www;
    location /small { client_max_body_size 10; }
    location /dead { proxy_pass http://127.0.0.1:1; }
    location /upload { client_body_buffer_size 16; proxy_pass http://127.0.0.1:1; }
    location /private { auth_basic private; auth_basic_user_file ${path}/passwords; }
  }
}
`;
}
