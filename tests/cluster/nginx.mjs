// nginx in front of origins, as deploy/nginx has it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const deploy = resolve(import.meta.dirname, "../../deploy/nginx");

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts it in a folder before these origins; returns where it listens, and what ends it. */
export async function inFrontOf(bases, folder) {
  const own = join(folder, "nginx");
  mkdirSync(join(own, "cache"), { recursive: true });
  const listen = `127.0.0.1:${await freePort()}`;
  const changed = (name, ...changes) => {
    const text = changes.reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
      return text.replaceAll(from, to);
    }, readFileSync(join(deploy, name), "utf8"));
    writeFileSync(join(own, name), text);
  };
  changed("origins.conf", ["server 127.0.0.1:8080;", bases.map((base) => `server ${new URL(base).host};`).join(" ")]);
  changed("reelmill.conf", ["/var/cache/nginx/reelmill", join(own, "cache")], ["listen 80;", `listen ${listen};`]);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${own}/${kind};`).join(" ");
  writeFileSync(join(own, "nginx.conf"), `daemon off; user ${userInfo().username}; worker_processes 1; pid ${own}/pid; error_log ${own}/log;
    events { worker_connections 512; }
    http { access_log off; ${temporary} include ${own}/origins.conf; include ${own}/reelmill.conf; }`);
  const nginx = spawn("nginx", ["-c", join(own, "nginx.conf"), "-e", join(own, "log")], { stdio: "ignore" });
  const ended = once(nginx, "exit").catch((error) => { throw new Error(`nginx is missing: ${error.message}`); });
  const base = `http://${listen}`;
  for (let tries = 0; ; tries++) {
    const answers = await Promise.race([fetch(base + "/livez").then(() => true, () => false), ended.then(() => "gone")]);
    if (answers === true) break;
    if (answers === "gone" || tries > 100) throw new Error(readFileSync(join(own, "log"), "utf8"));
    await sleep(50);
  }
  return { base, close: async () => { nginx.kill(); await ended; } };
}
