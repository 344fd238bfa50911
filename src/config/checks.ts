// What the schema cannot say, because it takes more than one key: two tables, one of problems and one of warnings.

import type { Configuration } from "./configuration.ts";
import { clash, reaches } from "./listen-address.ts";
import type { Problem } from "./problem.ts";

type Check = Pick<Problem, "path" | "problem" | "remedy"> & {
  /** Other keys that it looks at: with a problem of their own, they would make this one a guess. */
  readonly involves: readonly string[];
  readonly applies: (configuration: Configuration) => boolean;
};

const HOURS_72 = 72 * 3_600_000;
const OUR_COOKIE = "logveil_session";

const PROBLEMS: readonly Check[] = [
  ...(["tls", "upstreamTls"] as const).flatMap((section) => [
    together(section, "cert", "key"),
    together(section, "key", "cert"),
  ]),
  ...(["ca", "serverName", "cert"] as const).map(needsHttpsUpstream),
  {
    // SECURITY: who may say whose connection this is must be named, or everybody could.
    path: "proxy.proxyProtocol",
    involves: ["proxy.trustedProxies"],
    applies: ({ proxy }) => proxy.proxyProtocol === "on" && proxy.trustedProxies.length === 0,
    problem: "is on while proxy.trustedProxies is empty, so every connection would be closed",
    remedy: "name the load balancer's network there",
  },
  {
    path: "proxy.upstream",
    involves: ["proxy.listen"],
    applies: ({ proxy }) => reaches(proxy.upstream, proxy.listen),
    problem: "is the address that the proxy itself listens on",
    remedy: "give the address of the web server behind",
  },
  {
    // SECURITY: the vault must not be on the public side, where everybody who can reach the proxy can try tokens on it.
    path: "proxy.upstream",
    involves: ["vault.listen"],
    applies: ({ proxy, vault }) => reaches(proxy.upstream, vault.listen),
    problem: "is the address of the vault",
    remedy: "give the address of the web server behind",
  },
  {
    path: "vault.listen",
    involves: ["proxy.listen"],
    applies: ({ proxy, vault }) => clash(proxy.listen, vault.listen),
    problem: "is taken by proxy.listen",
    remedy: "give the two different ports",
  },
  {
    path: "proxy.forward.passCookies",
    involves: [],
    applies: ({ proxy: { forward } }) => forward.passCookies.includes(OUR_COOKIE),
    problem: `names ${OUR_COOKIE}, which logveil sets`,
    remedy: "leave it out",
  },
  {
    path: "session.rotate",
    involves: [],
    applies: ({ session }) => session.rotate % 1000 !== 0,
    problem: "must be whole seconds",
    remedy: "for example 24h",
  },
  {
    path: "vault.rootTokenFile",
    involves: ["vault.masterKeyFile", "vault.dataDir"],
    applies: ({ vault }) => vault.rootTokenFile === vault.masterKeyFile,
    problem: "is the same file as vault.masterKeyFile",
    remedy: "give each a file of its own",
  },
  {
    path: "accessLog.syslog.ca",
    involves: ["accessLog.syslog.url"],
    applies: ({ accessLog: { syslog } }) =>
      syslog.ca !== undefined && syslog.url?.startsWith("tls:") === false,
    problem: "has no effect on a connection without TLS",
    remedy: "use tls:// in accessLog.syslog.url or leave it out",
  },
  {
    path: "vault.notify.secret",
    involves: ["vault.notify.webhook"],
    applies: ({ vault: { notify } }) => notify.webhook !== undefined && notify.secret === undefined,
    problem: "is missing while vault.notify.webhook is set",
    remedy: "give both sides one long random text",
  },
  {
    path: "vault.notify.from",
    involves: ["vault.notify.smtp"],
    applies: ({ vault: { notify } }) => notify.smtp !== undefined && notify.from === undefined,
    problem: "is missing while vault.notify.smtp is set",
    remedy: "for example logveil@example.org",
  },
  needed("syslog", "url", ({ syslog }) => syslog.url, "for example tls://logs.example.org:6514"),
  needed("otlp", "url", ({ otlp }) => otlp.url, "for example https://logs.example.org/v1/logs"),
  needed("mezmo", "keyFile", ({ mezmo }) => mezmo.keyFile, "name the file with the ingestion key"),
  needed("http", "url", ({ http }) => http.url, "for example https://logs.example.org"),
];

const WARNINGS: readonly Check[] = [
  {
    path: "proxy.trustedProxies",
    involves: ["proxy.listen"],
    applies: ({ proxy }) => "path" in proxy.listen && !proxy.trustedProxies.includes("unix"),
    problem: "does not name unix while proxy.listen is a Unix socket",
    remedy: "no client would have an address",
  },
  {
    path: "proxy.upstreamTls.verify",
    involves: [],
    applies: ({ proxy }) => proxy.upstreamTls.verify === "off",
    problem: "is off",
    remedy: "whoever is on the way to the upstream can read and change everything",
  },
  {
    path: "session.retention",
    involves: [],
    applies: ({ session }) => session.retention < HOURS_72,
    problem: "is below 72h",
    remedy: "a breach may be found after what explains it is gone",
  },
  {
    path: "proxy.trustedProxies",
    involves: [],
    applies: ({ proxy }) => proxy.trustedProxies.some((network) => network.endsWith("/0")),
    problem: "trusts every address",
    remedy: "any client can choose the address that it is known by",
  },
  {
    path: "proxy.forward.passCookies",
    involves: ["proxy.forward.cookies"],
    applies: ({ proxy: { forward } }) =>
      forward.cookies === "pass" && forward.passCookies !== "auto",
    problem: "has no effect",
    remedy: "because proxy.forward.cookies lets every cookie pass",
  },
  {
    path: "session.cookies",
    involves: ["session.identity"],
    applies: ({ session }) => session.cookies !== "auto" && !session.identity.includes("cookies"),
    problem: "has no effect",
    remedy: "because session.identity does not name cookies",
  },
  {
    path: "accessLog.file.keep",
    involves: ["accessLog.file.rotate", "accessLog.outputs"],
    applies: ({ accessLog: { outputs, file } }) =>
      outputs.includes("file") && file.keep < file.rotate,
    problem: "is shorter than accessLog.file.rotate",
    remedy: "a line stays until its file has been rotated and then for keep",
  },
  ...(["syslog", "otlp", "http"] as const).map(needsItsOutput),
  {
    path: "accessLog.mezmo.url",
    involves: ["accessLog.outputs"],
    applies: ({ accessLog: { outputs, mezmo } }) =>
      outputs.includes("mezmo") && crossesNetworkInClear(mezmo.url),
    problem: "is not https",
    remedy: "the ingestion key can be read on the way",
  },
  {
    path: "accessLog.http.headers",
    involves: ["accessLog.http.url"],
    applies: ({ accessLog: { http } }) =>
      Object.keys(http.headers).length > 0 && crossesNetworkInClear(http.url),
    problem: "go over a connection without TLS",
    remedy: "what is secret in them can be read on the way: use https:// in accessLog.http.url",
  },
  {
    path: "vault.notify.webhook",
    involves: [],
    applies: ({ vault: { notify } }) => crossesNetworkInClear(notify.webhook),
    problem: "is not https",
    remedy: "what it is told about people can be read on the way",
  },
  {
    path: "vault.notify.secret",
    involves: ["vault.notify.webhook"],
    applies: ({ vault: { notify } }) => notify.secret !== undefined && notify.webhook === undefined,
    problem: "has no effect",
    remedy: "because vault.notify.webhook is not set",
  },
  {
    path: "vault.notify.from",
    involves: ["vault.notify.smtp"],
    applies: ({ vault: { notify } }) => notify.from !== undefined && notify.smtp === undefined,
    problem: "has no effect",
    remedy: "because vault.notify.smtp is not set",
  },
];

/** What is wrong across keys, apart from the keys in `known`, whose problems are known already. */
export function crossProblems(
  configuration: Configuration,
  known: readonly string[],
): readonly Problem[] {
  return findings(PROBLEMS, configuration, known);
}

/** What is allowed and seldom meant. */
export function findWarnings(configuration: Configuration): readonly Problem[] {
  return findings(WARNINGS, configuration, []);
}

function findings(
  checks: readonly Check[],
  configuration: Configuration,
  known: readonly string[],
): readonly Problem[] {
  const isKnown = (path: string) =>
    known.some(
      (other) => path === other || path.startsWith(`${other}.`) || other.startsWith(`${path}[`),
    );
  return checks
    .filter(({ path, involves }) => ![path, ...involves].some(isKnown))
    .filter(({ applies }) => applies(configuration))
    .map(({ path, problem, remedy }) => ({ path, problem, remedy }));
}

function together(
  section: "tls" | "upstreamTls",
  given: "cert" | "key",
  missing: "cert" | "key",
): Check {
  return {
    path: `proxy.${section}.${missing}`,
    involves: [`proxy.${section}.${given}`],
    applies: ({ proxy }) =>
      proxy[section][given] !== undefined && proxy[section][missing] === undefined,
    problem: `is missing while proxy.${section}.${given} is set`,
    remedy: "set both or neither",
  };
}

function needsHttpsUpstream(key: "ca" | "serverName" | "cert"): Check {
  return {
    path: `proxy.upstreamTls.${key}`,
    involves: ["proxy.upstream"],
    applies: ({ proxy }) =>
      proxy.upstreamTls[key] !== undefined && !proxy.upstream.startsWith("https:"),
    problem: "has no effect on a connection without TLS",
    remedy: "use https:// in proxy.upstream or leave it out",
  };
}

function needsItsOutput(output: "syslog" | "otlp" | "http"): Check {
  return {
    path: `accessLog.${output}.url`,
    involves: ["accessLog.outputs"],
    applies: ({ accessLog }) =>
      accessLog[output].url !== undefined && !accessLog.outputs.includes(output),
    problem: "has no effect",
    remedy: `because accessLog.outputs does not name ${output}`,
  };
}

function crossesNetworkInClear(url: string | undefined): boolean {
  const { protocol, hostname } = new URL(url ?? "https://unset.invalid");
  return protocol === "http:" && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function needed(
  output: "syslog" | "otlp" | "mezmo" | "http",
  key: string,
  read: (accessLog: Configuration["accessLog"]) => string | undefined,
  remedy: string,
): Check {
  return {
    path: `accessLog.${output}.${key}`,
    involves: ["accessLog.outputs"],
    applies: ({ accessLog }) => accessLog.outputs.includes(output) && read(accessLog) === undefined,
    problem: `is missing while accessLog.outputs names ${output}`,
    remedy,
  };
}
