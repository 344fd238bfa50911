import type { ListenAddress } from "./listen-address.ts";
import type { Rate } from "./quantity.ts";
import type { Secret } from "./secret.ts";

/**
 * The whole configuration, checked and with every default in: the groups and names of config.yaml (SPEC section 2,
 * docs/configuration.md). Durations in milliseconds, sizes in bytes, `<dataDir>` resolved, undefined for a key that has no
 * default and was not set.
 */
export type Configuration = {
  readonly proxy: ProxyConfiguration;
  readonly session: SessionConfiguration;
  readonly accessLog: AccessLogConfiguration;
  readonly ingest: {
    readonly syslog: {
      readonly udp: ListenAddress | undefined;
      readonly tcp: ListenAddress | undefined;
    };
  };
  readonly vault: VaultConfiguration;
};

export type ProxyConfiguration = {
  readonly listen: ListenAddress;
  readonly socketAccess: "owner" | "group" | "all";
  /** An origin (`http://127.0.0.1:8000`) or `unix:/path`. */
  readonly upstream: string;
  /** CIDRs, always with their prefix length, and `unix`. */
  readonly trustedProxies: readonly string[];
  readonly proxyProtocol: "off" | "on";
  readonly forward: {
    readonly clientAddress: "token" | "omit" | "pass";
    readonly userAgent: "token" | "reduced" | "omit" | "pass";
    readonly cookies: "token" | "omit" | "pass";
    readonly passCookies: "auto" | readonly string[];
  };
  readonly tls: { readonly cert: string | undefined; readonly key: string | undefined };
  readonly upstreamTls: {
    readonly ca: string | undefined;
    readonly serverName: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
    readonly verify: "on" | "off";
  };
  readonly limits: {
    /** Bytes. */
    readonly headers: number;
    /** Bytes; Infinity for `none`. */
    readonly body: number;
    readonly connections: number;
    readonly newSessionsPerAddress: Rate;
  };
  /** All in milliseconds. */
  readonly timeouts: {
    readonly headers: number;
    readonly request: number;
    readonly idle: number;
    readonly upstreamConnect: number;
    readonly upstreamResponse: number;
    readonly drain: number;
  };
};

export type SessionConfiguration = {
  readonly identity: readonly ("address" | "userAgent" | "cookies")[];
  readonly cookies: "auto" | readonly string[];
  /** Milliseconds, whole seconds. */
  readonly rotate: number;
  /** Milliseconds. */
  readonly retention: number;
  readonly durability: "process" | "disk";
};

export type AccessLogConfiguration = {
  readonly format: "json" | "ecs" | "combined";
  readonly outputs: readonly ("stdout" | "file" | "syslog" | "otlp" | "mezmo" | "http")[];
  readonly file: {
    readonly path: string;
    /** Milliseconds. */
    readonly rotate: number;
    /** Bytes. */
    readonly maxSize: number;
    /** Milliseconds. */
    readonly keep: number;
  };
  readonly syslog: { readonly url: string | undefined; readonly ca: string | undefined };
  readonly otlp: { readonly url: string | undefined };
  readonly mezmo: { readonly url: string; readonly keyFile: string | undefined };
  readonly http: {
    readonly url: string | undefined;
    readonly headers: Readonly<Record<string, Secret>>;
  };
  /** `maxSize` in bytes. */
  readonly spool: { readonly dir: string; readonly maxSize: number };
  readonly identity: "token" | "sealed" | "none";
  readonly userAgent: "family" | "none";
  readonly query: { readonly keep: readonly string[] };
  readonly paths: readonly string[];
};

export type VaultConfiguration = {
  readonly listen: ListenAddress;
  readonly dataDir: string;
  readonly masterKeyFile: string;
  readonly rootTokenFile: string;
  /** Milliseconds. */
  readonly maxSharedRecord: number;
  /** Milliseconds. */
  readonly maxSession: number;
  /** Milliseconds. */
  readonly auditRetention: number;
  readonly defaultCountry: string;
  readonly userSchema: string | undefined;
  readonly dialect: {
    readonly createUserWithoutToken: boolean;
    readonly listUsers: boolean;
    readonly statusCodes: "databunker" | "strict";
  };
  readonly selfService: {
    readonly forgetMe: boolean;
    readonly changeProfile: boolean;
    readonly changeApps: readonly string[];
  };
  readonly notify: {
    readonly webhook: string | undefined;
    readonly secret: Secret | undefined;
    readonly smtp: string | undefined;
    readonly from: string | undefined;
  };
  readonly disclosure: { readonly support: DisclosureLevels; readonly dpo: DisclosureLevels };
};

/** What one role sees of a session. */
export type DisclosureLevels = {
  readonly address: "full" | "network" | "none";
  readonly userAgent: "full" | "family" | "none";
  readonly cookie: "full" | "none";
};
