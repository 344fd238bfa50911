import { request } from "undici";

/**
 * One request with a host name, which fetch cannot send; POST when there is a body. logveil keeps a loopback address in the Host field
 * as it is, so that with a name there any address in a log line is a client's.
 */
export async function visit(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  content?: Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const { statusCode, body } = await request(url, {
    headers: { host: "bench.example", ...headers },
    ...(content === undefined ? {} : { method: "POST", body: content }),
  });
  return { status: statusCode, text: await body.text() };
}
