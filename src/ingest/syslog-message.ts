// Only the message matters here: whose machine it came from is not to be written, and a line of an access log has its own time. So no library:
// nsyslog-parser 0.10 parts every word of the message to guess at what it is, and takes the first words of an access log for host and
// process when there is no tag.

const PRIORITY = /^<\d{1,3}>/;
/** RFC 5424 section 6: version, timestamp, host, application, process, message id; then structured data. */
const HEADER_5424 =
  /^1 (?:-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,32}) \S{1,255} \S{1,48} \S{1,128} \S{1,32} /;
/** RFC 3164 section 4.1: `Nov 20 13:55:36 host tag[pid]: `; nginx can leave the host out (`nohostname`). */
const HEADER_3164 =
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:(?![^ ]{1,64}: )[^ ]{1,255} )?[^ :[]{1,64}(?:\[[^\] ]{0,32}\])?: ?/;
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

/** The message within a syslog frame, both in Latin-1. What is no syslog is taken for the message as a whole. */
export function messageOf(frame: string): string {
  const priority = PRIORITY.exec(frame)?.[0];
  if (priority === undefined) return trimmed(frame);
  const rest = frame.slice(priority.length);
  const header = HEADER_5424.exec(rest)?.[0];
  if (header !== undefined) return trimmed(withoutStructuredData(rest.slice(header.length)));
  return trimmed(rest.slice(HEADER_3164.exec(rest)?.[0].length ?? 0));
}

/** `-` or `[id name="value" …]…`, in which `\"`, `\\` and `\]` are escaped (RFC 5424 section 6.3). */
function withoutStructuredData(text: string): string {
  if (text.startsWith("- ")) return text.slice(2).replace(BYTE_ORDER_MARK, "");
  if (text === "-") return "";
  let at = 0;
  while (text[at] === "[") {
    const end = endOfElement(text, at);
    if (end === -1) return text;
    at = end + 1;
  }
  const message = text.slice(at).replace(/^ /, "");
  return message.startsWith(BYTE_ORDER_MARK) ? message.slice(BYTE_ORDER_MARK.length) : message;
}

function endOfElement(text: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && isQuoted) at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "]" && !isQuoted) return at;
  }
  return -1;
}

function trimmed(text: string): string {
  return text.replace(/[\r\n\0]+$/, "");
}
