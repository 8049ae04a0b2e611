// Firefox, driven by WebDriver BiDi.
const { default: puppeteer } = await import("puppeteer-core").catch(() => {
  throw new Error("the packages of tests/browser are missing: `deploy/test.sh fetch` fetches them");
});

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
