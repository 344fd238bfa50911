import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

// nginx as it stands behind logveil in the two examples.

for (const place of ["kubernetes", "compose"])
  describe(`deploy/${place}/default.conf`, () => {
    const conf = resolve(`deploy/${place}/default.conf`);

    it("writes no access log", () => {
      expect(readFileSync(conf, "utf8")).to.match(/^ {2}access_log off;$/m);
    });

    it("is understood by nginx (skipped where it is not installed)", async function () {
      await using folder = await createTemporaryFolder();
      const main = join(folder.path, "nginx.conf");
      // Beside it, so that the test can run as anybody.
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((name) => `${name}_temp_path ${folder.path}/${name};`)
        .join(" ");
      await writeFile(
        main,
        `pid ${folder.path}/pid; events {} http { ${paths} include ${conf}; }\n`,
      );
      const args = ["-t", "-q", "-e", "stderr", "-c", main];
      const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
      const checked = spawnSync("nginx", args, { encoding: "utf8", env });
      if (checked.error !== undefined) this.skip();
      expect(checked.stderr).not.to.match(/\[(?:emerg|error)\]/);
      expect(checked.status, checked.stderr).to.equal(0);
    });
  });
