// Chromium, driven by Playwright.
import { chromium } from "../../browser/node_modules/playwright-core/index.mjs";
import { BROWSER } from "../../browser/house.mjs";

export const openChromium = () => chromium.launch(BROWSER);
