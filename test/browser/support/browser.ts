/** A headless Chromium that notices what a page must not do. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core';
import { findProgram } from '../../../src/pipeline/program.js';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

function chromiumPath(): string {
  const given = process.env['CHROMIUM'];
  const found = given ?? places.find((place) => existsSync(place)) ?? findProgram('chromium');
  if (found === undefined || !existsSync(found)) {
    throw new Error('the tests of the page need chromium: apt-get install chromium');
  }
  return found;
}

/** Starts a browser with a profile of its own. The caller closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), headless: true, args: flags });
}

export const wide = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page did that it must not: errors on its console, exceptions, requests to others. */
  readonly faults: string[];
}

export interface VisitOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colours?: 'light' | 'dark';
  /** Texts of the console's errors that are meant to happen: those of the browser for answers that are errors. */
  readonly expected?: RegExp;
}

const timeout_ms = 8_000;

/** Opens an empty page that may ask only this origin. */
export async function visit(browser: Browser, origin: string, options: VisitOptions = {}): Promise<Visit> {
  const { viewport = wide, colours = 'light', expected } = options;
  const context = await browser.newContext({ viewport, colorScheme: colours, baseURL: origin });
  const page = await context.newPage();
  page.setDefaultTimeout(timeout_ms);
  const faults: string[] = [];
  const note = (fault: string): void => {
    if (expected?.test(fault) !== true) faults.push(fault);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`exception: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== 'data:') note(`asked ${request.url()}`);
  });
  return { page, context, faults };
}

/** Writes a picture to the directory in ICBDREP_SCREENSHOTS, if there is one. */
export async function picture(page: Page, name: string): Promise<void> {
  const directory = process.env['ICBDREP_SCREENSHOTS'];
  if (directory === undefined) return;
  await mkdir(directory, { recursive: true });
  await page.screenshot({ path: path.join(directory, `${name}.png`) });
}
