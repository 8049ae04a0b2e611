// Runs the tests with a browser (`npm test`): all files, or those that are named, with one browser and
// one server. A file alone, `node --test play.test.mjs`, starts its own.
import { readdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { runBeside } from "../../deploy/beside.mjs";
import { BROWSER, House, sample } from "./house.mjs";

const AT_ONCE = Number(process.env.FILES_AT_ONCE ?? 2);
const cwd = import.meta.dirname;
const files = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(cwd).filter((name) => name.endsWith(".test.mjs"));

const browser = await chromium.launchServer(BROWSER);
const house = await House.open({ browser: false });
const { id } = await house.upload(sample(house.folder));
const shared = { base: house.base, data: house.data, token: house.token, video: id };
const env = { ...process.env, SHARED_BROWSER: browser.wsEndpoint(), SHARED_HOUSE: JSON.stringify(shared) };
const jobs = files.map((name) => ({ name, program: process.execPath, args: ["--test", "--test-reporter=spec", name], cwd, env }));
const isOk = await runBeside(jobs, AT_ONCE).finally(() => Promise.allSettled([house.close(), browser.close()]));
process.exit(isOk ? 0 : 1);
