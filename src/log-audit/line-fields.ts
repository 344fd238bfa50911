// What a line says where. Times, status codes and sizes are nobody's, and their digits are no telephone numbers: in lines whose
// shape is known they are not looked at.

/** `target`: path and query. `user`: the name of who is authenticated, whatever it is. `text`: anything. */
export type LineField = {
  readonly is: "target" | "user" | "text";
  readonly start: number;
  readonly text: string;
};

const TIME_AND_REQUEST = / \[\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\] "/;
const STATUS_AND_SIZE = / (?:\d{3}|-) (?:\d{1,19}|-)(?= |$)/y;
/** Also as logveil's `ecs` format has it in its message: method, target, status. */
const REQUEST = /^([A-Za-z_-]{1,32} )(\S+)(?: HTTP\/[\d.]{1,3}| \d{3})?$/;
/** Of nginx's and Apache's error logs, and of whoever quotes a request line. */
const QUOTED_REQUEST = /"[A-Z]{3,16} (\S+) HTTP\/[\d.]{1,3}"/;
const ERROR_TIME =
  /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[[a-z]{1,10}\] \d{1,10}#\d{1,20}: (?:\*\d{1,20} )?|\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4}\] )/;
const PSEUDONYM = /^~[a-z0-9_]{1,32}\.[a-z2-7]{8}$/;
const QUOTED = /"((?:[^"\\]|\\.)*)"/g;

/** The fields of a line of Apache's and nginx's access and error logs; of any other line one field that is all of it. */
export function fieldsOf(line: string): readonly LineField[] {
  return fieldsOfAccess(line) ?? fieldsOfError(line);
}

/** Common and combined log format, with a virtual host before it or more fields behind. */
function fieldsOfAccess(line: string): readonly LineField[] | undefined {
  const time = TIME_AND_REQUEST.exec(line);
  if (time === null) return undefined;
  const start = time.index + time[0].length;
  const end = endOfQuoted(line, start);
  STATUS_AND_SIZE.lastIndex = end + 1;
  if (end === -1 || !STATUS_AND_SIZE.test(line)) return undefined;
  const after = STATUS_AND_SIZE.lastIndex;
  return [
    ...fieldsOfClient(line.slice(0, time.index)),
    ...fieldsOfRequest(line.slice(start, end), start),
    ...fieldsOfRest(line.slice(after), after),
  ];
}

function endOfQuoted(line: string, from: number): number {
  let end = line.indexOf('"', from);
  while (end > from && line[end - 1] === "\\") end = line.indexOf('"', end + 1);
  return end;
}

/** Host, identity and user, which may have spaces. */
function fieldsOfClient(text: string): readonly LineField[] {
  const ident = text.indexOf(" - ");
  const end = ident === -1 ? text.lastIndexOf(" ") : ident + 2;
  if (end === -1) return [{ is: "text", start: 0, text }];
  const user = text.slice(end + 1);
  const hosts = {
    is: "text",
    start: 0,
    text: ident === -1 ? text.slice(0, end) : text.slice(0, ident),
  } as const;
  return isNobody(user) ? [hosts] : [hosts, { is: "user", start: end + 1, text: user }];
}

function isNobody(user: string): boolean {
  return user === "-" || user === "" || user === '""' || PSEUDONYM.test(user);
}

export function fieldsOfRequest(text: string, start: number): readonly LineField[] {
  const request = REQUEST.exec(text);
  if (request === null) return [{ is: "text", start, text }];
  const [, method = "", target = ""] = request;
  return [{ is: "target", start: start + method.length, text: target }];
}

/** Referer, user agent and whatever a site adds: each quoted field by itself, and what is between them. */
function fieldsOfRest(text: string, offset: number): readonly LineField[] {
  const fields: LineField[] = [];
  const push = (start: number, end: number): void => {
    const field = text.slice(start, end);
    if (field.length > 1 && field !== "-")
      fields.push({ is: "text", start: offset + start, text: field });
  };
  let from = 0;
  for (const { 0: quoted, index } of text.matchAll(QUOTED)) {
    push(from, index);
    push(index + 1, index + quoted.length - 1);
    from = index + quoted.length;
  }
  push(from, text.length);
  return fields;
}

function fieldsOfError(line: string): readonly LineField[] {
  const start = ERROR_TIME.exec(line)?.[0].length ?? 0;
  const request = QUOTED_REQUEST.exec(line);
  if (request === null || request.index < start)
    return [{ is: "text", start, text: line.slice(start) }];
  const [quoted, target = ""] = request;
  const begin = request.index + quoted.indexOf(" ") + 1;
  const end = begin + target.length;
  return [
    { is: "text", start, text: line.slice(start, request.index) },
    { is: "target", start: begin, text: target },
    { is: "text", start: end, text: line.slice(end) },
  ];
}
