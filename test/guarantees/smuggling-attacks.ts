// Ways to make two parsers disagree about where a request ends, each as a client would send it. `/front` is the request that a proxy
// would look at, `/smuggled` the one it must not let through.

import { head } from "../kit/raw-client.ts";

export type Attack = {
  readonly name: string;
  readonly bytes: string;
  /** What the client is answered: 200 when one request goes on and is harmless, otherwise none goes on at all. */
  readonly answer: number;
};

const HOST = "Host: h";
const CLOSE = "Connection: close";
const CHUNKED = "Transfer-Encoding: chunked";
const SMUGGLED = head("GET /smuggled HTTP/1.1", "Host: h", "X-Smuggled: yes");
const LAST_CHUNK = "0\r\n\r\n";

const front = (...fields: readonly string[]) =>
  head("POST /front HTTP/1.1", HOST, ...fields, CLOSE);

const lengthOf = (body: string) => `Content-Length: ${String(body.length)}`;

const chunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`;

/** Who believes the length takes all of it as the body; who believes the coding sees a request behind the last chunk. */
function lengthThenCoding(coding: string): string {
  const body = LAST_CHUNK + SMUGGLED;
  return front(lengthOf(body), coding) + body;
}

/** Who believes the coding takes all of it as the body; who believes the length sees a request behind the first chunk's size. */
function codingThenLength(coding: string): string {
  const body = chunk(SMUGGLED) + LAST_CHUNK;
  return front(`Content-Length: ${String(body.indexOf("\n") + 1)}`, coding) + body;
}

/** A body that somebody who reads the length differently takes for a request. */
const lengths = (...lines: readonly string[]) => front(...lines) + SMUGGLED;

/** A chunked body in which only a sloppy reader finds an end, and a request behind it. */
const chunks = (body: string) => front(CHUNKED) + body + SMUGGLED;

/** A head that is refused, and a request behind it that must not be served in its place. */
const refusedFirst = (...lines: readonly string[]) => head(...lines) + SMUGGLED;

type Row = readonly [name: string, answer: number, bytes: string];

const N = String(SMUGGLED.length);

const LENGTH_AND_CODING: readonly Row[] = [
  ["CL.TE", 400, lengthThenCoding(CHUNKED)],
  ["TE.CL", 400, codingThenLength(CHUNKED)],
  [
    "TE.CL, the coding first",
    400,
    front(CHUNKED, "Content-Length: 4") + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  ["CL.TE with a length of 0", 400, front("Content-Length: 0", CHUNKED) + LAST_CHUNK + SMUGGLED],
  [
    "a coding in HTTP/1.0",
    400,
    head("POST /front HTTP/1.0", HOST, CHUNKED) + LAST_CHUNK + SMUGGLED,
  ],
  [
    "a coding in HTTP/1.0, kept alive",
    400,
    head("POST /front HTTP/1.0", HOST, "Connection: keep-alive", CHUNKED) + LAST_CHUNK + SMUGGLED,
  ],
  [
    "a GET with both",
    400,
    head("GET /front HTTP/1.1", HOST, CHUNKED, lengthOf(SMUGGLED)) + LAST_CHUNK + SMUGGLED,
  ],
];

/** How the coding can be written so that one parser sees it and another does not. */
const SPELLINGS: readonly (readonly [name: string, answer: number, line: string])[] = [
  ["in capitals", 400, "TRANSFER-ENCODING: CHUNKED"],
  ["a space before the colon", 400, "Transfer-Encoding : chunked"],
  ["a tab before the colon", 400, "Transfer-Encoding\t: chunked"],
  ["a vertical tab before the colon", 400, "Transfer-Encoding\u000b: chunked"],
  ["a space before the name", 400, " Transfer-Encoding: chunked"],
  ["a NUL in the name", 400, "Transfer-\0Encoding: chunked"],
  ["a NUL behind the name", 400, "Transfer-Encoding\0: chunked"],
  ["a no-break space before the colon", 400, "Transfer-Encoding\u00a0: chunked"],
  ["quotes around the name", 400, '"Transfer-Encoding": chunked'],
  ["a folded line", 400, "Transfer-Encoding:\r\n chunked"],
  ["folded with a bare LF", 400, "Transfer-Encoding:\n chunked"],
  ["in a folded line of another field", 400, "X-A: b\r\n Transfer-Encoding: chunked"],
  ["behind a bare CR", 400, "X-A: b\rTransfer-Encoding: chunked"],
  ["behind a bare LF", 400, "X-A: b\nTransfer-Encoding: chunked"],
  ["a tab for the space", 400, "Transfer-Encoding:\tchunked"],
  ["a vertical tab before the value", 400, "Transfer-Encoding: \u000bchunked"],
  ["a NUL before the value", 400, "Transfer-Encoding: \0chunked"],
  ["a NUL behind the value", 400, "Transfer-Encoding: chunked\0"],
  ["NEL behind the value", 400, "Transfer-Encoding: chunked\u0085"],
  ["quotes around the value", 400, 'Transfer-Encoding: "chunked"'],
  ["a letter in front", 400, "Transfer-Encoding: xchunked"],
  ["a parameter", 400, "Transfer-Encoding: chunked;a=b"],
  ["identity behind it", 400, "Transfer-Encoding: chunked, identity"],
  ["identity before it", 400, "Transfer-Encoding: identity, chunked"],
  ["twice", 400, "Transfer-Encoding: chunked, chunked"],
  ["twice, in two lines", 400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
  ["identity in a second line", 400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"],
  ["another coding in a first line", 400, "Transfer-Encoding: x\r\nTransfer-Encoding: chunked"],
  ["an empty element", 400, "Transfer-Encoding: , chunked"],
  ["an underscore", 200, "Transfer_Encoding: chunked"],
  ["a dot", 200, "Transfer.Encoding: chunked"],
  ["an exclamation mark", 200, "Transfer!Encoding: chunked"],
];

const CODINGS: readonly Row[] = SPELLINGS.flatMap(([name, answer, line]) => [
  [`TE.TE, ${name}: seen behind us`, answer, lengthThenCoding(line)] as const,
]);

/** The same without a length: who does not see the coding finds a request where the body begins. */
const CODINGS_ALONE: readonly Row[] = [
  [
    "an unknown coding before chunked",
    501,
    front("Transfer-Encoding: gzip, chunked") + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "an unknown coding behind chunked",
    400,
    front("Transfer-Encoding: chunked, gzip") + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  ["identity alone", 400, front("Transfer-Encoding: identity") + SMUGGLED],
  ["no coding at all", 400, front("Transfer-Encoding:") + SMUGGLED],
  [
    "an unknown coding alone",
    400,
    front("Transfer-Encoding: xchunked") + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "a chunked DELETE that hides a GET",
    200,
    head("DELETE /front HTTP/1.1", HOST, CLOSE, CHUNKED) + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "a chunked OPTIONS that hides a GET",
    200,
    head("OPTIONS /front HTTP/1.1", HOST, CLOSE, CHUNKED) + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "a chunked GET that hides a GET",
    200,
    head("GET /front HTTP/1.1", HOST, CLOSE, CHUNKED) + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "a chunked HEAD that hides a GET",
    200,
    head("HEAD /front HTTP/1.1", HOST, CLOSE, CHUNKED) + chunk(SMUGGLED) + LAST_CHUNK,
  ],
];

const LENGTHS: readonly Row[] = [
  ["two lengths", 400, lengths("Content-Length: 0", `Content-Length: ${N}`)],
  ["two lengths, the other way round", 400, lengths(`Content-Length: ${N}`, "Content-Length: 0")],
  ["two lengths that agree", 400, lengths(`Content-Length: ${N}`, `Content-Length: ${N}`)],
  ["two lengths in two casings", 400, lengths("Content-Length: 0", `content-length: ${N}`)],
  ["a list of lengths", 400, lengths(`Content-Length: 0, ${N}`)],
  ["a list of lengths that agree", 400, lengths(`Content-Length: ${N}, ${N}`)],
  ["an empty element in the list", 400, lengths(`Content-Length: ,${N}`)],
  ["a plus sign", 400, lengths(`Content-Length: +${N}`)],
  ["a minus sign", 400, lengths(`Content-Length: -${N}`)],
  ["hexadecimal", 400, lengths(`Content-Length: 0x${SMUGGLED.length.toString(16)}`)],
  ["an underscore in the number", 400, lengths(`Content-Length: ${N[0] ?? ""}_${N.slice(1)}`)],
  ["a space in the number", 400, lengths(`Content-Length: 0 ${N}`)],
  ["an exponent", 400, lengths("Content-Length: 0e2")],
  ["a fraction", 400, lengths(`Content-Length: ${N}.0`)],
  ["quotes", 400, lengths(`Content-Length: "${N}"`)],
  ["digits of another script", 400, lengths("Content-Length: \u00d9\u00a3")],
  ["an empty length", 400, lengths("Content-Length:")],
  ["an empty length before another", 400, lengths("Content-Length:", `Content-Length: ${N}`)],
  ["2^64 and a little", 400, lengths("Content-Length: 18446744073709551616")],
  ["a space before the colon", 400, lengths(`Content-Length : ${N}`)],
  ["a NUL behind the number", 400, lengths(`Content-Length: ${N}\0`)],
  ["a vertical tab before the number", 400, lengths(`Content-Length: \u000b${N}`)],
  ["a folded length", 400, lengths(`Content-Length:\r\n ${N}`)],
  ["a second length in a folded line", 400, lengths(`Content-Length: 0\r\n ${N}`)],
  [
    "a second length behind a bare CR",
    400,
    lengths(`X-A: b\rContent-Length: 0`, `Content-Length: ${N}`),
  ],
  ["a second length with an underscore", 200, lengths("Content_Length: 0", `Content-Length: ${N}`)],
  ["a second length with a dot", 200, lengths("Content.Length: 0", `Content-Length: ${N}`)],
  ["leading zeros", 200, lengths(`Content-Length: 000${N}`)],
  ["blanks behind the number", 200, lengths(`Content-Length: ${N} \t `)],
  [
    "a length that Connection names",
    200,
    head(
      "POST /front HTTP/1.1",
      HOST,
      `Content-Length: ${N}`,
      "Connection: close, content-length",
    ) + SMUGGLED,
  ],
  [
    "a GET with a length",
    200,
    head("GET /front HTTP/1.1", HOST, CLOSE, `Content-Length: ${N}`) + SMUGGLED,
  ],
];

const CHUNKS: readonly Row[] = [
  ["0x", 400, chunks("0x5\r\nabcde\r\n0\r\n\r\n")],
  ["a plus sign", 400, chunks("+5\r\nabcde\r\n0\r\n\r\n")],
  ["a minus sign", 400, chunks("-5\r\nabcde\r\n0\r\n\r\n")],
  ["an underscore", 400, chunks("0_5\r\nabcde\r\n0\r\n\r\n")],
  ["a space before", 400, chunks(" 5\r\nabcde\r\n0\r\n\r\n")],
  ["a space behind", 400, chunks("5 \r\nabcde\r\n0\r\n\r\n")],
  ["a vertical tab behind", 400, chunks("5\u000b\r\nabcde\r\n0\r\n\r\n")],
  ["a NUL behind", 400, chunks("5\0\r\nabcde\r\n0\r\n\r\n")],
  ["no size", 400, chunks("\r\nabcde\r\n0\r\n\r\n")],
  ["no number", 400, chunks("g\r\nabcde\r\n0\r\n\r\n")],
  ["2^64 and five", 400, chunks("10000000000000005\r\nabcde\r\n0\r\n\r\n")],
  ["a bare LF behind the size", 400, chunks("5\nabcde\r\n0\r\n\r\n")],
  ["a bare CR behind the size", 400, chunks("5\rabcde\r\n0\r\n\r\n")],
  ["a bare LF in an extension", 400, chunks("5;a\nabcde\r\n0\r\n\r\n")],
  ["a bare CR in an extension", 400, chunks("5;a\rb\r\nabcde\r\n0\r\n\r\n")],
  ["a NUL in an extension", 400, chunks("5;a=\0\r\nabcde\r\n0\r\n\r\n")],
  ["a line end in a quoted extension", 400, chunks('5;a="\r\n0\r\n\r\n"\r\nabcde\r\n0\r\n\r\n')],
  ["no line end behind the data", 400, chunks("5\r\nabcde0\r\n\r\n")],
  ["a bare LF behind the data", 400, chunks("5\r\nabcde\n0\r\n\r\n")],
  ["a bare CR behind the data", 400, chunks("5\r\nabcde\r0\r\n\r\n")],
  ["more data than the size says", 400, chunks("5\r\nabcdefgh\r\n0\r\n\r\n")],
  ["less data than the size says", 400, chunks("8\r\nabcde\r\n0\r\n\r\n")],
  ["a last chunk that ends in a bare LF", 400, chunks("5\r\nabcde\r\n0\n\n")],
  ["a last chunk that ends in a bare CR", 400, chunks("5\r\nabcde\r\n0\r\r")],
  ["a request in place of trailers", 400, front(CHUNKED) + `0\r\n${SMUGGLED}`],
  [
    "a length among the trailers",
    400,
    front(CHUNKED) + `${chunk("abcde")}0\r\nContent-Length: 0\r\n\r\n`,
  ],
  [
    "a coding among the trailers",
    400,
    front(CHUNKED) + `${chunk("abcde")}0\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  ["a folded trailer", 400, front(CHUNKED) + `0\r\nX-A: b\r\n ${SMUGGLED}`],
  ["a trailer with a space before the colon", 400, front(CHUNKED) + "0\r\nX-A : b\r\n\r\n"],
  ["a trailer behind a bare LF", 400, front(CHUNKED) + `0\r\nX-A: b\n${SMUGGLED}`],
  [
    "a host among the trailers",
    200,
    front(CHUNKED) + `${chunk("abcde")}0\r\nHost: smuggled\r\nX-Session-Token: smuggled\r\n\r\n`,
  ],
  ["an extension", 200, front(CHUNKED) + '5;a=b;c="d"\r\nabcde\r\n0;e\r\n\r\n'],
];

const LINES: readonly Row[] = [
  [
    "a bare LF behind a field",
    400,
    `POST /front HTTP/1.1\r\nHost: h\nContent-Length: ${N}\r\n\r\n${SMUGGLED}`,
  ],
  ["bare LFs throughout", 400, `POST /front HTTP/1.1\nHost: h\n\n${SMUGGLED}`],
  ["a bare LF behind the request line", 400, `GET /front HTTP/1.1\nHost: h\r\n\r\n${SMUGGLED}`],
  ["a bare CR behind a field", 400, `GET /front HTTP/1.1\r\nHost: h\rX-A: b\r\n\r\n${SMUGGLED}`],
  ["an empty line of a bare CR", 400, `GET /front HTTP/1.1\r\nHost: h\r\n\r${SMUGGLED}`],
  ["an empty line of a bare LF", 400, `GET /front HTTP/1.1\r\nHost: h\r\n\n${SMUGGLED}`],
  ["a bare LF in a value", 400, front(`X-A: b\n\n${SMUGGLED}`)],
  ["a bare CR in a value", 400, front(`X-A: b\r\r${SMUGGLED.replaceAll("\n", "")}`)],
  ["a NUL in a value", 400, front(`X-A: b\0\r\n\r\n${SMUGGLED}`)],
  ["a folded field", 400, front(`X-A: b\r\n \r\n${SMUGGLED}`)],
  [
    "a line of blanks among the fields",
    400,
    `GET /front HTTP/1.1\r\nHost: h\r\n \t\r\n${SMUGGLED}`,
  ],
  ["a line without a colon", 400, front("X-A") + SMUGGLED],
  ["a field without a name", 400, front(": b") + SMUGGLED],
  ["a space in a name", 400, front("X A: b") + SMUGGLED],
  ["a first field that is folded", 400, `GET /front HTTP/1.1\r\n Host: h\r\n\r\n${SMUGGLED}`],
  [
    "a request in a value, percent-encoded",
    200,
    front("X-A: b%0d%0a%0d%0aGET%20/smuggled%20HTTP/1.1"),
  ],
  [
    "line ends of Unicode in a value",
    200,
    front("X-A: b\u00e4\u00bd\u008d\u00e4\u00bd\u008aGET /smuggled HTTP/1.1"),
  ],
];

const REQUEST_LINES: readonly Row[] = [
  [
    "a second request in the target",
    400,
    refusedFirst(
      "GET /front HTTP/1.1\r\n\r\nGET /smuggled HTTP/1.1".replace("\r\n\r\n", "\n\n"),
      HOST,
    ),
  ],
  ["a space in the target", 400, refusedFirst("GET /front /smuggled HTTP/1.1", HOST)],
  ["a tab in the target", 400, refusedFirst("GET /front\t/smuggled HTTP/1.1", HOST)],
  ["a NUL in the target", 400, refusedFirst("GET /front\0 HTTP/1.1", HOST)],
  ["a bare CR in the target", 400, refusedFirst("GET /front\r/smuggled HTTP/1.1", HOST)],
  ["a byte above ASCII in the target", 400, refusedFirst("GET /front\u0085 HTTP/1.1", HOST)],
  ["something behind the version", 400, refusedFirst("GET /front HTTP/1.1 HTTP/1.1", HOST)],
  ["two CRs", 400, refusedFirst("GET /front HTTP/1.1\r", HOST)],
  ["no version", 400, refusedFirst("GET /front", HOST)],
  ["HTTP/0.9", 400, refusedFirst("GET /front HTTP/0.9", HOST)],
  ["HTTP/2.0", 505, refusedFirst("GET /front HTTP/2.0", HOST)],
  ["HTTP/1.2", 505, refusedFirst("GET /front HTTP/1.2", HOST)],
  ["HTTP/1.10", 400, refusedFirst("GET /front HTTP/1.10", HOST)],
  ["a small-letter version", 400, refusedFirst("GET /front http/1.1", HOST)],
  ["the preface of HTTP/2", 400, `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`],
  ["an asterisk for GET", 400, refusedFirst("GET * HTTP/1.1", HOST)],
  ["the authority as target", 400, refusedFirst("GET h:80 HTTP/1.1", HOST)],
  ["no slash before the path", 400, refusedFirst("GET front HTTP/1.1", HOST)],
  ["an unknown method", 400, refusedFirst("SMUGGLE /front HTTP/1.1", HOST)],
  ["a letter before the method", 400, refusedFirst("GGET /front HTTP/1.1", HOST)],
  ["TRACE", 405, refusedFirst("TRACE /front HTTP/1.1", HOST)],
  ["CONNECT", 405, refusedFirst("CONNECT h:80 HTTP/1.1", HOST)],
  ["an absolute target with credentials", 400, refusedFirst("GET http://a@h/front HTTP/1.1", HOST)],
  [
    "an absolute target of another scheme",
    400,
    refusedFirst("GET gopher://h/front HTTP/1.1", HOST),
  ],
];

const HOSTS: readonly Row[] = [
  ["two hosts", 400, refusedFirst("GET /front HTTP/1.1", HOST, "Host: smuggled")],
  ["two hosts that agree", 400, refusedFirst("GET /front HTTP/1.1", HOST, HOST)],
  [
    "two hosts, one of them folded",
    400,
    refusedFirst("GET /front HTTP/1.1", HOST, " Host: smuggled"),
  ],
  [
    "two hosts, and an absolute target",
    400,
    refusedFirst("GET http://h/front HTTP/1.1", HOST, "Host: smuggled"),
  ],
  ["two hosts in one line", 400, refusedFirst("GET /front HTTP/1.1", "Host: h, smuggled")],
  [
    "two hosts in one line, without a space",
    400,
    refusedFirst("GET /front HTTP/1.1", "Host: h,smuggled"),
  ],
  ["no host", 400, refusedFirst("GET /front HTTP/1.1")],
  ["no host, and an absolute target", 400, refusedFirst("GET http://h/front HTTP/1.1")],
  [
    "a broken host, and an absolute target",
    400,
    refusedFirst("GET http://h/front HTTP/1.1", "Host: a b"),
  ],
  ["a host with a path", 400, refusedFirst("GET /front HTTP/1.1", "Host: h/smuggled")],
  ["a host with credentials", 400, refusedFirst("GET /front HTTP/1.1", "Host: a@h")],
  ["a host with a NUL", 400, refusedFirst("GET /front HTTP/1.1", "Host: h\0")],
  [
    "a second host with an underscore",
    200,
    head("GET /front HTTP/1.1", HOST, "H_ost: smuggled", "Host_: smuggled", CLOSE),
  ],
];

const WEBSOCKET = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];

const UPGRADES: readonly Row[] = [
  [
    "an upgrade with a length",
    400,
    head("GET /front HTTP/1.1", HOST, ...WEBSOCKET, lengthOf(SMUGGLED)) + SMUGGLED,
  ],
  [
    "an upgrade with a coding",
    400,
    head("GET /front HTTP/1.1", HOST, ...WEBSOCKET, CHUNKED) + chunk(SMUGGLED) + LAST_CHUNK,
  ],
  [
    "an upgrade by POST",
    400,
    head("POST /front HTTP/1.1", HOST, ...WEBSOCKET, lengthOf(SMUGGLED)) + SMUGGLED,
  ],
  [
    "an upgrade by POST without a body",
    400,
    head("POST /front HTTP/1.1", HOST, ...WEBSOCKET) + SMUGGLED,
  ],
  [
    "an upgrade that the server does not take, and a request behind it",
    200,
    head("GET /front HTTP/1.1", HOST, ...WEBSOCKET) + SMUGGLED,
  ],
  [
    "an upgrade of a wrong version, and a request behind it",
    200,
    head("GET /front HTTP/1.1", HOST, ...WEBSOCKET.map((line) => line.replace("13", "1337"))) +
      SMUGGLED,
  ],
  [
    "h2c, and a request behind it",
    200,
    head(
      "GET /front HTTP/1.1",
      HOST,
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABk",
    ) + SMUGGLED,
  ],
  [
    "h2c with a body, and a request behind it",
    200,
    head(
      "POST /front HTTP/1.1",
      HOST,
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABk",
      "Content-Length: 3",
    ) + `abc${SMUGGLED}`,
  ],
  [
    "TLS, and a request behind it",
    200,
    head("GET /front HTTP/1.1", HOST, "Connection: Upgrade", "Upgrade: TLS/1.0") + SMUGGLED,
  ],
  [
    "an upgrade that Connection does not name",
    200,
    head("GET /front HTTP/1.1", HOST, CLOSE, "Upgrade: websocket") + SMUGGLED,
  ],
];

const CONNECTION: readonly Row[] = [
  ["Connection names the host", 200, head("GET /front HTTP/1.1", HOST, "Connection: close, host")],
  [
    "Connection names what logveil sets",
    200,
    head(
      "GET /front HTTP/1.1",
      HOST,
      "Connection: close, X-Session-Token, X-Forwarded-For, X-Real-IP, Forwarded, Via, X-Request-Id, User-Agent",
    ),
  ],
  [
    "Connection names the coding",
    200,
    head("POST /front HTTP/1.1", HOST, CHUNKED, "Connection: close, transfer-encoding") +
      chunk(SMUGGLED) +
      LAST_CHUNK,
  ],
  ["a request behind Connection: close", 200, head("GET /front HTTP/1.1", HOST, CLOSE) + SMUGGLED],
  ["a request behind HTTP/1.0", 200, head("GET /front HTTP/1.0", HOST) + SMUGGLED],
  [
    "a request behind a refused expectation",
    417,
    refusedFirst("GET /front HTTP/1.1", HOST, "Expect: miracles"),
  ],
  [
    "a request in the body of one that expects 100-continue",
    200,
    front("Expect: 100-continue", lengthOf(SMUGGLED)) + SMUGGLED,
  ],
  [
    "a length behind two thousand fields",
    431,
    head(
      "POST /front HTTP/1.1",
      HOST,
      CLOSE,
      ...Array.from({ length: 2000 }, () => "a:"),
      lengthOf(SMUGGLED),
    ) + SMUGGLED,
  ],
];

const grouped = (group: string, rows: readonly Row[]): readonly Attack[] =>
  rows.map(([name, answer, bytes]) => ({ name: `${group}: ${name}`, answer, bytes }));

export const ATTACKS: readonly Attack[] = [
  ...grouped("length and coding", LENGTH_AND_CODING),
  ...grouped("coding beside a length", CODINGS),
  ...grouped("coding", CODINGS_ALONE),
  ...grouped("length", LENGTHS),
  ...grouped("chunk", CHUNKS),
  ...grouped("field line", LINES),
  ...grouped("request line", REQUEST_LINES),
  ...grouped("host", HOSTS),
  ...grouped("upgrade", UPGRADES),
  ...grouped("connection", CONNECTION),
];
