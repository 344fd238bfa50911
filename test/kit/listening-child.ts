// Listens on the Unix socket that its argument names, says so, and waits to be killed.

import { createServer } from "node:net";

createServer().listen(process.argv[2], () => process.send?.("listening"));
