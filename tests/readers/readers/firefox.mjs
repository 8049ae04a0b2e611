// Firefox, driven by WebDriver BiDi.
import puppeteer from "../../browser/node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js";

/** Opens a Firefox. */
export const openFirefox = () => puppeteer.launch({
  browser: "firefox",
  protocol: "webDriverBiDi",
  executablePath: "/usr/bin/firefox-esr",
  headless: true,
  extraPrefsFirefox: {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "app.update.enabled": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "browser.safebrowsing.downloads.remote.enabled": false,
  },
});
