/** The page of one transfer, over a master whose machines and answers are real: see support/story.ts. */
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Visit, launchBrowser, phone, picture, visit } from './support/browser.js';
import { overflowOf, troublesOf } from './support/checks.js';
import { failed_transfer, hero, tellStory } from './support/story.js';
import type { StoryMaster } from './support/story_master.js';

let browser: Browser;
let master: StoryMaster;

beforeAll(async () => {
  [browser, master] = await Promise.all([launchBrowser(), tellStory()]);
});

afterAll(async () => {
  await browser?.close();
  await master?.close();
});

const address = `/transfers/${hero.id}`;
const size = { width: 1600, height: 1000 };

/** A machine with much to do may take its time. */
const patience = { timeout: 15_000, interval: 25 };

async function withPage(
  path: string,
  work: (page: Page) => Promise<void>,
  options: Parameters<typeof visit>[2] = {},
): Promise<void> {
  const opened: Visit = await visit(browser, master.origin, { viewport: size, ...options });
  try {
    await opened.page.goto(path);
    await opened.page.locator('.chart-drawing svg').waitFor();
    await work(opened.page);
    expect(opened.faults).toEqual([]);
  } finally {
    await opened.context.close();
  }
}

const current = (page: Page): Promise<string | null> =>
  page.locator('.chart-drawing .state.is-current').getAttribute('data-state');
const isTaken = async (page: Page, way: string): Promise<boolean> =>
  (await page.locator(`.chart-drawing .edge[data-edge="${way}"]`).getAttribute('class'))?.includes(
    'is-taken',
  ) === true;
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

describe('one transfer', () => {
  it('says where it stands, why, and what can be done', async () => {
    await withPage(address, async (page) => {
      const now = page.getByRole('region', { name: 'Where it stands' });
      await expect
        .poll(() => now.innerText(), patience)
        .toMatch(/sending[\s\S]*73 %[\s\S]*3\.10 GiB of about 4\.20 GiB/);
      expect(await now.innerText()).toMatch(/is over:\s+the master was restarted[\s\S]*Next/);
      const facts = await page.getByRole('region', { name: 'Facts' }).innerText();
      expect(facts).toMatch(/0041, sent as an increment of it: the newest snapshot that both nodes hold/);
      expect(facts).toMatch(/3\.00 GiB are on the disk of the replica/);
      expect(await button(page, 'Pause').getAttribute('aria-disabled')).toBe('false');
      expect(await button(page, 'Resume').getAttribute('aria-disabled')).toBe('true');
      expect(await button(page, 'Resume').getAttribute('title')).toBe('it is not paused');
      await expect.poll(() => current(page), patience).toBe('sending');
      expect(await isTaken(page, 'sending disconnected')).toBe(true);
      expect(await isTaken(page, 'planning completed')).toBe(false);
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'transfer_wide');
    });
  });

  it('has all of its history, with work as spans and what was ignored with its reason', async () => {
    await withPage(address, async (page) => {
      const history = page.getByRole('region', { name: /History/ });
      expect(await history.locator('.attempt-name').allInnerTexts()).toEqual([
        'Attempt 2',
        'Attempt 1',
        'Before the first attempt',
      ]);
      const lost = history.locator('.step[data-seq="16"]');
      expect(await lost.innerText()).toMatch(/send\s+1 min 30 s\s+lost: the daemon ended while it ran/);
      const ignored = history.locator('.step.is-ignored', { hasText: 'reception: failed' });
      expect(await ignored.innerText()).toContain(
        'Ignored: it is about another attempt than the one that runs',
      );
      await button(page, 'Problems').click();
      await expect.poll(() => history.locator('.step').count(), patience).toBeLessThan(9);
      expect(await history.locator('.step.is-ignored').count()).toBe(2);
    });
  });

  it('is stepped through its past: chart, state, what it knew, and the address', async () => {
    await withPage(address, async (page) => {
      const slider = page.getByRole('slider', { name: 'Step of the history' });
      await slider.focus();
      await page.keyboard.press('Home');
      await page.waitForURL(/\?at=1$/);
      await expect.poll(() => current(page), patience).toBe('queued');
      expect(await isTaken(page, 'planning offering')).toBe(false);
      await expect
        .poll(() => page.locator('.past').innerText(), patience)
        .toMatch(/You look at the past\s+step 1 of 22[\s\S]*queued[\s\S]*was created/);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.waitForURL(/\?at=3$/);
      await expect.poll(() => current(page), patience).toBe('offering');
      expect(await page.locator('.edge.is-last').getAttribute('data-edge')).toBe('planning offering');
      const knowledge = page.getByRole('region', { name: 'What it knew after event 3' });
      await expect.poll(() => knowledge.innerText(), patience).toMatch(/plan[\s\S]*zstd/);
      await knowledge.getByText('All that it knew').click();
      expect(await knowledge.locator('pre').innerText()).toMatch(/"attempt": 1,/);
      expect(await page.locator('.step[aria-current="step"]').getAttribute('data-seq')).toBe('3');
      expect(await page.getByRole('region', { name: 'Where it stands' }).innerText()).toMatch(/^Now/);
      await page.locator('.step[data-seq="12"] .step-seq').click();
      await expect.poll(() => current(page), patience).toBe('resting');
      await button(page, 'Back to now').click();
      await page.waitForURL((url) => url.search === '');
      await expect.poll(() => current(page), patience).toBe('sending');
      await expect.poll(() => page.locator('.past').count(), patience).toBe(0);
    });
  });

  it('plays its past by itself, and comes to now', async () => {
    await withPage(`${address}?at=20`, async (page) => {
      await expect.poll(() => current(page), patience).toBe('disconnected');
      await page.locator('.chart-place').focus();
      await page.keyboard.press('Space');
      await page.waitForURL(/\?at=21$/);
      await page.waitForURL((url) => url.search === '');
      await expect.poll(() => current(page), patience).toBe('sending');
      expect(await button(page, 'Play').getAttribute('aria-pressed')).toBe('false');
      await picture(page, 'transfer_played');
    });
  });

  it('is read on a phone, in the dark, without scrolling to the side', async () => {
    await withPage(
      `${address}?at=12`,
      async (page) => {
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        expect(
          await page.locator('.chart-place').evaluate((place) => place.scrollWidth > place.clientWidth),
        ).toBe(true);
        await expect
          .poll(
            () =>
              page.locator('.state.is-current').evaluate((state) => {
                const box = state.getBoundingClientRect();
                return box.left >= 0 && box.right <= innerWidth;
              }),
            patience,
          )
          .toBe(true);
        expect(await troublesOf(page)).toEqual([]);
        await picture(page, 'transfer_past_phone_dark');
      },
      { viewport: phone, colours: 'dark' },
    );
  });

  it('can be taken along as a file', async () => {
    await withPage(address, async (page) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export' }).click(),
      ]);
      const file = JSON.parse(await readFile(await download.path(), 'utf8')) as { actor: { id: string } };
      expect(download.suggestedFilename()).toBe(`transfer-${hero.id}.json`);
      expect(file.actor.id).toBe(hero.id);
    });
  });
});

describe('what is done with a transfer', () => {
  it('shows at once, without a reload: paused, resumed, cancelled after a question', async () => {
    await withPage(address, async (page) => {
      await page.evaluate(() => Object.assign(globalThis, { is_the_same_page: true }));
      await button(page, 'Pause').click();
      await expect.poll(() => current(page), patience).toBe('paused');
      expect(await isTaken(page, 'sending paused')).toBe(true);
      await expect
        .poll(() => page.locator('.step').first().innerText(), patience)
        .toMatch(/pause[\s\S]*→\s*paused[\s\S]*operator/);
      await button(page, 'Resume').click();
      await expect.poll(() => current(page), patience).toMatch(/queued|planning/);
      await button(page, 'Cancel…').click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.innerText()).toMatch(/3\.00 GiB of it that are on the disk of berlin are removed/);
      await page.keyboard.press('Escape');
      await expect.poll(() => dialog.count(), patience).toBe(0);
      expect(master.reports.report(master.reports.require(hero.id)).state).not.toMatch(/cancel/);
      await button(page, 'Cancel…').click();
      await dialog.getByRole('button', { name: 'Cancel the transfer' }).click();
      await expect.poll(() => current(page), patience).toBe('cancelling');
      expect(await page.evaluate(() => 'is_the_same_page' in globalThis)).toBe(true);
      await picture(page, 'transfer_cancelling');
    });
  });

  it('a failed one is redriven from its start, with what that costs', async () => {
    await withPage(`/transfers/${failed_transfer.id}`, async (page) => {
      const now = page.getByRole('region', { name: 'Where it stands' });
      expect(await now.innerText()).toMatch(/failed[\s\S]*SnapshotConflict[\s\S]*What helps: look at both/);
      await picture(page, 'transfer_failed');
      await button(page, 'Redrive…').click();
      await page.getByRole('radio', { name: /From the start/ }).check();
      await button(page, 'Redrive from the start').click();
      await expect.poll(() => current(page), patience).toBe('queued');
      const [last] = master.storage.history.events(failed_transfer).slice(-1);
      expect(last?.event).toMatchObject({ type: 'redrive', from_start: true });
    });
  });

  it('a refusal says why, and what helps', async () => {
    const options = { expected: /409|Conflict|Failed to load/ };
    await withPage(
      `/transfers/${failed_transfer.id}`,
      async (page) => {
        await button(page, 'Pause').waitFor();
        // It happens behind the back of the page, which still offers what is refused by now.
        await page.route('**/v1/transfers/*/pause', async (route) => {
          await master.happen(failed_transfer, { type: 'cancel' }, { kind: 'operator', who: 'ben' });
          await route.continue();
        });
        await button(page, 'Pause').click();
        const alert = page.getByRole('alert');
        await expect.poll(() => alert.innerText(), patience).toMatch(/Pause was refused[\s\S]*cancelled/);
      },
      options,
    );
  });

  it('a fork is another transfer, to where it was chosen', async () => {
    await withPage(`${address}?at=15`, async (page) => {
      await button(page, 'Fork…').click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.innerText()).toContain('after its event 15');
      await dialog.getByLabel('To').selectOption('zurich');
      await dialog.getByLabel('Codec').selectOption('lz4');
      await dialog.getByLabel('Parent').selectOption('none');
      await button(page, 'Make the transfer').click();
      await page.waitForURL((url) => /^\/transfers\/(?!17-3fa9)/.test(url.pathname));
      const forked = page.getByRole('link', { name: `${hero.id}, after its event 15` });
      await forked.waitFor();
      expect(await page.locator('h1').innerText()).toBe('debian-12 0042 → zurich');
    });
  });
});
