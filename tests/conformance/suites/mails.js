/** The mails that the server has written. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "./live.js";

/** The token in the mail to this address, once it has come. */
export const mailedToken = (address) =>
  eventually(async () => {
    for (const name of await readdir(process.env.MAILS).catch(() => [])) {
      const mail = await readFile(join(process.env.MAILS, name), "utf8");
      if (mail.includes(address)) return /token=(\S+)/.exec(mail)?.[1];
    }
  });
